"""The tail of returns: value at risk and expected shortfall, as losses.

A loss is positive: 0.02 is a loss of two percent over one period; a negative value at risk says
that even the bad case gains. ``confidence`` (c) is the share of periods in which no more is lost,
and a = 1 - c is the mass of the tail. Skew and kurtosis are those of the sample itself
(population moments), the standard deviation is the n - 1 estimate.
"""

from __future__ import annotations

import math
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.moments import excess_kurtosis, skewness
from tidebook.analytics.risk import check_returns, standard_deviation
from tidebook.errors import UnusableParameterError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

_NORMAL: Final = NormalDist()
# 1 - 0.95 is a little more than 0.05: the twentieth part of twenty is one, not two.
_NOISE: Final = 1e-9


class TailMethod(StrEnum):
    """How a quantile of the returns is found."""

    HISTORICAL = "HISTORICAL"
    """The sample's own quantile, interpolated between two returns (type 7)."""
    LOWER_QUANTILE = "LOWER_QUANTILE"
    """The smallest of the sample's losses that c of its returns or more do not exceed."""
    GAUSSIAN = "GAUSSIAN"
    """That of the normal distribution with the sample's mean and standard deviation."""
    CORNISH_FISHER = "CORNISH_FISHER"
    """The normal quantile, bent by the sample's skew and excess kurtosis."""


def value_at_risk(returns: Floats, confidence: float, method: TailMethod) -> Figure:
    """Return the loss of one period that is exceeded with probability 1 - c only.

    HISTORICAL: minus the quantile at a. LOWER_QUANTILE: the ⌈c·n⌉-th smallest loss. GAUSSIAN:
    -(mean + z · sd) with z the normal quantile at a. CORNISH_FISHER: the same with z from
    :func:`cornish_fisher`.

    Args:
        returns: The returns per period, as fractions, in any order.
        confidence: Between 0 and 1, both excluded; 0.95 or 0.99 as a rule.
        method: How the quantile is found.

    Returns:
        The loss, as a fraction; undefined without returns, and with the two parametric methods
        below two returns. Cornish-Fisher is undefined, too, for returns that do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the confidence is not between 0 and 1.

    Example:
        >>> returns = np.array([-0.04, -0.02, 0.0, 0.02, 0.04])
        >>> round(value_at_risk(returns, 0.75, TailMethod.HISTORICAL), 6)
        0.02
    """
    tail = _tail_mass(confidence)
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    match method:
        case TailMethod.HISTORICAL:
            return -float(np.quantile(returns, tail, method="linear"))
        case TailMethod.LOWER_QUANTILE:
            rank = max(1, math.ceil(confidence * returns.size - _NOISE))
            return float(np.sort(-returns)[rank - 1])
        case TailMethod.GAUSSIAN:
            return _parametric(returns, _NORMAL.inv_cdf(tail))
        case TailMethod.CORNISH_FISHER:
            return _bent(returns, _NORMAL.inv_cdf(tail))


def cornish_fisher(z: float, skew: float, excess_kurtosis: float) -> Figure:
    """Return a normal quantile bent by skew S and excess kurtosis K.

        z + (z² - 1)S/6 + (z³ - 3z)K/24 - (2z³ - 5z)S²/36

    Undefined where the bent quantile no longer rises with the normal one, so that a higher
    confidence would show a smaller loss.

    References:
        E. A. Cornish and R. A. Fisher, "Moments and Cumulants in the Specification of
        Distributions", Revue de l'Institut International de Statistique (1938).
    """
    squared_skew = skew * skew / 36.0
    slope = (
        1.0
        + z * skew / 3.0
        + (z * z - 1.0) * excess_kurtosis / 8.0
        - (6.0 * z * z - 5.0) * squared_skew
    )
    if slope <= 0:
        return Undefined(Reason.NOT_MONOTONE)
    return (
        z
        + (z * z - 1.0) * skew / 6.0
        + (z**3 - 3.0 * z) * excess_kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * squared_skew
    )


def expected_shortfall(returns: Floats, confidence: float) -> Figure:
    """Return the mean loss of the worst a of the periods (Rockafellar and Uryasev).

        (Σ of the k - 1 worst losses + (a·n - k + 1) · the k-th worst) / (a·n),  k = ⌈a·n⌉

    The last loss counts in part, so that exactly the mass a is averaged. Undefined without
    returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the confidence is not between 0 and 1.

    Example:
        One and a half of the six periods:

        >>> returns = np.array([-0.06, -0.03, 0.0, 0.01, 0.02, 0.03])
        >>> round(expected_shortfall(returns, 0.75), 6)
        0.05

    References:
        R. T. Rockafellar and S. Uryasev, "Conditional value-at-risk for general loss
        distributions", Journal of Banking & Finance (2002).
    """
    tail = _tail_mass(confidence)
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    mass, count = tail * returns.size, _tail_count(returns.size, tail)
    worst = np.sort(returns)[:count]
    return -(float(worst[:-1].sum()) + (mass - count + 1) * float(worst[-1])) / mass


def gaussian_shortfall(returns: Floats, confidence: float) -> Figure:
    """Return the mean loss beyond the Gaussian value at risk, -mean + sd · φ(z) / a.

    Undefined below two returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the confidence is not between 0 and 1.
    """
    tail = _tail_mass(confidence)
    check_returns(returns)
    return _parametric(returns, -_NORMAL.pdf(_NORMAL.inv_cdf(tail)) / tail)


def mean_loss_beyond(returns: Floats, value_at_risk: float) -> Figure:
    """Return the mean of the losses that were strictly worse than a value at risk.

    Where none was, the value at risk itself stands for the tail behind it. This is the expected
    shortfall that goes with any method's value at risk; :func:`expected_shortfall` averages the
    same mass whatever the sample. Undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    beyond = returns[returns < -value_at_risk]
    return -float(beyond.mean()) if beyond.size else value_at_risk


def over_horizon(loss: float, horizon_days: float) -> float:
    """Return a one-day loss brought to a horizon by the square root of time, loss · √days.

    Exact for independent returns of mean 0, a convention for all others.

    Raises:
        UnusableParameterError: If the horizon is not above 0.

    Example:
        >>> over_horizon(0.02, 4)
        0.04
    """
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise UnusableParameterError("horizon_days", horizon_days, allowed="above 0")
    return loss * math.sqrt(horizon_days)


def _tail_mass(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise UnusableParameterError("confidence", confidence, allowed="between 0 and 1")
    return 1.0 - confidence


def _tail_count(size: int, tail: float) -> int:
    return max(1, math.ceil(tail * size - _NOISE))


def _parametric(returns: Floats, z: float) -> Figure:
    spread = standard_deviation(returns)
    if isinstance(spread, Undefined):
        return spread
    return -(float(returns.mean()) + z * spread)


def _bent(returns: Floats, z: float) -> Figure:
    skew, kurtosis = skewness(returns), excess_kurtosis(returns)
    if isinstance(skew, Undefined):
        return skew
    if isinstance(kurtosis, Undefined):
        return kurtosis
    quantile = cornish_fisher(z, skew, kurtosis)
    return quantile if isinstance(quantile, Undefined) else _parametric(returns, quantile)
