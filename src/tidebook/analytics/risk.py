"""Risk of a series of returns: how much they scatter, and what was earned for it.

Returns are fractions per period, all of one length; ``periods_per_year`` (k) says how many make a
year. Standard deviations divide by n - 1. Yearly target and risk-free rates are brought to the
period geometrically, ``(1 + a) ** (1 / k) - 1``. Ratios take the arithmetic mean per period and
grow with √k. Fewer than two returns have no spread, and what divides by a spread of zero is
undefined: neither is ever shown as 0 or infinity.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.rates import check_periods, periodic_rate
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

# What is left when equal returns are taken from their mean is the noise of float64.
_NOISE: Final = 1e-14
_SPREAD_NEEDS: Final = 2


class Spread(StrEnum):
    """What a standard deviation divides by."""

    SAMPLE = "SAMPLE"
    """n - 1: an estimate of what the returns were drawn from."""
    POPULATION = "POPULATION"
    """n: a description of the returns themselves."""


def standard_deviation(returns: Floats, spread: Spread = Spread.SAMPLE) -> Figure:
    """Return the standard deviation per period, √(Σ(r - mean)² / (n - 1)).

    Equal returns deviate by exactly 0. The deviation of the returns themselves
    (``Spread.POPULATION``) divides by n instead.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    if returns.size < _SPREAD_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    deviation = float(returns.std(ddof=1 if spread is Spread.SAMPLE else 0))
    return 0.0 if deviation <= _NOISE * float(np.abs(returns).max()) else deviation


def volatility(returns: Floats, periods_per_year: float, spread: Spread = Spread.SAMPLE) -> Figure:
    """Return the yearly standard deviation, sd(r) · √k, as a fraction.

    With ``periods_per_year`` set to the number of returns it is that of the whole period instead.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods.

    Example:
        >>> round(volatility(np.array([-0.01, 0.03, -0.01, 0.03]), 252), 6)
        0.366606
    """
    check_periods(periods_per_year)
    deviation = standard_deviation(returns, spread)
    if isinstance(deviation, Undefined):
        return deviation
    return deviation * math.sqrt(periods_per_year)


def semi_deviation(returns: Floats, periods_per_year: float) -> Figure:
    """Return the yearly deviation of the returns below their own mean.

        √(Σ min(0, r - mean)² / (n - 1)) · √k

    It divides by the same n - 1 as the volatility does, whose square is the sum of the squares
    of both sides. For a shortfall against a stated target see :func:`downside_deviation`.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods.
    """
    check_periods(periods_per_year)
    deviation = standard_deviation(returns)
    if isinstance(deviation, Undefined) or deviation == 0:
        return deviation
    below = np.minimum(returns - returns.mean(), 0.0)
    return math.sqrt(float(below @ below) / (returns.size - 1) * periods_per_year)


def downside_deviation(
    returns: Floats, periods_per_year: float, *, target_annual: float = 0.0
) -> Figure:
    """Return the yearly shortfall against a target, √(Σ min(0, r - t)² / n) · √k.

    All n returns count, those that reached the target as 0. The deviation of the losses among
    themselves, as it is sometimes taken, would call a steady loss harmless.

    Args:
        returns: The returns per period.
        periods_per_year: How many periods make a year.
        target_annual: The yearly return not to be missed, as a fraction.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods or the target loses everything.
    """
    target = periodic_rate(target_annual, periods_per_year)
    check_returns(returns)
    if returns.size < _SPREAD_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    below = np.minimum(returns - target, 0.0)
    # A shortfall within the noise of the target is none.
    below[below >= -_NOISE * max(abs(target), float(np.abs(returns).max()))] = 0.0
    return math.sqrt(float(below @ below) / returns.size * periods_per_year)


def sharpe(returns: Floats, periods_per_year: float, *, risk_free_annual: float = 0.0) -> Figure:
    """Return the yearly Sharpe ratio, mean(r - f) / sd(r - f) · √k.

    Args:
        returns: The returns per period.
        periods_per_year: How many periods make a year.
        risk_free_annual: The yearly rate without risk, as a fraction; it may be negative.

    Returns:
        The ratio, undefined below two returns and where they do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods or the rate loses everything.

    References:
        W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management (1994).
    """
    risk_free = periodic_rate(risk_free_annual, periods_per_year)
    spread = volatility(returns, periods_per_year)
    return earned_per_spread(returns, risk_free, periods_per_year, spread)


def sortino(returns: Floats, periods_per_year: float, *, target_annual: float = 0.0) -> Figure:
    """Return the yearly Sortino ratio, mean(r - t) / √(Σ min(0, r - t)² / n) · √k.

    Args:
        returns: The returns per period.
        periods_per_year: How many periods make a year.
        target_annual: The yearly return not to be missed, as a fraction.

    Returns:
        The ratio, undefined below two returns and where no return fell short of the target.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods or the target loses everything.

    References:
        T. Rollinger and S. Hoffman, "Sortino: A 'Sharper' Ratio", Red Rock Capital.
    """
    target = periodic_rate(target_annual, periods_per_year)
    shortfall = downside_deviation(returns, periods_per_year, target_annual=target_annual)
    if shortfall == 0:
        return Undefined(Reason.NO_DOWNSIDE)
    return earned_per_spread(returns, target, periods_per_year, shortfall)


def earned_per_spread(
    returns: Floats, hurdle: float, periods_per_year: float, spread_annual: Figure
) -> Figure:
    """Return the yearly mean return above a hurdle per period, over a yearly spread.

    Undefined where the spread is, or is 0.
    """
    if isinstance(spread_annual, Undefined):
        return spread_annual
    if spread_annual == 0:
        return Undefined(Reason.ZERO_VARIANCE)
    return (float(returns.mean()) - hurdle) * periods_per_year / spread_annual


def check_returns(returns: Floats) -> None:
    """Refuse returns that are not finite numbers.

    Raises:
        UnusableSeriesError: If one of them is not.
    """
    if not bool(np.isfinite(returns).all()):
        raise UnusableSeriesError("returns", "a return is not a finite number")
