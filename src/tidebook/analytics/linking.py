"""Linking: how effects of single periods add up to what the periods came to together.

Returns compound and effects add, so that effects of several periods do not sum to the return of
all of them. Each method here weighs the periods so that they do. Where it cannot, since a period
lost everything, the figures are undefined; ``WEALTH`` always can.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats

# Below this difference the limit is nearer than what is left of the digits.
_SAME = 1e-9


class Linking(StrEnum):
    """How the effects of several periods are brought together."""

    CARINO = "CARINO"
    """Each period by the logarithm of its growth; the order of periods does not matter."""
    MENCHERO = "MENCHERO"
    """One scale for all periods, and what is left spread by the square of the active return."""
    WEALTH = "WEALTH"
    """Each period by the wealth at its start (Frongello); what came first is told first."""


def link(returns: Floats) -> float:
    """Return what returns of consecutive periods come to together, Π(1 + r) - 1.

    Of money-weighted returns of the parts it is the linked internal rate of return.

    Raises:
        UnusableSeriesError: If a return is not finite.

    Example:
        >>> round(link(np.array([0.1, 0.1])), 6)
        0.21
    """
    check_returns(returns)
    return float(np.prod(1.0 + returns)) - 1.0


def carino_factor(portfolio: float, benchmark: float) -> float:
    """Return (ln(1 + R) - ln(1 + B)) / (R - B), and 1 / (1 + R) where both are one.

    Both returns have to be above -1.
    """
    apart = portfolio - benchmark
    if apart == 0:
        return 1.0 / (1.0 + portfolio)
    return math.log1p(apart / (1.0 + benchmark)) / apart


def linked_effects(
    effects: Floats, portfolio: Floats, benchmark: Floats, method: Linking = Linking.CARINO
) -> Floats | Undefined:
    """Return effects of single periods, each weighted so that all sum to R - B of the whole.

    Args:
        effects: One row a period; whatever its other axes are, a row sums to the difference
            of the period's two returns.
        portfolio: The return of each period.
        benchmark: That of the benchmark; zeros make contributions to the return of effects.
        method: How the periods are weighted.

    Returns:
        The weighted effects, in the shape of ``effects``: summed over the periods they are the
        effects of the whole. Undefined where a period lost everything, but for ``WEALTH``.

    Raises:
        UnusableSeriesError: If the lengths differ, a figure is not finite, or a row does not
            sum to its period's difference.

    References:
        D. Cariño, "Combining Attribution Effects Over Time", Journal of Performance Measurement
        (1999). J. Menchero, "An Optimized Approach to Linking Attribution Effects Over Time"
        (2000). A. Frongello, "Linking Single Period Attribution Results" (2002).
    """
    _check(effects, portfolio, benchmark)
    if portfolio.size == 0:
        return effects
    if method is Linking.WEALTH:
        return _by_wealth(effects, portfolio, benchmark)
    if bool((portfolio <= -1.0).any() or (benchmark <= -1.0).any()):
        return Undefined(Reason.TOTAL_LOSS)
    weights = _carino(portfolio, benchmark)
    if method is Linking.MENCHERO:
        weights = _menchero(portfolio, benchmark)
    return effects * weights.reshape((-1,) + (1,) * (effects.ndim - 1))


def _check(effects: Floats, portfolio: Floats, benchmark: Floats) -> None:
    if not (effects.shape[:1] == portfolio.shape == benchmark.shape):
        raise UnusableSeriesError("effects and returns", "they differ in length")
    for column in (effects, portfolio, benchmark):
        check_returns(column)
    sums = effects.sum(axis=tuple(range(1, effects.ndim)))
    if not np.allclose(sums, portfolio - benchmark, rtol=0.0, atol=_SAME):
        raise UnusableSeriesError("effects", "a period's do not sum to the difference of returns")


def _carino(portfolio: Floats, benchmark: Floats) -> Floats:
    whole = carino_factor(link(portfolio), link(benchmark))
    pairs = zip(portfolio.tolist(), benchmark.tolist(), strict=True)
    return np.array([carino_factor(one, other) for one, other in pairs]) / whole


def _menchero(portfolio: Floats, benchmark: Floats) -> Floats:
    one, other, n = link(portfolio), link(benchmark), len(portfolio)
    active = portfolio - benchmark
    mean = ((1.0 + one) ** (1.0 / n), (1.0 + other) ** (1.0 / n))
    apart = mean[0] - mean[1]
    # Where both grow alike the quotient is the slope of growth ** n.
    scale = (one - other) / (n * apart) if abs(apart) > _SAME else mean[0] ** (n - 1)
    squares = float((active * active).sum())
    if squares == 0:
        return np.full(n, scale)
    return scale + (one - other - scale * float(active.sum())) / squares * active


def _by_wealth(effects: Floats, portfolio: Floats, benchmark: Floats) -> Floats:
    """Return G_t = g_t Π(1 + r) + b_t Σ G, over the periods before t.

    What was gained before goes on to earn what the benchmark earns; it is told with the effects
    that gained it, so that each period's row grows by what the benchmark did after it.
    """
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + portfolio)[:-1]])
    after = np.concatenate([np.cumprod((1.0 + benchmark)[::-1])[::-1][1:], [1.0]])
    return effects * (wealth * after).reshape((-1,) + (1,) * (effects.ndim - 1))
