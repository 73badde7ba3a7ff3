"""The tail of returns: what values at risk are found by, bent by, and brought to a horizon with.

A loss is positive: 0.02 is a loss of two percent over one period. The values at risk themselves
are measures of the catalogue.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableParameterError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


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


def mean_loss_beyond(returns: Floats, value_at_risk: float) -> Figure:
    """Return the mean of the losses that were strictly worse than a value at risk.

    Where none was, the value at risk itself stands for the tail behind it. This is the expected
    shortfall that goes with any method's value at risk; the measure ``expected_shortfall`` averages
    the same mass whatever the sample. Undefined without returns.

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
