"""Measures against a benchmark: returns and benchmark over the same periods, pair by pair.

Fractions per period, all of one length; ``periods_per_year`` (k) says how many make a year. Two
calendars are brought together with :func:`tidebook.analytics.sampling.paired` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.risk import (
    check_returns,
    earned_per_spread,
    standard_deviation,
    volatility,
)
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


def beta(returns: Floats, benchmark: Floats) -> Figure:
    """Return how far the returns move when the benchmark moves by one.

        cov(r, b) / var(b)

    Undefined below two pairs and where the benchmark does not vary.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.

    Example:
        >>> import numpy as np
        >>> index = np.array([0.01, -0.02, 0.03])
        >>> round(float(beta(2 * index + 0.001, index)), 6)
        2.0
    """
    _check_pairs(returns, benchmark)
    spread = standard_deviation(benchmark)
    if isinstance(spread, Undefined):
        return spread
    if spread == 0:
        return Undefined(Reason.ZERO_VARIANCE)
    moves = benchmark - benchmark.mean()
    return float(moves @ (returns - returns.mean())) / float(moves @ moves)


def tracking_error(returns: Floats, benchmark: Floats, periods_per_year: float) -> Figure:
    """Return the yearly standard deviation of the active return, sd(r - b) · √k, as a fraction.

    Undefined below two pairs.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
        UnusableParameterError: If the year has no periods.
    """
    _check_pairs(returns, benchmark)
    return volatility(returns - benchmark, periods_per_year)


def information_ratio(returns: Floats, benchmark: Floats, periods_per_year: float) -> Figure:
    """Return the yearly active return over the tracking error, mean(r - b) · k / (sd(r - b) · √k).

    Undefined below two pairs and where the active return does not vary: a fund that is its
    benchmark has no information ratio.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
        UnusableParameterError: If the year has no periods.
    """
    error = tracking_error(returns, benchmark, periods_per_year)
    return earned_per_spread(returns - benchmark, 0.0, periods_per_year, error)


def _check_pairs(returns: Floats, benchmark: Floats) -> None:
    if returns.shape != benchmark.shape:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    check_returns(returns)
    check_returns(benchmark)
