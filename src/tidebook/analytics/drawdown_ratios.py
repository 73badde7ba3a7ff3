"""Returns over how deep and how long wealth stood below its highest point.

``underwater`` is wealth over its highest so far, minus 1, on each day: 0 or negative, as
:class:`tidebook.analytics.drawdown.Drawdown` holds it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


def underwater_of(returns: Floats) -> Floats:
    """Return the underwater series of compounded returns; the start itself is a high.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return (wealth / np.maximum.accumulate(wealth) - 1.0)[1:]


def underwater_uncompounded(returns: Floats) -> Floats:
    """Return how far the plain sum of returns stands below its highest so far, 0 or negative.

    This is the drawdown of a stake that is made up to its size after every period.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    total = np.concatenate([[0.0], np.cumsum(returns)])
    return (total - np.maximum.accumulate(total))[1:]


def pain_index(underwater: Floats) -> Figure:
    """Return the mean depth below the high, Σ|u| / n; undefined without days."""
    check_returns(underwater)
    if underwater.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return -float(underwater.mean())


def ulcer_index(underwater: Floats) -> Figure:
    """Return the root mean square depth, √(Σu² / n), after Martin; undefined without days."""
    check_returns(underwater)
    if underwater.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return math.sqrt(float((underwater * underwater).mean()))


def return_over_depth(return_annual: Figure, depth: Figure) -> Figure:
    """Return a yearly return over a depth, both fractions.

    Over the deepest fall it is the Calmar ratio, over the pain index the pain ratio, over the
    ulcer index the Martin ratio. Undefined where either is, or where nothing fell.
    """
    if isinstance(return_annual, Undefined):
        return return_annual
    if isinstance(depth, Undefined):
        return depth
    return Undefined(Reason.NO_DOWNSIDE) if depth == 0 else return_annual / depth
