"""Valuation days: the days on which a portfolio has a value of its own."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SATURDAY = 5


def valuation_days(
    first: date, last: date, business_days: Sequence[date], active_days: Iterable[date] = ()
) -> tuple[date, ...]:
    """Return the days from ``first`` to ``last`` on which a portfolio is valued, in order.

    Where business days are known they are the calendar; outside their span, and where none are
    known, every day from Monday to Friday counts. A day on which the portfolio itself was active
    counts always, so that no flow falls between two valuations.
    """
    if first > last:
        return ()
    known = [day for day in business_days if first <= day <= last]
    days = set(known)
    if business_days:
        begin, end = min(business_days), max(business_days)
        days.update(_weekdays(first, min(last, begin - timedelta(days=1))))
        days.update(_weekdays(max(first, end + timedelta(days=1)), last))
    else:
        days.update(_weekdays(first, last))
    days.update(day for day in active_days if first <= day <= last)
    return tuple(sorted(days))


def days_between(after: date, through: date, business_days: Sequence[date]) -> int:
    """Return how many valuation days lie after one day and up to another, the latter included.

    Business days are given in order; they are the calendar inside their span, and Monday to Friday
    outside it and where there are none.

    >>> days_between(date(2024, 3, 1), date(2024, 3, 5), ())  # Friday to Tuesday
    2
    """
    if after >= through:
        return 0
    if not business_days:
        return _weekdays_after(after, through)
    begin, end = business_days[0], business_days[-1]
    before = _weekdays_after(after, min(through, begin - timedelta(days=1)))
    inside = bisect_right(business_days, through) - bisect_right(business_days, after)
    return before + inside + _weekdays_after(max(after, end), through)


def _weekdays_after(after: date, through: date) -> int:
    """Return how many days from Monday to Friday lie after one day and up to another."""
    days = (through - after).days
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    return weeks * _SATURDAY + sum(
        (after + timedelta(days=number)).weekday() < _SATURDAY for number in range(1, rest + 1)
    )


def _weekdays(first: date, last: date) -> list[date]:
    start, end = first.toordinal(), last.toordinal()
    days = (date.fromordinal(ordinal) for ordinal in range(start, end + 1))
    return [day for day in days if day.weekday() < _SATURDAY]
