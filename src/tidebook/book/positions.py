"""Positions: entries summed as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.lots import Lot
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry


class Position(NamedTuple):
    """What a key holds, what it cost, and what it has realised so far.

    Costs and gains are in local currency and in the portfolio's base currency. ``changed_on`` is
    the business date of the last entry that counted.
    """

    security_id: str
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    realised_local: Decimal
    realised_base: Decimal
    changed_on: date


def positions(entries: Iterable[Entry], as_of: date) -> dict[str, Position]:
    """Return every key's position at the close of ``as_of``, closed ones included."""
    by_key: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.posting.on <= as_of:
            by_key.setdefault(entry.posting.security_id, []).append(entry)
    with exact():
        return {security_id: _summed(security_id, own) for security_id, own in by_key.items()}


def _summed(security_id: str, entries: Sequence[Entry]) -> Position:
    """Return what one key's entries come to."""
    return Position(
        security_id,
        sum([entry.quantity for entry in entries], ZERO),
        sum([entry.cost_local for entry in entries], ZERO),
        sum([entry.cost_base for entry in entries], ZERO),
        sum([entry.realised_local for entry in entries if entry.realised_local], ZERO),
        sum([entry.realised_base for entry in entries if entry.realised_base], ZERO),
        max([entry.posting.on for entry in entries]),
    )


def open_lots(entries: Iterable[Entry], as_of: date) -> tuple[Lot, ...]:
    """Return one key's open lots at the close of ``as_of``: what was opened less what was matched.

    Entries are those of one key in their order. A pool (average cost) is one lot, known by the
    transaction that opened it.
    """
    lots: dict[str, Lot] = {}
    with exact():
        for entry in entries:
            if entry.posting.on > as_of:
                continue
            for match in entry.matches:
                _reduce(lots, match.lot_id, (match.quantity, match.cost_local, match.cost_base))
            if entry.opened:
                lots[entry.posting.transaction_id] = Lot(
                    entry.posting.transaction_id,
                    entry.posting.on,
                    entry.opened,
                    entry.opened_cost_local,
                    entry.opened_cost_base,
                )
    return tuple(lot for lot in lots.values() if lot.quantity)


def pooled_lot(entries: Iterable[Entry], as_of: date) -> tuple[Lot, ...]:
    """Return the single lot of a key kept at average cost, or none when nothing is held."""
    quantity = local = base = ZERO
    first: Entry | None = None
    with exact():
        for entry in entries:
            if entry.posting.on > as_of:
                continue
            crosses = entry.opened and entry.matches
            if crosses or (not quantity and entry.quantity):
                first = entry
            quantity += entry.quantity
            local += entry.cost_local
            base += entry.cost_base
    if not quantity or first is None:
        return ()
    return (Lot(first.posting.transaction_id, first.posting.on, quantity, local, base),)


def _reduce(lots: dict[str, Lot], lot_id: str, taken: tuple[Decimal, Decimal, Decimal]) -> None:
    lot = lots[lot_id]
    lots[lot_id] = Lot(
        lot.lot_id,
        lot.opened_on,
        lot.quantity - taken[0],
        lot.cost_local - taken[1],
        lot.cost_base - taken[2],
    )
