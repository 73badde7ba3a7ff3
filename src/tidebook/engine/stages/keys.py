"""One key's change in a batch: append what is in order, fold anew what is not.

A posting that comes after the last one of its key is folded onto the key's state. Anything else,
a back-dated, amended or reawakened fact, folds the key again from its facts and compares: entries
that come out the same stay as they are, the others are closed and written under the next epoch. So
a restatement writes exactly what it changed, and what only came after the rest restates nothing.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from tidebook.book.folding import fold
from tidebook.book.lots import EMPTY, KeyRules, LotRule
from tidebook.book.positions import opens_by_itself
from tidebook.book.postings import Leg, Posting, in_order
from tidebook.engine.store import EntryRow, KeyState, KeyWrite
from tidebook.model.actions import event_type
from tidebook.model.money import ZERO, converted, decimal_text, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Folded, Lot
    from tidebook.engine.store import Key, Order
    from tidebook.model.findings import Finding


_NO_FLOW: Final = (None,) * 6
_NONE_SETTLED: Final[Mapping[str, Decimal]] = MappingProxyType({})


class KeyResult(NamedTuple):
    """A key's write, if anything changes, what was refused, and the earliest day that changed.

    ``settled`` is the cash that the holding determined, by the id of the fact.
    """

    write: KeyWrite | None
    findings: tuple[Finding, ...]
    changed_from: date | None
    settled: Mapping[str, Decimal] = _NONE_SETTLED


NOTHING: Final = KeyResult(None, (), None)
UNIT: Final = KeyRules(LotRule.UNIT, allow_short=True)
"""The rules of cash in the base currency."""


def comes_after(state: KeyState | None, postings: Sequence[Posting]) -> bool:
    """Tell whether postings can be folded onto a key's state without looking back."""
    if state is None or not postings:
        return True
    return state.lots_known and all(posting.order > state.last for posting in postings)


def fits(state: KeyState | None, rules: KeyRules) -> bool:
    """Tell whether a key's state can be folded on under these rules.

    It cannot where a policy has changed since: cash of the base currency has no lots, a pool is
    one lot, and everything else that is held lies in lots. Where the cost method changes from some
    day on, the method of the day of the last entry is looked at: it left the lots as they are.
    """
    if state is None:
        return True
    holding, rule = state.holding, rules.rule_on(state.last[0])
    match rule:
        case LotRule.UNIT:
            costs = {holding.cost_local, holding.cost_base}
            return state.lots_known and not holding.lots and costs == {holding.quantity}
        case LotRule.AVCO:
            return not state.lots_known or len(holding.lots) == bool(holding.quantity)
        case LotRule.FIFO | LotRule.LIFO | LotRule.HIFO | LotRule.MIN_TAX:
            return not state.lots_known or bool(holding.lots) is bool(holding.quantity)
        case _ as unknown:
            assert_never(unknown)


def append(
    key: Key, state: KeyState | None, postings: Sequence[Posting], rules: KeyRules
) -> KeyResult:
    """Fold new postings, given in any order, onto a key's state.

    For cash of the base currency the place of a posting does not matter; where one lies before the
    last, the key's history has been restated all the same, and the epoch says so.
    """
    ordered = in_order(postings)
    folded = fold(state.holding if state else EMPTY, ordered, rules)
    if not folded.entries:
        return KeyResult(None, folded.findings, None)
    back_dated = state is not None and ordered[0].order < state.last
    epoch = (state.epoch if state else 0) + (1 if back_dated else 0)
    rows = tuple(entry_row(entry) for entry in folded.entries)
    after = _state(state or KeyState.emptied(0), folded, epoch)
    start = folded.entries[0].posting.on
    write = KeyWrite(
        key, after, rows, (), start if back_dated else None, "a back-dated transaction"
    )
    return KeyResult(write, folded.findings, start, _settled(folded))


def withdraw(  # noqa: PLR0913, PLR0917 - a key, its state, and what happens to it
    key: Key,
    state: KeyState,
    removed: Mapping[tuple[str, str], EntryRow],
    postings: Sequence[Posting],
    last: Order | None,
    reason: str,
) -> KeyResult:
    """Take entries out of a key whose postings stand alone (base-currency cash); add others.

    ``last`` is the place of the last entry that stays; None when none does.
    """
    with exact():
        gone = sum((row.quantity for row in removed.values()), ZERO)
        left = state.holding.quantity - gone
    ordered = in_order(postings)
    folded = fold(EMPTY._replace(quantity=left, cost_local=left, cost_base=left), ordered, UNIT)
    rows = {(row.transaction_id, row.leg): row for row in map(entry_row, folded.entries)}
    close = tuple(entry for entry, row in removed.items() if rows.get(entry) != row)
    write = tuple(row for entry, row in rows.items() if removed.get(entry) != row)
    if not close and not write:
        return NOTHING
    days = [removed[entry].on for entry in close] + [row.on for row in write]
    start = min(days)
    if last is None:
        after = state_of(folded, state.epoch + 1)
    else:
        stays = state._replace(last=last, changed_on=last[0])
        after = _state(stays, folded, state.epoch + 1)
    return KeyResult(KeyWrite(key, after, write, close, start, reason), (), start)


