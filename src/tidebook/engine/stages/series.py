"""The series stage: bring the daily series of portfolios up to date from the day they are wrong.

Only days that come out different are written; the rows they replace are closed. A portfolio whose
book or market moved meanwhile is left for the next round: its job presents what it read, and a
stale one writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.series import daily_series
from tidebook.model.calendars import valuation_days

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tidebook.book.series import PortfolioDay
    from tidebook.engine.store import SeriesInput, SeriesJob, Unit


class SeriesOutcome(NamedTuple):
    """What a round came to."""

    portfolios: int
    days_written: int
    stale: int
    brought: tuple[tuple[str, date, int], ...]
    """(portfolio id, first changed day, generation) of every series that changed."""


def bring_up_to_date(unit: Unit, limit: int, at: datetime) -> SeriesOutcome:
    """Bring up to ``limit`` portfolios' series up to date inside one unit."""
    unit.hold_market(exclusive=False)
    jobs = unit.series_jobs(limit)
    business_days = unit.business_dates() if jobs else ()
    written = stale = 0
    brought: list[tuple[str, date, int]] = []
    for job in jobs:
        given = unit.series_input(job)
        rows = _rows(unit, job, given, business_days)
        write, close = _changes(rows, given.stored)
        if not unit.save_series(job, write, close, at):
            stale += 1
            continue
        written += len(write)
        if write or close:
            first = min([row.on for row in write] + list(close))
            brought.append((job.portfolio.portfolio_id, first, job.generation))
    return SeriesOutcome(len(jobs), written, stale, tuple(brought))


def _rows(
    unit: Unit, job: SeriesJob, given: SeriesInput, business_days: Sequence[date]
) -> tuple[PortfolioDay, ...]:
    """Return the rows from the job's day to the last day known."""
    if not given.holdings and not given.active_days:
        return ()
    begin = min(
        [job.from_date]
        if any(held.days and held.days[0] < job.from_date for held in given.holdings)
        else [*given.active_days[:1], *(held.days[0] for held in given.holdings)]
    )
    first = max(begin, job.from_date)
    ends = [*business_days[-1:], *given.active_days[-1:]]
    if not business_days and given.last_price_day is not None:
        ends.append(given.last_price_day)
    last = max(ends, default=first)
    days = valuation_days(first, last, business_days, given.active_days)
    market = unit.market(job.portfolio.base_currency, [held.security_id for held in given.holdings])
    return daily_series(days, given.holdings, given.flows, market, given.opening)


def _changes(
    rows: Sequence[PortfolioDay], stored: Mapping[date, PortfolioDay]
) -> tuple[list[PortfolioDay], list[date]]:
    """Return the rows to write and the days whose stored rows end."""
    write = [row for row in rows if stored.get(row.on) != row]
    days = {row.on for row in rows}
    close = [row.on for row in write if row.on in stored]
    close.extend(day for day in stored if day not in days)
    return write, close
