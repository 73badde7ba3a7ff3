"""Axes and thinning: which numbers and days to label, and which points to draw."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from tidebook.web import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NICE = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 240, 600)
_MONTHS_IN_YEAR = 12
_DAYS_IN_WEEK = 7
_DAYS_FROM_WHICH_MONTHS_ARE_LABELLED = 92


class TimeTick(NamedTuple):
    """A labelled day on the time axis."""

    day: date
    label: str


def value_ticks(low: Decimal, high: Decimal, *, steps_max: int = 5) -> tuple[Decimal, ...]:
    """Return evenly spaced round numbers that enclose ``low`` and ``high``.

    The step is the smallest of 1, 2, 2.5 and 5 times a power of ten with which the span from
    ``low`` to ``high`` is at most ``steps_max`` steps long. A span of nothing is widened to zero,
    and zero alone to one.
    """
    if low == high:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        high = Decimal(1)
    raw = (high - low) / steps_max
    magnitude = Decimal(1).scaleb(raw.adjusted())
    step = next(nice * magnitude for nice in _NICE if nice * magnitude >= raw)
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    return tuple(step * number for number in range(first, last + 1))


def time_ticks(start: date, end: date, *, ticks_max: int = 9) -> tuple[TimeTick, ...]:
    """Return the days to label between two dates, both included.

    The step is the smallest of 1 and 2 days, 1 and 2 weeks, 1, 3 and 6 months, 1, 2, 5, 10, 20 and
    50 years that gives at most ``ticks_max`` labels. Weeks begin on Monday, months on the first.
    A January, or the first tick, also names its year.
    """
    if start >= end:
        return (TimeTick(start, figures.day(start)),)
    days = (end - start).days
    if days < _DAYS_FROM_WHICH_MONTHS_ARE_LABELLED:
        for step in _DAY_STEPS:
            found = _every_days(start, end, step)
            if len(found) <= ticks_max:
                return _day_labels(found)
    for months in _MONTH_STEPS:
        found = _every_months(start, end, months)
        if len(found) <= ticks_max:
            return _month_labels(found, months)
    return (TimeTick(start, str(start.year)), TimeTick(end, str(end.year)))


def keep_extremes(
    positions: Sequence[float], values: Sequence[float], *, columns: int
) -> tuple[int, ...]:
    """Return which points to draw so that no peak and no trough is lost.

    The axis is cut into equal columns; of each one the lowest and the highest point stay, and of
    the whole series the first and the last. So at most ``2 * columns + 2`` points are kept, and a
    series that is no longer than ``2 * columns`` is kept whole.

    Args:
        positions: Where each point is on the axis, from 0 to 1, ascending.
        values: How high each point is.
        columns: How many columns there are.

    Returns:
        Indices, ascending.
    """
    count = len(positions)
    if count <= 2 * columns:
        return tuple(range(count))
    column_of = [int(position * columns) for position in positions]
    ends = [bisect_left(column_of, column) for column in range(1, columns)]
    kept = {0, count - 1}
    first = 0
    for end in (*ends, count):
        if first < end:
            column = values[first:end]
            kept.add(first + column.index(min(column)))
            kept.add(first + column.index(max(column)))
        first = end
    return tuple(sorted(kept))


def place(day: date, start: date, end: date) -> float:
    """Return where a day is between two others, from 0 to 1; the middle if they are one day."""
    span = (end - start).days
    return (day - start).days / span if span else 0.5


def along(days: Iterable[date], start: date, end: date) -> list[float]:
    """Return the ``place`` of each of many days."""
    first, span = start.toordinal(), (end - start).days
    return [(day.toordinal() - first) / span if span else 0.5 for day in days]


def _every_days(start: date, end: date, step: int) -> tuple[date, ...]:
    lead = -start.weekday() % _DAYS_IN_WEEK if step >= _DAYS_IN_WEEK else 0
    return tuple(
        start + timedelta(days=offset) for offset in range(lead, (end - start).days + 1, step)
    )


def _every_months(start: date, end: date, step: int) -> tuple[date, ...]:
    first = start.year * _MONTHS_IN_YEAR + start.month - 1 + (start.day > 1)
    last = end.year * _MONTHS_IN_YEAR + end.month - 1
    return tuple(
        date(number // _MONTHS_IN_YEAR, number % _MONTHS_IN_YEAR + 1, 1)
        for number in range(first + -first % step, last + 1, step)
    )


def _day_labels(days: tuple[date, ...]) -> tuple[TimeTick, ...]:
    return tuple(
        TimeTick(day, figures.day_of_month(day) if index else figures.day(day))
        for index, day in enumerate(days)
    )


def _month_labels(days: tuple[date, ...], step: int) -> tuple[TimeTick, ...]:
    if step >= _MONTHS_IN_YEAR:
        return tuple(TimeTick(day, str(day.year)) for day in days)
    return tuple(
        TimeTick(
            day,
            figures.month(day) if index and day.month > 1 else f"{figures.month(day)} {day.year}",
        )
        for index, day in enumerate(days)
    )
