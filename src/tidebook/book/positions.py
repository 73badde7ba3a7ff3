"""Positions: entries summed as of a day."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.lots import Lot
from tidebook.model.money import ZERO, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Match


_SECURITY: Final = attrgetter("posting.security_id")


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


def by_security(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return entries of one portfolio by their security, in the order in which they are given."""
    found: dict[str, list[Entry]] = {}
    # Entries mostly come one key after the other: a run of them is taken at once.
    for security_id, run in groupby(entries, _SECURITY):
        found.setdefault(security_id, []).extend(run)
    return found


def positions(entries: Iterable[Entry], as_of: date) -> dict[str, Position]:
    """Return every key's position at the close of ``as_of``, closed ones included."""
    with exact():
        summed = [_summed(key, own, as_of) for key, own in by_security(entries).items()]
    return {position.security_id: position for position in summed if position is not None}


def _summed(security_id: str, entries: Iterable[Entry], as_of: date) -> Position | None:
    """Return what one key's entries come to; None when none counts yet."""
    quantity = cost_local = cost_base = realised_local = realised_base = ZERO
    last: date | None = None
    for entry in entries:
        on = entry.posting.on
        if on > as_of:
            continue
        if last is None or on > last:
            last = on
        quantity += entry.quantity
        cost_local += entry.cost_local
        cost_base += entry.cost_base
        if entry.realised_local:
            realised_local += entry.realised_local
        if entry.realised_base:
            realised_base += entry.realised_base
    if last is None:
        return None
    return Position(
        security_id, quantity, cost_local, cost_base, realised_local, realised_base, last
    )


def open_lots(entries: Iterable[Entry], as_of: date) -> tuple[Lot, ...]:
    """Return one key's open lots at the close of ``as_of``, by the days they were opened on.

    They are what was opened less what was matched, in any order of the entries. A pool (average
    cost) is one lot, known by the transaction that opened it.
    """
    lots: dict[str, Lot] = {}
    with exact():
        for entry in entries:
            if entry.posting.on <= as_of:
                for match in entry.matches:
                    _change(lots, match, -1)
                for lot in entry.opens:
                    _change(lots, lot, 1)
    held = [lot for lot in lots.values() if lot.quantity or lot.cost_local or lot.cost_base]
    return tuple(sorted(held, key=_opened_on))


def opens_by_itself(entry: Entry) -> bool:
    """Tell whether :func:`own_lot` finds what an entry opened from its change and its matches.

    It does for plain trades in single lots; it cannot tell which lots of others were added to.
    """
    if len(entry.opens) != 1:
        return not entry.opens
    lot, posting = entry.opens[0], entry.posting
    return lot.lot_id == posting.transaction_id and lot.opened_on == posting.on


def own_lot(change: Lot, matches: Sequence[Match]) -> tuple[Lot, ...]:
    """Return the lot that an entry opened, if any, where :func:`opens_by_itself` holds.

    It is what the entry moved beyond the parts of older lots that it consumed.

    Args:
        change: The entry's transaction and day, and what it changed.
        matches: The parts of lots that it consumed.
    """
    if not matches:
        return (change,) if change.quantity or change.cost_local or change.cost_base else ()
    with exact():
        lot = change._replace(
            quantity=sum([match.quantity for match in matches], change.quantity),
            cost_local=sum([match.cost_local for match in matches], change.cost_local),
            cost_base=sum([match.cost_base for match in matches], change.cost_base),
        )
    return (lot,) if lot.quantity or lot.cost_local or lot.cost_base else ()


def in_one_pool(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries of a key at average cost with what they opened added to its pool.

    Entries of earlier releases do not tell which pool they added to. Those that do stay as they
    are.

    Args:
        entries: One key's entries in their order.
    """
    pool: Lot | None = None
    held = ZERO
    found: list[Entry] = []
    with exact():
        for entry in entries:
            left = held - sum([match.quantity for match in entry.matches], ZERO)
            opens = entry.opens
            if pool is not None and left and opens:
                opens = tuple(
                    lot._replace(lot_id=pool.lot_id, opened_on=pool.opened_on) for lot in opens
                )
            elif opens:
                pool = opens[0]
            held += entry.quantity
            found.append(entry._replace(opens=opens))
    return found


def _opened_on(lot: Lot) -> date:
    return lot.opened_on


def _change(lots: dict[str, Lot], by: Lot, sign: int) -> None:
    lot = lots.get(by.lot_id)
    if lot is None and sign > 0:
        lots[by.lot_id] = by
        return
    lot_id, opened_on, *moved = by
    quantity, local, base = moved if sign > 0 else [-amount for amount in moved]
    if lot is not None:
        opened_on = lot.opened_on
        quantity, local, base = lot[2] + quantity, lot[3] + local, lot[4] + base
    lots[lot_id] = made(Lot, (lot_id, opened_on, quantity, local, base))
