"""Cash accounts: what was bought with money that had not settled, or with none (12 CFR 220.8).

Proceeds of a sale settle some sessions after it. What is bought with them may be held at once, and
not sold before they settle: that is a good-faith violation. What is bought without money and sold
before it is paid is paid for with its own sale: that is free riding, and the account is held to
cash that is there for 90 days. What is bought without money and paid on a later day with the sale
of something else is a liquidation violation.
"""

from __future__ import annotations

from bisect import insort
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.bound import Payment
from tidebook.compliance.trades import Side
from tidebook.model.money import ZERO, share
from tidebook.model.sessions import session_after, settles_on

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

PAYMENT_SESSIONS: Final = 2
"""How many business days after settlement a payment period ends (12 CFR 220.2)."""


class CashBreachKind(StrEnum):
    """What a cash account may not do."""

    GOOD_FAITH_VIOLATION = "good_faith_violation"
    FREE_RIDING = "free_riding"
    LIQUIDATION_VIOLATION = "liquidation_violation"


class CashBreach(NamedTuple):
    """One breach by a sale: the purchase that it sold or paid, and the day its money settles.

    ``settles_on`` is None for what nobody has paid for.
    """

    kind: CashBreachKind
    bought_by: str
    on: date
    amount: Decimal
    settles_on: date | None


class CashTrade(NamedTuple):
    """A trade as cash sees it: what it cost or brought, fees included, positive on both sides.

    Without quantities, as in a list of amounts, a sale sells all that is held.
    """

    trade_id: str
    on: date
    side: Side
    security_id: str
    amount: Decimal
    quantity: Decimal | None = None


class _Bought(NamedTuple):
    trade_id: str
    on: date
    quantity: Decimal | None
    cost: Decimal
    unsettled: tuple[tuple[date, Decimal], ...]
    unpaid: Decimal


def payment_ends_on(bought_on: date, sessions: int) -> date:
    """Return the last day on which a purchase may be paid: some sessions after it settles."""
    return session_after(settles_on(bought_on), sessions)


class CashFunding:
    """What an account's purchases were paid with, trade by trade.

    Settled cash pays first, then the proceeds that settle soonest; what is left is unpaid until a
    deposit pays it, the oldest purchase first.
    """

    __slots__ = ("_bought", "_settled", "_unsettled", "payment")

    def __init__(self, settled: Decimal = ZERO) -> None:
        """Begin with the cash that has settled."""
        self._settled = settled
        self._unsettled: list[tuple[date, Decimal]] = []
        self._bought: dict[str, list[_Bought]] = {}
        self.payment: Payment | None = None
        """What the last purchase was paid with."""

    def fork(self) -> CashFunding:
        """Return the same account, which goes its own way from here."""
        other = CashFunding(self._settled)
        other._unsettled = list(self._unsettled)
        other._bought = {security_id: list(lots) for security_id, lots in self._bought.items()}
        return other

    def deposit(self, on: date, amount: Decimal) -> None:
        """Bring cash in or, with a negative amount, out. It pays first what is unpaid."""
        self._settle(on)
        for lots in self._bought.values():
            for place, lot in enumerate(lots):
                paid = min(lot.unpaid, max(amount, ZERO))
                lots[place] = lot._replace(unpaid=lot.unpaid - paid)
                amount -= paid
        self._settled += amount

    def take(self, trade: CashTrade) -> tuple[CashBreach, ...]:
        """Take the next trade, and return what it breaks."""
        self._settle(trade.on)
        if trade.side is Side.BUY:
            self._buy(trade)
            return ()
        breaches = self._sell(trade)
        rides = sum((one.amount for one in breaches if one.settles_on is None), ZERO)
        # What pays for its own purchase is not there for another.
        left = trade.amount - rides
        covered, late = self._cover(trade, left)
        if left > covered:
            insort(self._unsettled, (settles_on(trade.on), left - covered))
        return (*breaches, *late)

    def _settle(self, on: date) -> None:
        while self._unsettled and self._unsettled[0][0] <= on:
            self._settled += self._unsettled.pop(0)[1]

    def _buy(self, trade: CashTrade) -> None:
        owed = trade.amount
        paid = min(owed, max(self._settled, ZERO))
        self._settled -= paid
        owed -= paid
        used: list[tuple[date, Decimal]] = []
        while owed > ZERO and self._unsettled:
            on, there = self._unsettled[0]
            taken = min(owed, there)
            used.append((on, taken))
            owed -= taken
            if taken == there:
                self._unsettled.pop(0)
            else:
                self._unsettled[0] = (on, there - taken)
        self.payment = Payment(
            paid, trade.amount - paid - owed, owed, payment_ends_on(trade.on, PAYMENT_SESSIONS)
        )
        lot = _Bought(trade.trade_id, trade.on, trade.quantity, trade.amount, tuple(used), owed)
        self._bought.setdefault(trade.security_id, []).append(lot)

    def _cover(self, sale: CashTrade, proceeds: Decimal) -> tuple[Decimal, list[CashBreach]]:
        """Let proceeds pay what is owed, the oldest purchase first; late where it was before."""
        covered = ZERO
        late: list[CashBreach] = []
        settles = settles_on(sale.on)
        for lots in self._bought.values():
            for place, lot in enumerate(lots):
                paid = min(lot.unpaid, max(proceeds - covered, ZERO))
                if not paid:
                    continue
                covered += paid
                lots[place] = lot._replace(
                    unpaid=lot.unpaid - paid, unsettled=(*lot.unsettled, (settles, paid))
                )
                if lot.on < sale.on:
                    kind = CashBreachKind.LIQUIDATION_VIOLATION
                    late.append(CashBreach(kind, lot.trade_id, lot.on, paid, settles))
        return covered, late

    def _sell(self, trade: CashTrade) -> tuple[CashBreach, ...]:
        lots = self._bought.get(trade.security_id, [])
        left = trade.quantity
        breaches: list[CashBreach] = []
        while lots and (left is None or left > ZERO):
            lot = lots[0]
            breaches.extend(_breaches(lot, trade))
            if left is None or lot.quantity is None:
                lots.pop(0)
                continue
            taken = min(left, lot.quantity)
            left -= taken
            if taken == lot.quantity:
                lots.pop(0)
            else:
                lots[0] = _kept(lot, lot.quantity, lot.quantity - taken)
        return tuple(breaches)


def _kept(lot: _Bought, of: Decimal, quantity: Decimal) -> _Bought:
    """Return what is left of a purchase, paid with its share of the same money."""
    return lot._replace(
        quantity=quantity,
        cost=share(lot.cost, quantity, of),
        unsettled=tuple((on, share(amount, quantity, of)) for on, amount in lot.unsettled),
        unpaid=share(lot.unpaid, quantity, of),
    )


def _breaches(lot: _Bought, sale: CashTrade) -> list[CashBreach]:
    found: list[CashBreach] = []
    if lot.unpaid > ZERO:
        found.append(CashBreach(CashBreachKind.FREE_RIDING, lot.trade_id, lot.on, lot.unpaid, None))
    early = [(on, amount) for on, amount in lot.unsettled if on > sale.on]
    if early:
        last = max(on for on, _ in early)
        amount = sum((amount for _, amount in early), ZERO)
        kind = CashBreachKind.GOOD_FAITH_VIOLATION
        found.append(CashBreach(kind, lot.trade_id, lot.on, amount, last))
    return found
