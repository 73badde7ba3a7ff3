"""The log of daily series that were written anew, and of the market's facts behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tidebook.adapters.postgres.causes import causes_text, dated
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.causes import Cause, CauseKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.engine.causes import SeriesRestated
    from tidebook.engine.valuing import SeriesJob

_SQL = statements("series")


class Unknown(NamedTuple):
    """What a series did not know: from which change of the market on, and which generation was."""

    change: int
    generation: int


def unknown_to(cursor: Cursor[tuple[Any, ...]], job: SeriesJob) -> Unknown | None:
    """Return what a portfolio's series does not know of the market; None where it knows all."""
    named = {"portfolio_id": job.portfolio.portfolio_id}
    row = cursor.execute(_SQL["market_change"], named).fetchone()
    return None if row is None or row[0] is None else Unknown(*row)


def save(
    cursor: Cursor[tuple[Any, ...]],
    job: SeriesJob,
    restated: SeriesRestated,
    unknown: Unknown,
    at: datetime,
) -> None:
    """Log that days which had been valued were valued anew, and what the market moved."""
    causes = _causes(cursor, job, restated, unknown)
    if job.generation != unknown.generation:
        generations = f"generation {unknown.generation + 1}..{job.generation}"
        causes.append(Cause(CauseKind.BOOK, generations))
    named = {
        **restated._asdict(),
        "portfolio_id": job.portfolio.portfolio_id,
        "causes": causes_text(causes),
        "generation": job.generation,
        "valuation_version": job.valuation_version,
        "at": at,
    }
    cursor.execute(_SQL["log_restatement"], named)


def _causes(
    cursor: Cursor[tuple[Any, ...]], job: SeriesJob, restated: SeriesRestated, unknown: Unknown
) -> list[Cause]:
    named = {
        "portfolio_id": job.portfolio.portfolio_id,
        "change": unknown.change,
        "through": restated.to_date,
    }
    rows = cursor.execute(_SQL["changes"], named).fetchall()
    pairs = [row[1] for row in rows if row[0] == CauseKind.RATE]
    if pairs:
        met = {row[0] for row in cursor.execute(_SQL["currencies"], named).fetchall()}
        bearing = _bearing(pairs, met | {job.portfolio.base_currency})
        rows = [row for row in rows if row[0] != CauseKind.RATE or row[1] in bearing]
    return [_cause(row) for row in rows]


def _bearing(pairs: Iterable[str], met: set[str]) -> set[str]:
    """Return the pairs that join currencies of the portfolio; where none does, those to cross."""
    if len(met) == 1:
        return set()
    currencies = {pair: set(pair.split("/")) for pair in pairs}
    joining = {pair for pair, both in currencies.items() if both <= met}
    return joining or {pair for pair, both in currencies.items() if both & met}


def _cause(row: tuple[Any, ...]) -> Cause:
    kind, identity, first, last, version = row
    if kind in {CauseKind.INSTRUMENT, CauseKind.PORTFOLIO}:
        return Cause(CauseKind(kind), identity, version)
    return Cause(CauseKind(kind), dated(identity, first, last), version)
