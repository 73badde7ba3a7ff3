"""A cash account over time: its violations, and how long it is held to settled cash for them.

Free riding withdraws the privilege of paying late for 90 calendar days (12 CFR 220.8(c)), unless
the purchase is paid within its payment period all the same. Good-faith violations and liquidation
violations do so by the rule of the house: three of a kind within twelve months.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.bound import CashStanding, Restriction
from tidebook.compliance.cash_funding import (
    PAYMENT_SESSIONS,
    CashBreachKind,
    CashFunding,
    payment_ends_on,
)
from tidebook.compliance.margin_days import years_before
from tidebook.compliance.rules import param
from tidebook.compliance.trades import Side
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.postings import Order
    from tidebook.compliance.cash_funding import CashBreach, CashTrade
    from tidebook.compliance.rules import RuleSet
    from tidebook.compliance.trades import Account


class CashRule(NamedTuple):
    """The figures of the rule; a broker may be stricter, never more lenient than the freeze."""

    freeze_days: int = 90
    good_faith_min: int = 3
    liquidation_min: int = 3


class Inflow(NamedTuple):
    """Cash that came in, or went out with a negative amount, and where in the book."""

    place: Order
    amount: Decimal

    @property
    def on(self) -> date:
        """The day."""
        return self.place[0]


class _Violation(NamedTuple):
    on: date
    kind: CashBreachKind
    trade_id: str


_TOLD = {
    CashBreachKind.GOOD_FAITH_VIOLATION: "good-faith violations",
    CashBreachKind.LIQUIDATION_VIOLATION: "liquidation violations",
}


def cash_rule(account: Account, ruleset: RuleSet) -> CashRule:
    """Return the figures for an account."""
    named = ruleset.params
    return CashRule(
        int(max(named["freeze_days"].value, param(account, ruleset, "freeze_days"))),
        int(param(account, ruleset, "good_faith_min")),
        int(param(account, ruleset, "liquidation_min")),
    )


class CashRecord:
    """What a cash account paid its purchases with, and what binds it for that."""

    def __init__(self, settled: Decimal = ZERO, inflows: Sequence[Inflow] = ()) -> None:
        """Begin with the cash that has settled.

        Args:
            settled: The cash that has settled.
            inflows: All that comes in or goes out without a trade, in order, later days too: what
                is paid after a sale can still be in time.
        """
        self._funding = CashFunding(settled)
        self._inflows = list(inflows)
        self._violations: list[_Violation] = []
        self._restriction: Restriction | None = None

    def fork(self) -> CashRecord:
        """Return the same record, which goes its own way from here."""
        other = CashRecord(ZERO, self._inflows)
        other._funding = self._funding.fork()
        other._violations, other._restriction = list(self._violations), self._restriction
        return other

    def deposit(self, on: date, amount: Decimal) -> None:
        """Bring cash in or, with a negative amount, out."""
        self._funding.deposit(on, amount)

    def restriction(self, on: date) -> Restriction | None:
        """Return what holds the account to settled cash on a day."""
        held = self._restriction
        return held if held is not None and held.since < on <= held.until else None

    def take(
        self, trade: CashTrade, place: Order, rule: CashRule
    ) -> tuple[tuple[CashBreach, ...], CashStanding]:
        """Take the next trade, and return what it breaks and how the account stands."""
        restriction = self.restriction(trade.on)
        breaches = self._funding.take(trade)
        if trade.side is Side.BUY:
            return (), CashStanding(self._funding.payment, restriction)
        paid_on: date | None = None
        violations = 0
        for kind in dict.fromkeys(one.kind for one in breaches):
            if kind is CashBreachKind.FREE_RIDING:
                paid_on = self._paid_on([one for one in breaches if one.kind is kind], place)
                if paid_on is None:
                    self._restrict(trade, rule, "free riding", (trade.trade_id,))
                continue
            self._violations.append(_Violation(trade.on, kind, trade.trade_id))
            same = self._of_a_year(kind, trade.on)
            violations = max(violations, len(same))
            least = (
                rule.good_faith_min
                if kind is CashBreachKind.GOOD_FAITH_VIOLATION
                else rule.liquidation_min
            )
            if len(same) >= least:
                why = f"{len(same)} {_TOLD[kind]} within twelve months"
                self._restrict(trade, rule, why, tuple(one.trade_id for one in same))
        return breaches, CashStanding(None, restriction, paid_on, violations)

    def _of_a_year(self, kind: CashBreachKind, on: date) -> list[_Violation]:
        first = years_before(on)
        return [one for one in self._violations if one.kind is kind and one.on > first]

    def _restrict(
        self, trade: CashTrade, rule: CashRule, why: str, trades: tuple[str, ...]
    ) -> None:
        until = trade.on + timedelta(days=rule.freeze_days)
        held = self.restriction(trade.on)
        since = trade.on if held is None else held.since
        self._restriction = Restriction(since, until, why, trades)

    def _paid_on(self, rides: Sequence[CashBreach], place: Order) -> date | None:
        """Return the day on which what was sold unpaid was paid in time; it pays nothing else."""
        last: date | None = None
        for ride in rides:
            ends = payment_ends_on(ride.on, PAYMENT_SESSIONS)
            found = self._pledged(ride.amount, place, ends)
            if found is None:
                return None
            last = max(last or found, found)
        return last

    def _pledged(self, amount: Decimal, place: Order, ends: date) -> date | None:
        near = [at for at, one in enumerate(self._inflows) if one.place > place and one.on <= ends]
        there = ZERO
        for count, at in enumerate(near, 1):
            there += self._inflows[at].amount
            # What goes out again by the end of the period has not paid for anything.
            rest = sum((self._inflows[one].amount for one in near[count:]), ZERO)
            if there >= amount and there + min(rest, ZERO) >= amount:
                self._use(near[:count], amount)
                return self._inflows[at].on
        return None

    def _use(self, places: Sequence[int], amount: Decimal) -> None:
        for at in places:
            one = self._inflows[at]
            taken = min(max(one.amount, ZERO), amount)
            amount -= taken
            self._inflows[at] = one._replace(amount=one.amount - taken)
