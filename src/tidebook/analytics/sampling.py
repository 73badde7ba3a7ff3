"""Sampling: dated returns linked into days, weeks or months before their risk is measured.

How often returns are taken and how many of them make a year belong together: zero returns of
weekends among business days, annualised as business days, understate every volatility. A
``Frequency`` therefore names both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Days, Floats

_DAYS_PER_WEEK = 7
_SATURDAY = 5
# Day 0 of an array of days, 1 January 1970, was a Thursday; its week began two days later.
_EPOCH_WEEKDAY = 3
_EPOCH_SATURDAY = 2


class Frequency(StrEnum):
    """How often returns are taken."""

    DAILY = "DAILY"
    """Business days, Monday to Friday."""
    CALENDAR_DAILY = "CALENDAR_DAILY"
    """Every day, for markets that never close."""
    WEEKLY = "WEEKLY"
    """Weeks that end on Friday."""
    MONTHLY = "MONTHLY"
    """Calendar months."""
    QUARTERLY = "QUARTERLY"
    """Calendar quarters."""
    YEARLY = "YEARLY"
    """Calendar years."""

    @property
    def periods_per_year(self) -> int:
        """How many such periods make a year."""
        return _PERIODS_PER_YEAR[self]


_PERIODS_PER_YEAR = {
    Frequency.DAILY: 252,
    Frequency.CALENDAR_DAILY: 365,
    Frequency.WEEKLY: 52,
    Frequency.MONTHLY: 12,
    Frequency.QUARTERLY: 4,
    Frequency.YEARLY: 1,
}
_CALENDAR_UNITS = {
    Frequency.MONTHLY: ("datetime64[M]", 1),
    Frequency.QUARTERLY: ("datetime64[M]", 3),
    Frequency.YEARLY: ("datetime64[Y]", 1),
}


@dataclass(frozen=True, slots=True, eq=False)
class DatedReturns:
    """Returns by the day on which each ends, oldest first; fractions, not annualised.

    Raises:
        UnusableSeriesError: If the columns differ in length, a return is not finite, or the days
            do not rise.
    """

    dates: Days
    returns: Floats

    def __post_init__(self) -> None:
        if self.dates.shape != self.returns.shape:
            raise UnusableSeriesError("dated returns", "its columns differ in length")
        if not bool(np.isfinite(self.returns).all()):
            raise UnusableSeriesError("dated returns", "a return is not a finite number")
        if not bool((self.dates[1:] > self.dates[:-1]).all()):
            raise UnusableSeriesError("dated returns", "its days do not rise from row to row")

    def __len__(self) -> int:
        return len(self.dates)


class Paired(NamedTuple):
    """Two series of returns over the same periods, and how many days were in neither."""

    dates: Days
    returns: Floats
    benchmark: Floats
    left_out: int
    """Days of either series before the first or after the last day that both have."""


def resampled(series: DatedReturns, frequency: Frequency) -> DatedReturns:
    """Return the returns of each period, linked from those of its days.

        R = Π(1 + r) - 1

    Each is dated by the last day in it. A period cut off by the start or the end of the series is
    kept as it is. The return of a Saturday or Sunday belongs to the business day after it, as a
    price of Monday stands against that of Friday; at the end of the series, where none comes
    after, to the business day before.

    Args:
        series: The returns, of any days.
        frequency: The periods asked for; ``CALENDAR_DAILY`` hands the series back.

    Example:
        >>> friday = np.array(["2025-01-10", "2025-01-13"], "datetime64[D]")
        >>> weeks = resampled(DatedReturns(friday, np.array([0.1, 0.2])), Frequency.WEEKLY)
        >>> [round(float(week), 6) for week in weeks.returns]
        [0.1, 0.2]
    """
    if frequency is Frequency.CALENDAR_DAILY or len(series) == 0:
        return series
    return _linked(series, _periods(series.dates, frequency))


def paired(series: DatedReturns, benchmark: DatedReturns) -> Paired:
    """Return both series over the days that both have, each linked over the days between.

    Nothing is filled in: where one calendar is finer, its returns are linked until the other has
    a day too, so that a weekend's gain is neither dropped nor set against nothing.

    Example:
        A benchmark that rests on the second day:

        >>> days = np.array(["2021-01-04", "2021-01-05", "2021-01-06"], "datetime64[D]")
        >>> fund = DatedReturns(days, np.array([0.01, 0.02, -0.01]))
        >>> index = DatedReturns(days[[0, 2]], np.array([0.005, 0.03]))
        >>> [round(float(r), 6) for r in paired(fund, index).returns]
        [0.01, 0.0098]
    """
    common = np.intersect1d(series.dates, benchmark.dates)
    if common.size == 0:
        nothing = np.zeros(0)
        return Paired(common, nothing, nothing, len(series) + len(benchmark))
    own, own_out = _over(series, common)
    other, other_out = _over(benchmark, common)
    return Paired(common, own, other, own_out + other_out)


def log_returns(returns: Floats) -> Floats | Undefined:
    """Return ``ln(1 + r)`` of each return; undefined where one lost everything or more."""
    if bool((returns <= -1.0).any()):
        return Undefined(Reason.TOTAL_LOSS)
    return np.log1p(returns)


def _over(series: DatedReturns, common: Days) -> tuple[Floats, int]:
    inside = (series.dates >= common[0]) & (series.dates <= common[-1])
    dates = series.dates[inside]
    kept = DatedReturns(dates, series.returns[inside])
    linked = _linked(kept, np.searchsorted(common, dates))
    return linked.returns, len(series) - len(kept)


def _periods(dates: Days, frequency: Frequency) -> NDArray[np.int64]:
    """Return a number for each day that is the same in one period and rises with them."""
    if frequency in _CALENDAR_UNITS:
        unit, size = _CALENDAR_UNITS[frequency]
        return dates.astype(unit).astype(np.int64) // size
    ordinals = dates.astype(np.int64)
    if frequency is Frequency.WEEKLY:
        return (ordinals - _EPOCH_SATURDAY) // _DAYS_PER_WEEK
    is_business = (ordinals + _EPOCH_WEEKDAY) % _DAYS_PER_WEEK < _SATURDAY
    before = np.cumsum(is_business) - is_business
    return np.minimum(before, max(int(is_business.sum()) - 1, 0))


def _linked(series: DatedReturns, periods: NDArray[np.int64]) -> DatedReturns:
    starts = np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
    ends = np.append(starts[1:], len(series)) - 1
    growth = np.multiply.reduceat(1.0 + series.returns, starts)
    # A period of one day is that day's return, without the noise of adding and taking one.
    linked = np.where(starts == ends, series.returns[starts], growth - 1.0)
    return DatedReturns(series.dates[ends], linked)
