"""One key's change in a batch: append what is in order, fold anew what is not.

A posting that comes after the last one of its key is folded onto the key's state. Anything else,
a back-dated, amended or reawakened fact, folds the key again from its facts and compares: entries
that come out the same stay as they are, the others are closed and written under the next epoch. So
a restatement writes exactly what it changed, and what only came after the rest restates nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from tidebook.book.lots import EMPTY, KeyRules, LotRule, fold
from tidebook.engine.store import EntryRow, KeyState, KeyWrite
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.ledger import Posting
    from tidebook.book.lots import Entry, Folded
    from tidebook.engine.store import Key, Order
    from tidebook.model.findings import Finding


class KeyResult(NamedTuple):
    """A key's write, if anything changes, what was refused, and the earliest day that changed."""

    write: KeyWrite | None
    findings: tuple[Finding, ...]
    changed_from: date | None


NOTHING: Final = KeyResult(None, (), None)
UNIT: Final = KeyRules(LotRule.UNIT, allow_short=True)
"""The rules of cash in the base currency."""


def in_order(state: KeyState | None, postings: Sequence[Posting]) -> bool:
    """Tell whether postings can be folded onto a key's state without looking back."""
    if state is None or not postings:
        return True
    return state.lots_known and all(posting.order > state.last for posting in postings)


def fits(state: KeyState | None, rules: KeyRules) -> bool:
    """Tell whether a key's state can be folded on under these rules.

    It cannot where a policy has changed since: cash of the base currency has no lots, a pool is
    one lot, and everything else that is held lies in lots.
    """
    if state is None:
        return True
    holding = state.holding
    match rules.lots:
        case LotRule.UNIT:
            costs = {holding.cost_local, holding.cost_base}
            return state.lots_known and not holding.lots and costs == {holding.quantity}
        case LotRule.AVCO:
            return not state.lots_known or len(holding.lots) == bool(holding.quantity)
        case LotRule.FIFO:
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
    ordered = sorted(postings, key=lambda posting: posting.order)
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
    return KeyResult(write, folded.findings, start)


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
    ordered = sorted(postings, key=lambda posting: posting.order)
    folded = fold(EMPTY._replace(quantity=left, cost_local=left, cost_base=left), ordered, UNIT)
    rows = {(row.transaction_id, row.leg): row for row in map(entry_row, folded.entries)}
    close = tuple(entry for entry, row in removed.items() if rows.get(entry) != row)
    write = tuple(row for entry, row in rows.items() if removed.get(entry) != row)
    if not close and not write:
        return NOTHING
    days = [removed[entry].on for entry in close] + [row.on for row in write]
    start = min(days)
    if last is None:
        after = _recount(folded, state.epoch + 1)
    else:
        stays = state._replace(last=last, changed_on=last[0])
        after = _state(stays, folded, state.epoch + 1)
    return KeyResult(KeyWrite(key, after, write, close, start, reason), (), start)


def refold(  # noqa: PLR0913, PLR0917 - a key, its state, and what happens to it
    key: Key,
    state: KeyState | None,
    stored: Mapping[tuple[str, str], EntryRow],
    postings: Iterable[Posting],
    rules: KeyRules,
    reason: str,
) -> KeyResult:
    """Fold a key from all its facts and write what differs from what is stored."""
    folded = fold(EMPTY, sorted(postings, key=lambda posting: posting.order), rules)
    rows = {(row.transaction_id, row.leg): row for row in map(entry_row, folded.entries)}
    close = tuple(entry for entry, row in stored.items() if rows.get(entry) != row)
    write = tuple(row for entry, row in rows.items() if stored.get(entry) != row)
    if not close and not write:
        return KeyResult(_refresh(key, state, folded), folded.findings, None)
    restated = bool(close) or _between(write, stored)
    epoch = (state.epoch if state else 0) + (1 if restated else 0)
    start = min([stored[entry].on for entry in close] + [row.on for row in write])
    after = _recount(folded, epoch)
    change = KeyWrite(key, after, write, close, start if restated else None, reason)
    return KeyResult(change, folded.findings, start)


def _between(write: Iterable[EntryRow], stored: Mapping[tuple[str, str], EntryRow]) -> bool:
    """Tell whether any new entry comes before one that is there."""
    last = max(map(order_of, stored.values()), default=None)
    return last is not None and any(order_of(row) < last for row in write)


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
    after = _recount(folded, state.epoch)
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


def _recount(folded: Folded, epoch: int) -> KeyState:
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
    return EntryRow(
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
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
        _matches_text(entry) if entry.matches else None,
        flow.classification if flow else None,
        flow.timing if flow else None,
        flow.is_portfolio_flow if flow else None,
        flow.cash_amount if flow else None,
        flow.position_flow if flow else None,
        posting.flow_base if flow else None,
    )


def _matches_text(entry: Entry) -> str:
    return json.dumps(
        [
            [
                match.lot_id,
                match.opened_on.isoformat(),
                decimal_text(match.quantity),
                decimal_text(match.cost_local),
                decimal_text(match.cost_base),
            ]
            for match in entry.matches
        ],
        ensure_ascii=False,
    )