def anew(postings: Iterable[Posting], rules: KeyRules) -> Folded:
    """Return what a key comes to from all its postings, given in any order."""
    return fold(EMPTY, in_order(postings), rules)


def refold(
    key: Key,
    state: KeyState | None,
    stored: Mapping[tuple[str, str], EntryRow],
    folded: Folded,
    reason: str,
) -> KeyResult:
    """Return what differs between what a key comes to from all its facts and what is stored."""
    rows = {(row.transaction_id, row.leg): row for row in map(entry_row, folded.entries)}
    close = tuple(entry for entry, row in stored.items() if rows.get(entry) != row)
    # Rows are compared once: what is on both sides and differs is closed.
    stays = stored.keys() - set(close)
    write = tuple(row for entry, row in rows.items() if entry not in stays)
    if not close and not write:
        return KeyResult(_refresh(key, state, folded), folded.findings, None, _settled(folded))
    restated = bool(close) or _between(write, stored)
    epoch = (state.epoch if state else 0) + (1 if restated else 0)
    start = min([stored[entry].on for entry in close] + [row.on for row in write])
    after = state_of(folded, epoch)
    change = KeyWrite(key, after, write, close, start if restated else None, reason)
    return KeyResult(change, folded.findings, start, _settled(folded))


def _settled(folded: Folded) -> dict[str, Decimal]:
    """Return the cash that a holding determined, by the id of the fact."""
    return {
        entry.posting.transaction_id: entry.settled
        for entry in folded.entries
        if entry.settled is not None
    }


def _between(write: Iterable[EntryRow], stored: Mapping[tuple[str, str], EntryRow]) -> bool:
    """Tell whether any new entry comes before one that is there."""
    last = max(map(order_of, stored.values()), default=None)
    return last is not None and any(order_of(row) < last for row in write)


def posting_of(key: Key, row: EntryRow) -> Posting:
    """Return the posting that a cash entry was booked from."""
    return Posting(
        *key,
        Leg.CASH,
        row.transaction_id,
        event_type(row.type),
        row.on,
        row.at,
        row.rank,
        row.amount if row.quantity > 0 else -row.amount,
        row.amount,
        converted(row.amount, row.fx_rate),
        row.currency,
        row.fx_rate,
        realises=False,
        flow=None,
        flow_base=ZERO,
    )


def order_of(row: EntryRow) -> Order:
    """Return the place of an entry inside its key."""
    return (row.on, row.at, row.rank, row.transaction_id, row.leg)


def _refresh(key: Key, state: KeyState | None, folded: Folded) -> KeyWrite | None:
    """Write the state again where it differs though no entry does.

    It does when another cost method left every entry as it was but not the lots, and when lots
    that were too many to carry have become few enough.
    """
    if state is None or not folded.entries:
        return None
    after = state_of(folded, state.epoch)
    return None if after == state else KeyWrite(key, after, (), (), None, "")


def _state(before: KeyState, folded: Folded, epoch: int) -> KeyState:
    """Return the state after entries were added to ``before``."""
    if not folded.entries:
        return before._replace(epoch=epoch, holding=folded.holding)
    last = max(folded.entries, key=lambda entry: entry.posting.order).posting
    local, base = _realised(folded.entries)
    with exact():
        return KeyState(
            epoch,
            last.currency if last.order > before.last else before.currency,
            folded.holding,
            before.realised_local + local,
            before.realised_base + base,
            max(before.changed_on, last.on),
            max(before.last, last.order),
            before.lots_known,
        )


def state_of(folded: Folded, epoch: int) -> KeyState:
    """Return the state that a fold from scratch came to."""
    return _state(KeyState.emptied(epoch), folded, epoch)


def _realised(entries: Sequence[Entry]) -> tuple[Decimal, Decimal]:
    with exact():
        local = sum((entry.realised_local or ZERO for entry in entries), ZERO)
        base = sum((entry.realised_base or ZERO for entry in entries), ZERO)
    return local, base


def entry_row(entry: Entry) -> EntryRow:
    """Return an entry as it is stored."""
    posting, flow = entry.posting, entry.posting.flow
    gains = entry[6:10]
    flowing = _NO_FLOW if flow is None else (*flow, posting.flow_base)
    return made(
        EntryRow,
        (
            posting.transaction_id,
            posting.leg,
            posting.type,
            posting.on,
            posting.at,
            posting.rank,
            posting.currency,
            posting.fx_rate,
            posting.amount,
            entry.quantity,
            entry.cost_local,
            entry.cost_base,
            *gains,
            _lots_text(entry.matches) if entry.matches else None,
            *flowing,
            None if opens_by_itself(entry) else _lots_text(entry.opens),
        ),
    )


def _lots_text(lots: Iterable[Lot]) -> str:
    # Only an id can hold what JSON escapes; the rest is laid out as ``json.dumps`` lays it out.
    return f"[{', '.join([_lot_text(*lot) for lot in lots])}]"


def _lot_text(
    lot_id: str, opened_on: date, quantity: Decimal, local: Decimal, base: Decimal
) -> str:
    cost = decimal_text(local)
    # One object for both costs marks a lot in the base currency (see book.lots).
    in_base = cost if base is local else decimal_text(base)
    identity, day = encode_basestring(lot_id), opened_on.isoformat()
    return f'[{identity}, "{day}", "{decimal_text(quantity)}", "{cost}", "{in_base}"]'
