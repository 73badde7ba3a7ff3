"""Trades: units followed from the day they were entered to the day they were left.

A ledger lists transactions; a trade pairs them. Every disposal closes one trade, made of the lots
that it consumed under the key's lot rule, and what is still held is one open trade. A short sale
enters a trade and the purchase that covers it leaves it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.events import CARRIES
from tidebook.book.lots import Match
from tidebook.book.postings import Leg
from tidebook.model.actions import ActionType
from tidebook.model.money import ZERO, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Lot
    from tidebook.book.valuation import Valuation


class Side(StrEnum):
    """Whether a trade gains when the price rises or when it falls."""

    LONG = "LONG"
    SHORT = "SHORT"


class Trade(NamedTuple):
    """Units entered, and left or still held.

    Amounts are positive on either side, unless costs exceed what they were taken from; costs are
    in the entry and out of the exit. The amounts of a short trade are what the sale brought
    (entry) and what the cover costs (exit). ``quantity`` is positive.
    ``exited_on`` is None while the trade is open; its exit is then what leaving would bring.
    ``exit_local`` and ``exit_base`` are None when no value is known, and ``reason`` says why.
    """

    security_id: str
    side: Side
    quantity: Decimal
    lots: tuple[Match, ...]
    entered_on: date
    exited_on: date | None
    closed_by: str | None
    entry_local: Decimal
    entry_base: Decimal
    exit_local: Decimal | None
    exit_base: Decimal | None
    reason: str | None

    @property
    def profit_local(self) -> Decimal | None:
        """The gain in local currency, negative for a loss."""
        return _profit(self.side, self.entry_local, self.exit_local)

    @property
    def profit_base(self) -> Decimal | None:
        """The gain in base currency, price and currency together, negative for a loss."""
        return _profit(self.side, self.entry_base, self.exit_base)

    @property
    def return_base(self) -> Decimal | None:
        """The gain in base currency over the amount entered, as a fraction, not annualised.

        None when there is no gain to tell, or when nothing was paid.
        """
        profit = self.profit_base
        if profit is None or not self.entry_base:
            return None
        return quotient(profit, self.entry_base)


def closed_trades(entries: Iterable[Entry]) -> tuple[Trade, ...]:
    """Return the trades that the entries of one key closed, in the order of closing.

    A disposal that states no value, as a transfer out may, leaves its exit undefined.
    """
    with exact():
        return tuple(_closed(entry) for entry in entries if _is_disposal(entry))


def _is_disposal(entry: Entry) -> bool:
    """Tell whether units were left for good: not split, repriced, or carried elsewhere."""
    if not entry.matches or not entry.quantity:
        return False
    posting = entry.posting
    if posting.leg is Leg.MAIN and posting.type in CARRIES:
        return False
    return not isinstance(posting.type, ActionType)


def open_trade(security_id: str, lots: Sequence[Lot], valuation: Valuation) -> Trade | None:
    """Return what is still held as one trade, worth what it is valued at; None without lots."""
    if not lots:
        return None
    held = tuple(Match(*lot) for lot in lots)
    value = valuation.value
    with exact():
        return _trade(security_id, held)._replace(
            exit_local=value.local * _sign(held) if value else None,
            exit_base=value.base * _sign(held) if value else None,
            reason=valuation.reason,
        )


def stake_flows(trade: Trade) -> tuple[tuple[date, Decimal], ...]:
    """Return a closed trade as the flows of its stake in base currency: minus in, plus out.

    The stake of a short trade is what its sale brought: it is put up on the day of the sale and
    comes back with the gain. No flows come from a trade that is open or whose exit is undefined.
    """
    profit = trade.profit_base
    if profit is None or trade.exited_on is None:
        return ()
    with exact():
        sign = _sign(trade.lots)
        into = [(lot.opened_on, -lot.cost_base * sign) for lot in trade.lots]
        return (*into, (trade.exited_on, trade.entry_base + profit))


def _closed(entry: Entry) -> Trade:
    posting = entry.posting
    trade = _trade(posting.security_id, entry.matches)
    trade = trade._replace(exited_on=posting.on, closed_by=posting.transaction_id)
    if not posting.amount and not posting.realises:
        return trade._replace(reason=f"{posting.transaction_id} states no value")
    if entry.realised_local is not None and entry.realised_base is not None:
        side = _sign(entry.matches)
        return trade._replace(
            exit_local=trade.entry_local + side * entry.realised_local,
            exit_base=trade.entry_base + side * entry.realised_base,
        )
    # The part of the amount that opened the other side belongs to the next trade.
    return trade._replace(
        exit_local=posting.amount + entry.opened_cost_local * _sign(entry.matches),
        exit_base=posting.amount_base + entry.opened_cost_base * _sign(entry.matches),
    )


def _trade(security_id: str, held: tuple[Match, ...]) -> Trade:
    """Return the entered side of a trade."""
    sign = _sign(held)
    return Trade(
        security_id=security_id,
        side=Side.LONG if sign > 0 else Side.SHORT,
        quantity=sign * sum((lot.quantity for lot in held), ZERO),
        lots=held,
        entered_on=min(lot.opened_on for lot in held),
        exited_on=None,
        closed_by=None,
        entry_local=sign * sum((lot.cost_local for lot in held), ZERO),
        entry_base=sign * sum((lot.cost_base for lot in held), ZERO),
        exit_local=None,
        exit_base=None,
        reason=None,
    )


def _sign(held: Sequence[Match]) -> int:
    return 1 if held[0].quantity > 0 else -1


def _profit(side: Side, entry: Decimal, left: Decimal | None) -> Decimal | None:
    if left is None:
        return None
    with exact():
        return left - entry if side is Side.LONG else entry - left
