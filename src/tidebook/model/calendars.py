"""Valuation days: the days on which a portfolio has a value of its own."""

from __future__ import annotations

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


def _weekdays(first: date, last: date) -> list[date]:
    start, end = first.toordinal(), last.toordinal()
    days = (date.fromordinal(ordinal) for ordinal in range(start, end + 1))
    return [day for day in days if day.weekday() < _SATURDAY]
