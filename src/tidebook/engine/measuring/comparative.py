"""The question and the answer of a comparison: what is read for it, and over which days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine.measuring.comparing import (
    BENCHMARK_DAYS_MAX,
    compared,
    measured,
    opening_day,
)
from tidebook.engine.measuring.daily_comparison import intervals_daily
from tidebook.engine.measuring.index_lines import line_of
from tidebook.engine.user_figures import activity
from tidebook.model.periods import PeriodRequest, PeriodType, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tidebook.analytics import Interval
    from tidebook.engine.benchmarks import Benchmarks, Levels
    from tidebook.engine.figure_reader import HoldingsReader
    from tidebook.engine.measuring.comparing import (
        Comparison,
    )
    from tidebook.engine.measuring.index_lines import Blend
    from tidebook.engine.user_figures import Activity
    from tidebook.engine.users import UserBook

DAYS_DEFAULT: Final = 365
"""How many days before its end a comparison starts unless told otherwise."""


class ComparativeRequest(NamedTuple):
    """What to compare a user with, and over which days, both included."""

    blend: Blend
    start: date
    end: date
    known_at: datetime | None = None
    intervals: bool = False


class Comparative(NamedTuple):
    """A user beside a benchmark, and what the user did over the measured days.

    ``coverage_benchmark`` is the part of these days on which the benchmark has a level;
    ``intervals`` are None unless they were asked for.
    """

    book: UserBook
    request: ComparativeRequest
    found: Comparison
    activity: Activity | None
    coverage_benchmark: float | None
    intervals: Mapping[str, Interval] | None = None


def days_of(start: date | None, end: date | None, today: date) -> Span:
    """Return the days asked for: up to today, from 365 days before, unless told otherwise.

    Raises:
        InvalidPeriodError: If the end lies before the start.
    """
    last = end or today
    return Span(start or last - timedelta(days=DAYS_DEFAULT), last)


def comparative(
    reader: HoldingsReader, benchmarks: Benchmarks, book: UserBook, request: ComparativeRequest
) -> Comparative:
    """Return a user beside a benchmark.

    The measured days are those asked for, from the user's first day on and up to the last day that
    both sides have; where the benchmark's last day lies more than a week before the user's, it is
    the user's, and the comparison says that the benchmark is too old.

    Raises:
        InvalidBenchmarkError: If a benchmark is neither listed nor an instrument of the book.
        BenchmarkUnavailableError: If no level of one is known.
    """
    parts = [
        benchmarks.levels(part.symbol, request.start, request.end, request.known_at)
        for part in request.blend.parts
    ]
    end = _last_day(book, parts, request)
    period = PeriodRequest(PeriodType.EXPLICIT, request.start, end)
    window = measured(book, period, end)
    opening = opening_day(window) or request.start
    line = line_of(request.blend, parts, book.rates, book.currency, opening)
    found = compared(book, window, line)
    if found.span is None:
        return Comparative(book, request, found, None, None)
    done = activity(
        reader, book, start=found.span.start, end=found.span.end, known_at=request.known_at
    )
    days = [day.on for day in window.days]
    known = set(line.days)
    covered = sum(1 for on in days if on in known) / len(days)
    intervals = None
    if request.intervals:
        intervals = intervals_daily(book.series.values, found.span, line)
    return Comparative(book, request, found, done, covered, intervals)


def _last_day(book: UserBook, parts: Sequence[Levels], request: ComparativeRequest) -> date:
    """Return the last day to measure: what was asked for, as far as both sides go."""
    last = min(request.end, book.last_on or request.end)
    benchmark = min(part.points[-1].on for part in parts)
    if request.start <= benchmark < last and (last - benchmark).days <= BENCHMARK_DAYS_MAX:
        last = benchmark
    return max(last, request.start)
