"""Growth of a series of returns: what they come to together, and a year of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.analytics.rates import check_periods

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

_YEAR_NEEDS = 2


def cumulative_return(returns: Floats) -> Figure:
    """Return what the periods come to together, Π(1 + r) - 1; undefined without any.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return float(np.prod(1.0 + returns)) - 1.0


def annual_return(returns: Floats, periods_per_year: float) -> Figure:
    """Return the yearly rate at which the periods compound to their total.

        (Π(1 + r)) ** (k / n) - 1

    n counts the returns, so that days without one must not be among them. A series with dates is
    better told by :func:`tidebook.analytics.returns.annualise`, which counts calendar days.
    Undefined below two returns, and where more than everything was lost.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the year has no periods.

    Example:
        >>> round(float(annual_return(np.array([0.1, 0.1]), 2)), 6)
        0.21
    """
    check_periods(periods_per_year)
    check_returns(returns)
    if returns.size < _YEAR_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    if bool((returns < -1.0).any()):
        return Undefined(Reason.BELOW_TOTAL_LOSS)
    return float(np.prod(1.0 + returns)) ** (periods_per_year / returns.size) - 1.0
