"""Gains above a target and shortfalls below it, each side for itself.

All n returns count on either side, those of the other side as 0. Targets are per period.
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


def upside_potential(returns: Floats, target: float = 0.0) -> Figure:
    """Return the mean gain above a target, Σ max(0, r - t) / n; undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    above = _above(returns, target)
    return above if isinstance(above, Undefined) else float(above.mean())


def downside_potential(returns: Floats, target: float = 0.0) -> Figure:
    """Return the mean shortfall below a target, Σ max(0, t - r) / n; undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    return upside_potential(-returns, -target)


def upside_risk(returns: Floats, target: float = 0.0) -> Figure:
    """Return √(Σ max(0, r - t)² / n) per period; undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    above = _above(returns, target)
    return above if isinstance(above, Undefined) else math.sqrt(float((above * above).mean()))


def downside_risk(returns: Floats, target: float = 0.0) -> Figure:
    """Return √(Σ max(0, t - r)² / n) per period; undefined without returns.

    The measure ``downside_deviation`` is this, for a year.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    return upside_risk(-returns, -target)


def downside_frequency(returns: Floats, target: float = 0.0) -> Figure:
    """Return the share of returns below a target; undefined without returns.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return float((returns < target).mean())


def omega(returns: Floats, target: float = 0.0) -> Figure:
    """Return the gains above a target over the shortfalls below it.

    Undefined without returns and where none fell short.

    Raises:
        UnusableSeriesError: If a return is not finite.

    Example:
        >>> omega(np.array([0.03, -0.01, -0.01]))
        1.5
    """
    return _over(upside_potential(returns, target), downside_potential(returns, target))


def omega_sharpe(returns: Floats, target: float = 0.0) -> Figure:
    """Return the mean return above a target over the mean shortfall, which is omega - 1.

    Undefined where omega is.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    found = omega(returns, target)
    return found if isinstance(found, Undefined) else found - 1.0


def variability_skewness(returns: Floats, target: float = 0.0) -> Figure:
    """Return the risk above a target over that below it; its square is volatility skewness.

    Undefined without returns and where none fell short.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    return _over(upside_risk(returns, target), downside_risk(returns, target))


def d_ratio(returns: Floats) -> Figure:
    """Return Dowd's d: losses over gains, each weighted by how many there are.

        (number of losses · Σ losses) / (number of gains · Σ gains)

    0 where nothing was lost; undefined without a gain.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    gains, losses = returns[returns > 0], returns[returns < 0]
    if gains.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return -losses.size * float(losses.sum()) / (gains.size * float(gains.sum()))


def _above(returns: Floats, target: float) -> Floats | Undefined:
    check_returns(returns)
    if returns.size == 0:
        return Undefined(Reason.TOO_FEW_RETURNS)
    return np.maximum(returns - target, 0.0)


def _over(gain: Figure, shortfall: Figure) -> Figure:
    if isinstance(gain, Undefined):
        return gain
    if isinstance(shortfall, Undefined):
        return shortfall
    return Undefined(Reason.NO_DOWNSIDE) if shortfall == 0 else gain / shortfall
