"""What a batch says of the history it writes anew: because of which facts, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.engine.causes import Amounts, Cause, CauseKind, Restated, SeriesRestated
from tidebook.engine.stages.keys import order_of
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from tidebook.book.ledger import Posting
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.stages.admission import Admitted
    from tidebook.engine.store import KeyState, KeyWrite


def causes_of(
    given: Iterable[Cause],
    removed: Collection[str],
    added: Iterable[Posting],
    state: KeyState | None,
    admitted: Mapping[str, Admitted],
) -> tuple[Cause, ...]:
    """Return because of what a key's history changes, if it does.

    Args:
        given: What asked for the key to be looked at again.
        removed: Ids of transactions that lose what they did to the key.
        added: What the batch puts on the key.
        state: Where the key stood before; what comes before its end is late.
        admitted: The versions that the batch brings.
    """
    postings = list(added)
    late = {
        posting.transaction_id
        for posting in postings
        if state is not None and posting.order < state.last
    }
    changed = _versions(sorted({*removed, *late}), admitted)
    found = tuple(dict.fromkeys((*given, *changed)))
    # A sale that was refused leaves no entry behind which a purchase could come late.
    return found or _versions(sorted({posting.transaction_id for posting in postings}), admitted)


def _versions(ids: Iterable[str], admitted: Mapping[str, Admitted]) -> tuple[Cause, ...]:
    return tuple(
        Cause(CauseKind.TRANSACTION, identity, admitted[identity].version)
        for identity in ids
        if identity in admitted
    )


def restated(write: KeyWrite, before: KeyState | None, causes: tuple[Cause, ...]) -> KeyWrite:
    """Return the write of a restated key with what the restatement came to.

    New entries behind the last one that was there are taken out of what the key came to: the log
    says what was wrong before, not what has happened since.
    """
    closed = set(write.close)
    news = [
        row
        for row in write.write
        if before is not None
        and order_of(row) > before.last
        and (row.transaction_id, row.leg) not in closed
    ]
    reached = _amounts(write.state)
    with exact():
        after = Amounts(
            reached.quantity - sum((row.quantity for row in news), ZERO),
            reached.cost_base - sum((row.cost_base for row in news), ZERO),
            reached.realised_base - sum((row.realised_base or ZERO for row in news), ZERO),
        )
    was = Amounts(ZERO, ZERO, ZERO) if before is None else _amounts(before)
    return write._replace(restated=Restated(causes, was, after))


def _amounts(state: KeyState) -> Amounts:
    return Amounts(state.holding.quantity, state.holding.cost_base, state.realised_base)


def series_restated(
    rows: Sequence[PortfolioDay], stored: Mapping[date, PortfolioDay], close: Sequence[date]
) -> SeriesRestated | None:
    """Return what happens to the days of a series that had been valued; None when nothing does."""
    if not close:
        return None
    common = max((row for row in rows if row.on in stored), default=None, key=lambda row: row.on)
    return SeriesRestated(
        min(close),
        max(close),
        len(close),
        None if common is None else common.on,
        None if common is None else stored[common.on].eod_market_value,
        None if common is None else common.eod_market_value,
    )
