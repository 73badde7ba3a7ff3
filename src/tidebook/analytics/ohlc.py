"""Volatility from bars: what open, high, low and close together say of how far a price moves.

A bar holds more than its close: with the range of the day the same certainty is had from a
fraction of the days. Logarithms throughout; k makes a year, 252 for markets with closing hours
and 365 for those that never close, where the open is the close before and nothing moves over
night.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.rates import check_periods
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

_VARIANCE_NEEDS: Final = 2
_ALPHA: Final = 0.34
_LN_2: Final = math.log(2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Prices of consecutive periods, oldest first. A bar that did not move is allowed.

    Raises:
        UnusableSeriesError: If the columns differ in length, a price is not a number above zero,
            or a bar's open or close lies outside its range.
    """

    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats

    def __post_init__(self) -> None:
        columns = (self.opens, self.highs, self.lows, self.closes)
        if any(column.shape != self.opens.shape for column in columns):
            raise UnusableSeriesError("bars", "its columns differ in length")
        if not all(bool((np.isfinite(column) & (column > 0)).all()) for column in columns):
            raise UnusableSeriesError("bars", "a price is not a number above zero")
        if bool((self.highs < np.maximum(self.opens, self.closes)).any()):
            raise UnusableSeriesError("bars", "a high is below its open or close")
        if bool((self.lows > np.minimum(self.opens, self.closes)).any()):
            raise UnusableSeriesError("bars", "a low is above its open or close")

    def __len__(self) -> int:
        return len(self.opens)


@dataclass(frozen=True, slots=True)
class YangZhang:
    """The variance of one period by its parts, and its root."""

    n: int
    """How many bars it rests on: all but the first, whose night is not known."""
    weight: float
    """k, the weight of the move from open to close: the one of least variance."""
    overnight: float
    """The variance from a close to the next open, over n - 1."""
    open_close: float
    """The variance from open to close, over n - 1."""
    rogers_satchell: float
    """The variance within the bars, free of drift."""

    @property
    def deviation(self) -> float:
        """The standard deviation per period."""
        within = self.weight * self.open_close + (1.0 - self.weight) * self.rogers_satchell
        return math.sqrt(max(0.0, self.overnight + within))

    def annual(self, periods_per_year: float) -> float:
        """Return the standard deviation of a year.

        Raises:
            UnusableParameterError: If the year has no periods.
        """
        check_periods(periods_per_year)
        return self.deviation * math.sqrt(periods_per_year)


def yang_zhang(bars: Bars) -> YangZhang | Undefined:
    """Return the volatility of bars with gaps over night and drift.

        variance = overnight + k · open to close + (1 - k) · Rogers-Satchell
        k = 0.34 / (1.34 + (n + 1) / (n - 1))

    Undefined below three bars: the first gives only the close before the second.

    References:
        D. Yang and Q. Zhang, "Drift-Independent Volatility Estimation Based on High, Low, Open,
        and Close Prices", Journal of Business (2000).
    """
    n = len(bars) - 1
    if n < _VARIANCE_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    overnight = np.log(bars.opens[1:] / bars.closes[:-1])
    moved = np.log(bars.closes[1:] / bars.opens[1:])
    return YangZhang(
        n=n,
        weight=_weight(n),
        overnight=float(overnight.var(ddof=1)),
        open_close=float(moved.var(ddof=1)),
        rogers_satchell=float(_rogers_satchell(bars)[1:].mean()),
    )


def rolling_yang_zhang(bars: Bars, window: int) -> Floats:
    """Return the deviation per period over each window of returns, one a window.

    The first window ends with bar ``window``, counted from 0, and each of the others one later:
    none looks at a bar after its last.

    Args:
        bars: The bars, oldest first.
        window: How many bars with a known night are in one, two or more.

    Raises:
        UnusableParameterError: If the window is below two.
    """
    if window < _VARIANCE_NEEDS:
        raise UnusableParameterError("window", window, allowed="2 or more")
    if len(bars) <= window:
        return np.zeros(0)
    parts = (
        np.log(bars.opens[1:] / bars.closes[:-1]),
        np.log(bars.closes[1:] / bars.opens[1:]),
        _rogers_satchell(bars)[1:],
    )
    night, day, within = (np.lib.stride_tricks.sliding_window_view(p, window) for p in parts)
    weight = _weight(window)
    variance = night.var(axis=1, ddof=1) + weight * day.var(axis=1, ddof=1)
    return np.sqrt(np.maximum(variance + (1.0 - weight) * within.mean(axis=1), 0.0))


def parkinson(bars: Bars) -> Figure:
    """Return the deviation per period from the ranges alone, √(Σ ln(H / L)² / (4n ln 2)).

    It takes the price to move without drift and without a gap; undefined without bars.

    References:
        M. Parkinson, "The Extreme Value Method for Estimating the Variance of the Rate of
        Return", Journal of Business (1980).
    """
    if len(bars) == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    ranges = np.log(bars.highs / bars.lows)
    return math.sqrt(float((ranges * ranges).mean()) / (4.0 * _LN_2))


def garman_klass(bars: Bars) -> Figure:
    """Return the deviation per period, √(mean of ½ ln(H / L)² - (2 ln 2 - 1) ln(C / O)²).

    It takes the price to move without drift and without a gap; undefined without bars.

    References:
        M. Garman and M. Klass, "On the Estimation of Security Price Volatilities from Historical
        Data", Journal of Business (1980).
    """
    if len(bars) == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    ranges, moved = np.log(bars.highs / bars.lows), np.log(bars.closes / bars.opens)
    terms = 0.5 * ranges * ranges - (2.0 * _LN_2 - 1.0) * moved * moved
    return math.sqrt(max(0.0, float(terms.mean())))


def _rogers_satchell(bars: Bars) -> Floats:
    """Return each bar's variance without drift, ln(H/C) ln(H/O) + ln(L/C) ln(L/O)."""
    up = np.log(bars.highs / bars.closes) * np.log(bars.highs / bars.opens)
    return up + np.log(bars.lows / bars.closes) * np.log(bars.lows / bars.opens)


def _weight(n: int) -> float:
    return _ALPHA / (1.0 + _ALPHA + (n + 1.0) / (n - 1.0))
