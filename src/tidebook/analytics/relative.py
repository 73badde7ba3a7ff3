"""Measures against a benchmark: returns and benchmark over the same periods, pair by pair.

Fractions per period, all of one length; ``periods_per_year`` (k) says how many make a year. Two
calendars are brought together with :func:`tidebook.analytics.sampling.paired` first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.growth import annual_return
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


def correlation(returns: Floats, benchmark: Floats) -> Figure:
    """Return the correlation of the pairs, between -1 and 1; its square is R².

    Undefined below two pairs and where either side does not vary.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
    """
    slope, spreads = beta(returns, benchmark), _spreads(returns, benchmark)
    if isinstance(slope, Undefined):
        return slope
    if isinstance(spreads, Undefined):
        return spreads
    return slope * spreads[1] / spreads[0]


def alpha(returns: Floats, benchmark: Floats, *, risk_free: float = 0.0) -> Figure:
    """Return the mean return per period that the benchmark does not explain (Jensen's alpha).

        mean(r - f) - beta · mean(b - f)

    A year of it is ``k · alpha`` in arithmetic, ``(1 + alpha) ** k - 1`` in geometric terms; the
    two differ widely, so that the reader chooses. Undefined where the beta is.

    Args:
        returns: The returns per period.
        benchmark: Those of the benchmark over the same periods.
        risk_free: The rate without risk per period, as a fraction.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
    """
    slope = beta(returns, benchmark)
    if isinstance(slope, Undefined):
        return slope
    ahead = float(returns.mean()) - risk_free
    return ahead - slope * (float(benchmark.mean()) - risk_free)


def m_squared(
    returns: Floats, benchmark: Floats, periods_per_year: float, *, risk_free_annual: float = 0.0
) -> Figure:
    """Return the yearly return at the benchmark's risk (Modigliani and Modigliani).

        f + (R - f) · sd(b) / sd(r)

    R is the yearly rate at which the returns compound. Undefined below two pairs and where the
    returns do not vary.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
        UnusableParameterError: If the year has no periods.
    """
    _check_pairs(returns, benchmark)
    earned, spreads = annual_return(returns, periods_per_year), _spreads(returns, benchmark)
    if isinstance(earned, Undefined):
        return earned
    if isinstance(spreads, Undefined):
        return spreads
    return risk_free_annual + (earned - risk_free_annual) * spreads[1] / spreads[0]


class MarketDirection(StrEnum):
    """Which periods a capture ratio looks at."""

    UP = "UP"
    """Those in which the benchmark gained."""
    DOWN = "DOWN"
    """Those in which it lost."""


def capture(returns: Floats, benchmark: Floats, market: MarketDirection) -> Figure:
    """Return how much of the benchmark's gains or losses the returns took part in.

    The geometric mean return over the chosen periods, over that of the benchmark. Undefined where
    the benchmark has no such period, or more than everything was lost in one.

    Raises:
        UnusableSeriesError: If the two differ in length or a return is not finite.
    """
    _check_pairs(returns, benchmark)
    chosen = benchmark > 0 if market is MarketDirection.UP else benchmark < 0
    if not bool(chosen.any()):
        return Undefined(Reason.TOO_FEW_RETURNS)
    growth, other = 1.0 + returns[chosen], 1.0 + benchmark[chosen]
    if bool((growth < 0).any() or (other < 0).any()):
        return Undefined(Reason.BELOW_TOTAL_LOSS)
    power = 1.0 / growth.size
    return (float(growth.prod()) ** power - 1.0) / (float(other.prod()) ** power - 1.0)


def _spreads(returns: Floats, benchmark: Floats) -> tuple[float, float] | Undefined:
    """Return both standard deviations; undefined where the first is, or is zero."""
    spread, other = standard_deviation(returns), standard_deviation(benchmark)
    if isinstance(spread, Undefined):
        return spread
    if isinstance(other, Undefined):
        return other
    return Undefined(Reason.ZERO_VARIANCE) if spread == 0 else (spread, other)


def _check_pairs(returns: Floats, benchmark: Floats) -> None:
    if returns.shape != benchmark.shape:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    check_returns(returns)
    check_returns(benchmark)
