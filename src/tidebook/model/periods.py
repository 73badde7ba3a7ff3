"""Periods: what "year to date" or "three years" means on a given day, and how it is cut up.

Both ends of a span belong to it. A period of N years ends on the day it is asked for and starts
N years earlier plus one day, so that three years as of 13 August 2025 run from 14 August 2022;
where that day does not exist (29 February) the last day of the month stands in for it. No period
starts before the inception of the portfolio. A calendar year and an explicit period end where
they say, even if that lies in the future of the day asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tidebook.errors import InvalidPeriodError

_MONTHS_PER_YEAR = 12
_MONTHS_PER_QUARTER = 3
_DAYS_PER_WEEK = 7
_FRIDAY = 4


class PeriodType(StrEnum):
    """The periods that can be asked for by name."""

    EXPLICIT = "EXPLICIT"
    """From one stated day to another."""
    YEAR = "YEAR"
    """One stated calendar year."""
    WTD = "WTD"
    """Week to date; weeks start on Monday."""
    MTD = "MTD"
    """Month to date."""
    QTD = "QTD"
    """Calendar quarter to date."""
    YTD = "YTD"
    """Calendar year to date."""
    ONE_YEAR = "ONE_YEAR"
    """The last year, ending on the day asked for."""
    THREE_YEAR = "THREE_YEAR"
    """The last three years."""
    FIVE_YEAR = "FIVE_YEAR"
    """The last five years."""
    SI = "SI"
    """Since inception."""
    ROLLING = "ROLLING"
    """A stated number of months, or of days, ending on the day asked for."""
    SINCE_RESTATEMENT = "SINCE_RESTATEMENT"
    """From the first day that the last restatement touched."""

    @classmethod
    def parse(cls, text: str) -> PeriodType:
        """Return the period type of that name, in any case of letters; ``ITD 1Y 3Y 5Y`` are known.

        Raises:
            InvalidPeriodError: If there is no such name.
        """
        name = text.strip().upper()
        try:
            return cls(_ALIASES.get(name, name))
        except ValueError:
            raise InvalidPeriodError(text, f"is none of {', '.join((*cls, *_ALIASES))}") from None


_ALIASES = {
    "ITD": PeriodType.SI,
    "1Y": PeriodType.ONE_YEAR,
    "3Y": PeriodType.THREE_YEAR,
    "5Y": PeriodType.FIVE_YEAR,
}
_ROLLING = re.compile(r"([1-9][0-9]{0,4})([MD])", re.ASCII | re.IGNORECASE)
_YEARS = {PeriodType.ONE_YEAR: 1, PeriodType.THREE_YEAR: 3, PeriodType.FIVE_YEAR: 5}


class Breakdown(StrEnum):
    """The lengths of the parts a span can be cut into; weeks end on Sunday."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Span:
    """The days from ``start`` to ``end``, both included.

    Raises:
        InvalidPeriodError: If the end lies before the start.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidPeriodError(f"{self.start} to {self.end}", "ends before it starts")

    @property
    def days(self) -> int:
        """The number of days in the span, both ends counted."""
        return (self.end - self.start).days + 1


class NoSpanReason(StrEnum):
    """Why a period holds no day of a portfolio."""

    ENDS_BEFORE_INCEPTION = "ends-before-inception"
    NEVER_RESTATED = "never-restated"


@dataclass(frozen=True, slots=True)
class NoSpan:
    """A period that holds no day of the portfolio, which began on ``inception``."""

    reason: NoSpanReason
    end: date
    inception: date

    @property
    def sentence(self) -> str:
        """The reason in words."""
        if self.reason is NoSpanReason.NEVER_RESTATED:
            return f"nothing up to {self.end} was ever restated"
        return f"the period ends on {self.end}, before the inception on {self.inception}"


@dataclass(frozen=True, slots=True)
class PeriodRequest:
    """A period as it is asked for.

    ``start`` and ``end`` belong to ``EXPLICIT``, ``year`` to ``YEAR``, and either ``months`` or
    ``days`` to ``ROLLING``; the other types refuse them, so that nothing that was asked is ignored.

    Raises:
        InvalidPeriodError: If what the type needs is missing, or something else was given.
    """

    type: PeriodType
    start: date | None = None
    end: date | None = None
    year: int | None = None
    months: int | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        self._check_length()
        explicit = self.type is PeriodType.EXPLICIT
        if explicit and (self.start is None or self.end is None):
            raise InvalidPeriodError(self.type, "needs both its first and its last day")
        if not explicit and (self.start is not None or self.end is not None):
            raise InvalidPeriodError(self.type, "takes neither a first nor a last day")
        if (self.type is PeriodType.YEAR) != (self.year is not None):
            fault = "takes no year" if self.year is not None else "needs its year"
            raise InvalidPeriodError(self.type, fault)
        if self.year is not None and not date.min.year <= self.year <= date.max.year:
            raise InvalidPeriodError(self.type, f"has no year {self.year}")
        if self.start is not None and self.end is not None:
            Span(self.start, self.end)

    def _check_length(self) -> None:
        given = [length for length in (self.months, self.days) if length is not None]
        if self.type is not PeriodType.ROLLING and given:
            raise InvalidPeriodError(self.type, "takes no number of months or days")
        if self.type is PeriodType.ROLLING and len(given) != 1:
            raise InvalidPeriodError(self.type, "needs its months or its days, one of both")
        if any(length < 1 for length in given):
            raise InvalidPeriodError(self.type, "needs a length of 1 or more")


def period_named(text: str) -> PeriodRequest:
    """Return the period of a word.

    It is a name such as ``YTD``, a year such as ``2024``, a length such as ``18M`` or ``90D``, or
    two days.

    Raises:
        InvalidPeriodError: If it is none of these.

    Example:
        >>> period_named("2024").year
        2024
    """
    first, colon, last = text.partition(":")
    if colon:
        try:
            days = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            fault = "is not two days; write FROM:TO, such as 2024-01-01:2024-06-30"
            raise InvalidPeriodError(text, fault) from None
        return PeriodRequest(PeriodType.EXPLICIT, *days)
    if text.isascii() and text.isdecimal():
        return PeriodRequest(PeriodType.YEAR, year=int(text))
    length = _ROLLING.fullmatch(text)
    if length is not None:
        count = int(length[1])
        in_months = length[2] in "mM"
        return PeriodRequest(
            PeriodType.ROLLING,
            months=count if in_months else None,
            days=None if in_months else count,
        )
    return PeriodRequest(PeriodType.parse(text))


def resolve(
    request: PeriodRequest, *, as_of: date, inception: date, restated_from: date | None = None
) -> Span | NoSpan:
    """Return the days of a period as they stand on ``as_of``.

    Args:
        request: The period asked for.
        as_of: The day on which "to date" ends and from which years are counted back.
        inception: The first day of the portfolio; no span starts before it.
        restated_from: The first day that the last restatement touched; None without any.

    Returns:
        The span, or ``NoSpan`` where the period ends before the portfolio began, or would begin
        with a restatement that never was.

    Example:
        >>> three_years = PeriodRequest(PeriodType.THREE_YEAR)
        >>> resolve(three_years, as_of=date(2024, 2, 29), inception=date(2010, 1, 15)).start
        datetime.date(2021, 3, 1)
    """
    start, end = _bounds(request, as_of)
    if request.type is PeriodType.SINCE_RESTATEMENT:
        if restated_from is None or restated_from > end:
            return NoSpan(NoSpanReason.NEVER_RESTATED, end, inception)
        start = restated_from
    if end < inception:
        return NoSpan(NoSpanReason.ENDS_BEFORE_INCEPTION, end, inception)
    return Span(inception if start is None else max(start, inception), end)


def _bounds(request: PeriodRequest, as_of: date) -> tuple[date | None, date]:
    """Return the first and last day asked for; a first day of None leaves it to inception."""
    if request.start is not None and request.end is not None:
        return request.start, request.end
    if request.year is not None:
        return date(request.year, 1, 1), date(request.year, _MONTHS_PER_YEAR, 31)
    if request.type in _YEARS:
        return _day_after_months_before(as_of, _MONTHS_PER_YEAR * _YEARS[request.type]), as_of
    if request.months is not None:
        return _day_after_months_before(as_of, request.months), as_of
    if request.days is not None:
        return date.fromordinal(max(as_of.toordinal() - request.days + 1, 1)), as_of
    firsts = {
        PeriodType.WTD: _first_of_week,
        PeriodType.MTD: _first_of_month,
        PeriodType.QTD: _first_of_quarter,
        PeriodType.YTD: _first_of_year,
    }
    first = firsts.get(request.type)
    return (None if first is None else first(as_of)), as_of


def _day_after_months_before(day: date, months: int) -> date | None:
    year, month = divmod(day.year * _MONTHS_PER_YEAR + day.month - 1 - months, _MONTHS_PER_YEAR)
    if year < date.min.year:
        return None
    try:
        return date(year, month + 1, day.day) + timedelta(days=1)
    except ValueError:  # a day that the month does not have: its last, plus one day
        return _last_day(date(year, month + 1, 1), Breakdown.MONTHLY) + timedelta(days=1)


def _first_of_week(day: date) -> date:
    return date.fromordinal(max(day.toordinal() - day.weekday(), 1))


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _first_of_quarter(day: date) -> date:
    return date(day.year, day.month - (day.month - 1) % _MONTHS_PER_QUARTER, 1)


def _first_of_year(day: date) -> date:
    return date(day.year, 1, 1)


def counted(span: Span, valued_on: date) -> Span:
    """Return the days of a span over which its return was earned: up to the last valued day.

    Days after it earned nothing that is known, and a rate over them would be too low. The Saturday
    and the Sunday behind it count, for the value of a Friday stands until Monday.

    Args:
        span: The days asked for.
        valued_on: The last of them on which the portfolio has a value.

    Example:
        >>> asked = Span(date(2021, 1, 1), date(2024, 12, 31))
        >>> counted(asked, date(2023, 12, 29)).end  # a Friday
        datetime.date(2023, 12, 31)
    """
    weekday = valued_on.weekday()
    resting = _DAYS_PER_WEEK - 1 - weekday if weekday >= _FRIDAY else 0
    until = min(span.end.toordinal(), valued_on.toordinal() + resting)
    return Span(span.start, date.fromordinal(until))


def cut(span: Span, breakdown: Breakdown) -> tuple[Span, ...]:
    """Return the calendar days, weeks, months, quarters or years that a span touches, in order.

    The parts cover the span exactly: the first and the last are clipped to its ends, and a week
    belongs to the part that ends on its Sunday.

    Example:
        >>> quarter_start = Span(date(2025, 1, 30), date(2025, 3, 2))
        >>> [part.days for part in cut(quarter_start, Breakdown.MONTHLY)]
        [2, 28, 2]
    """
    parts: list[Span] = []
    start = span.start
    while True:
        end = min(_last_day(start, breakdown), span.end)
        parts.append(Span(start, end))
        if end == span.end:
            return tuple(parts)
        start = end + timedelta(days=1)


def _last_day(day: date, breakdown: Breakdown) -> date:
    """Return the last day of the day's own week, month, quarter or year."""
    if breakdown is Breakdown.DAILY:
        return day
    if breakdown is Breakdown.WEEKLY:
        sunday = day.toordinal() + _DAYS_PER_WEEK - 1 - day.weekday()
        return date.fromordinal(min(sunday, date.max.toordinal()))
    months = {Breakdown.MONTHLY: 1, Breakdown.QUARTERLY: 3, Breakdown.YEARLY: 12}[breakdown]
    last_month = day.month + (-day.month) % months
    if last_month == _MONTHS_PER_YEAR:
        return date(day.year, last_month, 31)
    return date(day.year, last_month + 1, 1) - timedelta(days=1)
