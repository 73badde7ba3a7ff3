"""The series stage: bring the daily series of portfolios up to date from the day they are wrong.

Only days that come out different are written; the rows they replace are closed. A portfolio whose
book or market moved meanwhile is left for the next round: its job presents what it read, and a
stale one writes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.series import daily_series
from tidebook.engine.stages.restating import series_restated
from tidebook.engine.valuing import SeriesAsked, SeriesWrite, Span
from tidebook.model.calendars import valuation_days

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tidebook.book.series import Market, PortfolioDay
    from tidebook.engine.store import Unit
    from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan


_DAY: Final = timedelta(days=1)
_DAYS_AT_ONCE: Final = 10_000
"""Days of all portfolios together that are valued at once, some 10 MB."""
_UNTOLD_AT_ONCE: Final = 100
"""Portfolios that are valued at once where no business dates tell how many days they have."""


class SeriesOutcome(NamedTuple):
    """What a round came to."""

    portfolios: int
    days_written: int
    stale: int
    brought: tuple[tuple[str, date, int], ...]
    """(portfolio id, first changed day, generation) of every series that changed."""
    restated: tuple[int, ...] = ()
    """Of every series that had been valued and was replaced in part, how many of its days."""


def bring_up_to_date(
    unit: Unit,
    limit: int,
    now: Callable[[], datetime],
    *,
    spared: Collection[str] = (),
    taken: list[str] | None = None,
) -> SeriesOutcome:
    """Bring up to ``limit`` portfolios' series up to date inside one unit.

    It takes as many as have about 10,000 days to be valued together: their portfolios are locked
    until the unit ends, and what each unit costs is spread over all of them. ``spared`` are passed
    over. Into ``taken`` go those that are not, before anything is done; when every one of them
    turns out to be booked on, it is emptied, for to come again at once would be in vain: whoever
    books tells when it is done. What is written is believed from the instant at which it was known
    what there is to do: one taken before would say that it was believed while it was not.
    """
    unit.hold_market(exclusive=False)
    jobs: Sequence[SeriesJob] = unit.series_jobs(limit, spared)
    at = now()
    business_days = unit.business_dates() if jobs else ()
    jobs = at_once(jobs, business_days)
    if taken is not None:
        taken.extend(job.portfolio.portfolio_id for job in jobs)
    written = stale = 0
    brought: list[tuple[str, date, int]] = []
    restated: list[int] = []
    for asked in _parts(_asked(unit, jobs, business_days)):
        writes = _writes(unit, asked)
        saved = unit.save_series(writes, at)
        for job, write, close, replaced in writes:
            if job.portfolio.portfolio_id not in saved:
                stale += 1
                continue
            written += len(write)
            if replaced is not None:
                restated.append(replaced.days)
            if write or close:
                first = min([row.on for row in write] + [span.first for span in close])
                brought.append((job.portfolio.portfolio_id, first, job.generation))
    if taken and stale == len(jobs):
        taken.clear()
    return SeriesOutcome(len(jobs), written, stale, tuple(brought), tuple(restated))


def at_once(jobs: Sequence[SeriesJob], business_days: Sequence[date]) -> Sequence[SeriesJob]:
    """Return as many of the first jobs as have few enough days together; one at the least."""
    if not business_days:
        return jobs[:_UNTOLD_AT_ONCE]
    days = 0
    for place, job in enumerate(jobs):
        days += max(1, len(business_days) - bisect_left(business_days, job.from_date))
        if days > _DAYS_AT_ONCE and place:
            return jobs[:place]
    return jobs


class _Days(NamedTuple):
    """What is asked of the store for one portfolio, and the days it is to be valued on."""

    asked: SeriesAsked
    days: tuple[date, ...]


class _Calendar(NamedTuple):
    """The valuation days of a span, in order and to look up."""

    days: tuple[date, ...]
    known: frozenset[date]


_Calendars = dict[tuple[date, date], _Calendar]


def _asked(unit: Unit, jobs: Sequence[SeriesJob], business_days: Sequence[date]) -> list[_Days]:
    found: list[_Days] = []
    calendars: _Calendars = {}
    spans = unit.series_spans(jobs, with_prices=not business_days) if jobs else []
    for job, span in zip(jobs, spans, strict=True):
        last = _last_day(span, business_days)
        start = _start(job, span, last)
        days = () if last is None else _days(span, (start, last), business_days, calendars)
        found.append(_Days(SeriesAsked(job, span, start), days))
    return found


def _parts(asked: Iterable[_Days]) -> Iterator[list[_Days]]:
    """Yield portfolios in parts that are read, valued and written at once.

    A part is bounded by its days, so that many long series need no more memory than one.
    """
    part: list[_Days] = []
    days = 0
    for one in asked:
        if part and days + len(one.days) > _DAYS_AT_ONCE:
            yield part
            part, days = [], 0
        part.append(one)
        days += len(one.days)
    if part:
        yield part


def _writes(unit: Unit, part: Sequence[_Days]) -> list[SeriesWrite]:
    """Value portfolios, and return what differs from what is stored of them."""
    inputs = unit.series_inputs([one.asked for one in part])
    markets = _markets(unit, [one.asked.job for one in part], inputs)
    writes: list[SeriesWrite] = []
    for (asked, days), given in zip(part, inputs, strict=True):
        market = markets[asked.job.portfolio.base_currency]
        rows = daily_series(days, given.holdings, given.flows, market, given.opening)
        write, close = _changes(rows, given.stored)
        restated = series_restated(rows, given.stored, close)
        writes.append(SeriesWrite(asked.job, write, spans(close, given.stored), restated))
    return writes


def _markets(
    unit: Unit, jobs: Sequence[SeriesJob], inputs: Sequence[SeriesInput]
) -> dict[str, Market]:
    """Return what the portfolios of each base currency are valued with."""
    held: dict[str, set[str]] = {}
    for job, given in zip(jobs, inputs, strict=True):
        securities = held.setdefault(job.portfolio.base_currency, set())
        securities.update(each.security_id for each in given.holdings)
    return {base: unit.market(base, sorted(securities)) for base, securities in held.items()}


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
    span: SeriesSpan,
    ends: tuple[date, date],
    business_days: Sequence[date],
    calendars: _Calendars,
) -> tuple[date, ...]:
    """Return the days that a portfolio is valued on, from its first one in a span to its last.

    Most portfolios are asked for the same span and move on valuation days only, so the days of a
    span are found once.
    """
    span_ends = max(ends[0], span.active_days[0]), ends[1]
    calendar = calendars.get(span_ends)
    if calendar is None:
        days = valuation_days(*span_ends, business_days)
        calendar = calendars[span_ends] = _Calendar(days, frozenset(days))
    own = span.active_days[bisect_left(span.active_days, span_ends[0]) :]
    if calendar.known.issuperset(own):
        return calendar.days
    return valuation_days(*span_ends, business_days, own)


def _changes(
    rows: Sequence[PortfolioDay], stored: Mapping[date, PortfolioDay]
) -> tuple[list[PortfolioDay], list[date]]:
    """Return the rows to write and the days whose stored rows end."""
    write = [row for row in rows if stored.get(row.on) != row]
    days = {row.on for row in rows}
    close = [row.on for row in write if row.on in stored]
    close.extend(day for day in stored if day not in days)
    return write, close


def spans(close: Sequence[date], stored: Collection[date]) -> list[Span]:
    """Return stored days as spans in which nothing else is stored."""
    if len(close) == len(stored):
        return [Span(min(close), max(close))] if close else []
    ending = set(close)
    runs = groupby(sorted(stored), ending.__contains__)
    whole = [list(days) for ends, days in runs if ends]
    return [Span(days[0], days[-1]) for days in whole]
