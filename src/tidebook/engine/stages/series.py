"""The series stage: bring the daily series of portfolios up to date from the day they are wrong.

Only days that come out different are written; the rows they replace are closed. A portfolio whose
book or market moved meanwhile is left for the next round: its job presents what it read, and a
stale one writes nothing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.series import daily_series
from tidebook.engine.stages.restating import series_restated
from tidebook.model.calendars import valuation_days

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from tidebook.book.series import PortfolioDay
    from tidebook.engine.store import Unit
    from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan


_DAY: Final = timedelta(days=1)


class SeriesOutcome(NamedTuple):
    """What a round came to."""

    portfolios: int
    days_written: int
    stale: int
    brought: tuple[tuple[str, date, int], ...]
    """(portfolio id, first changed day, generation) of every series that changed."""


def bring_up_to_date(
    unit: Unit,
    limit: int,
    now: Callable[[], datetime],
    *,
    spared: Collection[str] = (),
    taken: list[str] | None = None,
) -> SeriesOutcome:
    """Bring up to ``limit`` portfolios' series up to date inside one unit.

    ``spared`` are passed over. Into ``taken`` go those that are not, before anything is done. What
    is written is believed from the instant at which it was known what there is to do: one taken
    before would say that it was believed while it was not.
    """
    unit.hold_market(exclusive=False)
    jobs = unit.series_jobs(limit, spared)
    at = now()
    if taken is not None:
        taken.extend(job.portfolio.portfolio_id for job in jobs)
    business_days = unit.business_dates() if jobs else ()
    written = stale = 0
    brought: list[tuple[str, date, int]] = []
    for job in jobs:
        span = unit.series_span(job, with_prices=not business_days)
        last = _last_day(span, business_days)
        start = _start(job, span, last)
        given = unit.series_input(job, span, start)
        rows = _rows(unit, job, given, _days(span, start, last, business_days))
        write, close = _changes(rows, given.stored)
        restated = series_restated(rows, given.stored, close)
        if not unit.save_series(job, write, close, at, restated=restated):
            stale += 1
            continue
        written += len(write)
        if write or close:
            first = min([row.on for row in write] + list(close))
            brought.append((job.portfolio.portfolio_id, first, job.generation))
    return SeriesOutcome(len(jobs), written, stale, tuple(brought))


def _last_day(span: SeriesSpan, business_days: Sequence[date]) -> date | None:
    """Return the day that a series ends with; None when nothing was ever booked.

    It is the last day with an entry or the last business date, whichever is later; where no
    business dates are known, the last day with an entry or with a price of what is held.
    """
    if not span.active_days:
        return None
    known = business_days[-1] if business_days else span.last_price_day
    return max(span.active_days[-1], known or span.active_days[-1])


def _start(job: SeriesJob, span: SeriesSpan, last: date | None) -> date:
    """Return the day to begin with, so that neither a hole nor a tail is left.

    The series may now end later, with days missing before the job's, or sooner, with days stored
    before the job's that are no more.
    """
    if last is None:
        return date.min
    after_stored = span.stored_before + _DAY if span.stored_before else span.active_days[0]
    return min(job.from_date, last + _DAY, after_stored)


def _days(
    span: SeriesSpan, start: date, last: date | None, business_days: Sequence[date]
) -> tuple[date, ...]:
    """Return the days from ``start`` on that a portfolio is valued on."""
    if last is None:
        return ()
    first = max(start, span.active_days[0])
    return valuation_days(first, last, business_days, span.active_days)


def _rows(
    unit: Unit, job: SeriesJob, given: SeriesInput, days: Sequence[date]
) -> tuple[PortfolioDay, ...]:
    if not days:
        return ()
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
