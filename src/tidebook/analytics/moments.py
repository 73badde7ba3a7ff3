"""The shape of a distribution of returns: how lopsided it is and how heavy its tails are.

The population moments describe the sample itself; the sample estimators correct their bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.risk import check_returns, standard_deviation

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

_SKEW_NEEDS: Final = 3
_KURTOSIS_NEEDS: Final = 4


def mean_absolute_deviation(returns: Floats) -> Figure:
    """Return the mean distance from the mean, Σ|r - mean| / n; undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return float(np.abs(returns - returns.mean()).mean())


def skewness(returns: Floats) -> Figure:
    """Return the population skewness, m3 / m2 ** 1.5; negative where losses reach further.

    Undefined below two returns and where they do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    return _standardised(returns, 3)


def excess_kurtosis(returns: Floats) -> Figure:
    """Return the population kurtosis less that of the normal distribution, m4 / m2² - 3.

    Undefined below two returns and where they do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    found = _standardised(returns, 4)
    return found if isinstance(found, Undefined) else found - 3.0


def sample_skewness(returns: Floats) -> Figure:
    """Return the skewness without the bias of the sample, g1 · √(n(n - 1)) / (n - 2).

    Undefined below three returns and where they do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    found, n = skewness(returns), returns.size
    if isinstance(found, Undefined) or n < _SKEW_NEEDS:
        return found if isinstance(found, Undefined) else Undefined(Reason.TOO_FEW_RETURNS)
    return found * float(np.sqrt(n * (n - 1.0))) / (n - 2.0)


def sample_excess_kurtosis(returns: Floats) -> Figure:
    """Return the excess kurtosis without the bias of the sample.

        ((n + 1) g2 + 6) · (n - 1) / ((n - 2)(n - 3))

    Undefined below four returns and where they do not vary.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    found, n = excess_kurtosis(returns), returns.size
    if isinstance(found, Undefined) or n < _KURTOSIS_NEEDS:
        return found if isinstance(found, Undefined) else Undefined(Reason.TOO_FEW_RETURNS)
    return ((n + 1.0) * found + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))


def _standardised(returns: Floats, power: int) -> Figure:
    spread = standard_deviation(returns)
    if isinstance(spread, Undefined):
        return spread
    if spread == 0:
        return Undefined(Reason.ZERO_VARIANCE)
    moves = returns - returns.mean()
    return float((moves**power).mean()) / float((moves * moves).mean()) ** (power / 2.0)
