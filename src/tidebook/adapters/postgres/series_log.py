"""The log of daily series that were written anew, and of the market's facts behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tidebook.adapters.postgres.causes import causes_text, dated
from tidebook.adapters.postgres.copying import columns, copy_rows
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.causes import Cause, CauseKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Cell
    from tidebook.engine.causes import SeriesRestated
    from tidebook.engine.valuing import SeriesJob, SeriesWrite

_SQL = statements("series")
_COLUMNS = columns(
    "portfolio_id from_date to_date days value_on value_before value_after causes generation "
    "valuation_version recorded_at"
)
_NAMED_WHOLE = {CauseKind.INSTRUMENT, CauseKind.PORTFOLIO, CauseKind.CORPORATE_ACTION}
"""Facts whose id says all of which they are; of the others a day belongs to it."""


class Unknown(NamedTuple):
    """What a series did not know: from which change of the market on, and which generation was."""

    change: int
    generation: int


def unknown_to(
    cursor: Cursor[tuple[Any, ...]], writes: Sequence[SeriesWrite]
) -> dict[str, Unknown]:
    """Return what the restated series do not know of the market; those that know all are left out.

    It is to be asked before the series are written, because then they know.
    """
    ids = [each.job.portfolio.portfolio_id for each in writes if each.restated is not None]
    if not ids:
        return {}
    rows = cursor.execute(_SQL["market_change"], {"ids": ids}).fetchall()
    return {row[0]: Unknown(*row[1:]) for row in rows}


def save(
    cursor: Cursor[tuple[Any, ...]],
    writes: Iterable[SeriesWrite],
    unknown: Mapping[str, Unknown],
    saved: Collection[str],
    at: datetime,
) -> None:
    """Log that days which had been valued were valued anew, and what the market moved.

    Args:
        cursor: In the transaction that wrote the series.
        writes: What was to be written.
        unknown: What the series did not know of the market before.
        saved: The portfolios whose series were written.
        at: The instant of the rows.
    """
    logged = [
        (each.job, each.restated, unknown[each.job.portfolio.portfolio_id])
        for each in writes
        if each.restated is not None
        and each.job.portfolio.portfolio_id in saved
        and each.job.portfolio.portfolio_id in unknown
    ]
    if not logged:
        return
    causes = _causes(cursor, logged)
    rows = (_row(job, restated, known, causes, at) for job, restated, known in logged)
    copy_rows(cursor, "series_restatements", _COLUMNS, rows)


_Logged = tuple["SeriesJob", "SeriesRestated", Unknown]


def _row(
    job: SeriesJob,
    restated: SeriesRestated,
    unknown: Unknown,
    causes: Mapping[str, list[Cause]],
    at: datetime,
) -> tuple[Cell, ...]:
    identity = job.portfolio.portfolio_id
    found = causes.get(identity, [])
    if job.generation != unknown.generation:
        generations = f"generation {unknown.generation + 1}..{job.generation}"
        found = [*found, Cause(CauseKind.BOOK, generations)]
    return (
        identity,
        *restated,
        causes_text(found),
        job.generation,
        job.valuation_version,
        at,
    )


def _causes(cursor: Cursor[tuple[Any, ...]], logged: Sequence[_Logged]) -> dict[str, list[Cause]]:
    """Return the facts of the market behind each portfolio's restatement."""
    named = {
        "ids": [job.portfolio.portfolio_id for job, _, _ in logged],
        "changes": [unknown.change for _, _, unknown in logged],
        "through": [restated.to_date for _, restated, _ in logged],
    }
    rows = cursor.execute(_SQL["changes"], named).fetchall()
    met: dict[str, set[str]] = {}
    pairs: dict[str, list[str]] = {}
    for row in rows:
        if row[1] == CauseKind.RATE:
            pairs.setdefault(row[0], []).append(row[2])
    if pairs:
        held = cursor.execute(_SQL["currencies"], {"ids": list(pairs)}).fetchall()
        for identity, currency in held:
            met.setdefault(identity, set()).add(currency)
    bases = {job.portfolio.portfolio_id: job.portfolio.base_currency for job, _, _ in logged}
    bearing = {
        identity: _bearing(of, met.get(identity, set()) | {bases[identity]})
        for identity, of in pairs.items()
    }
    found: dict[str, list[Cause]] = {}
    for identity, *row in rows:
        if row[0] != CauseKind.RATE or row[1] in bearing[identity]:
            found.setdefault(identity, []).append(_cause(row))
    return found


def _bearing(pairs: Iterable[str], met: set[str]) -> set[str]:
    """Return the pairs that join currencies of the portfolio; where none does, those to cross."""
    if len(met) == 1:
        return set()
    currencies = {pair: set(pair.split("/")) for pair in pairs}
    joining = {pair for pair, both in currencies.items() if both <= met}
    return joining or {pair for pair, both in currencies.items() if both & met}


def _cause(row: Sequence[Any]) -> Cause:
    kind, identity, first, last, version = row
    if kind in _NAMED_WHOLE:
        return Cause(CauseKind(kind), identity, version)
    return Cause(CauseKind(kind), dated(identity, first, last), version)
