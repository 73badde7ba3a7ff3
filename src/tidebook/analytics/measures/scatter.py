"""How returns scatter, how lopsided they are, and what was earned for it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from tidebook.analytics.figures import Undefined
from tidebook.analytics.measures.earned import annual_return
from tidebook.analytics.measures.measure import (
    NO_DOWNSIDE,
    TOO_FEW,
    ZERO_VARIANCE,
    Direction,
    Measure,
    Unit,
)

if TYPE_CHECKING:
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.summary import Summary

_SKEW_NEEDS: Final = 3
_KURTOSIS_NEEDS: Final = 4
_NORMAL: Final = NormalDist()


def volatility(s: Summary) -> Figure:
    """Return the yearly standard deviation."""
    return s.deviation * s.rates.root_k if s.n >= s.rates.spread_needs else TOO_FEW


def semi_deviation(s: Summary) -> Figure:
    """Return the yearly deviation of the returns below their own mean."""
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    left = s.n - s.rates.degrees_lost
    return math.sqrt(s.semi / left) * s.rates.root_k if s.deviation else 0.0


def downside_deviation(s: Summary) -> Figure:
    """Return the yearly shortfall against the target."""
    return math.sqrt(s.below_square) * s.rates.root_k if s.n >= s.rates.spread_needs else TOO_FEW


def mean_absolute_deviation(s: Summary) -> Figure:
    """Return the mean distance from the mean."""
    return s.absolute


def skewness(s: Summary) -> Figure:
    """Return the population skewness; negative where losses reach further."""
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    return s.m3 / (s.m2 * math.sqrt(s.m2)) if s.deviation else ZERO_VARIANCE


def excess_kurtosis(s: Summary) -> Figure:
    """Return the population kurtosis less that of the normal distribution."""
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    return s.m4 / (s.m2 * s.m2) - 3.0 if s.deviation else ZERO_VARIANCE


def sample_skewness(s: Summary) -> Figure:
    """Return the skewness without the bias of the sample."""
    skew, n = skewness(s), s.n
    if isinstance(skew, Undefined):
        return skew
    return skew * math.sqrt(n * (n - 1.0)) / (n - 2.0) if n >= _SKEW_NEEDS else TOO_FEW


def sample_excess_kurtosis(s: Summary) -> Figure:
    """Return the excess kurtosis without the bias of the sample."""
    excess, n = excess_kurtosis(s), s.n
    if isinstance(excess, Undefined):
        return excess
    if n < _KURTOSIS_NEEDS:
        return TOO_FEW
    return ((n + 1.0) * excess + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))


def skewness_bacon(s: Summary) -> Figure:
    """Return the skewness over the sample's degrees of freedom, of deviations of the population."""
    skew, n = skewness(s), s.n
    if isinstance(skew, Undefined):
        return skew
    return skew * n * n / ((n - 1.0) * (n - 2.0)) if n >= _SKEW_NEEDS else TOO_FEW


def kurtosis_bacon(s: Summary) -> Figure:
    """Return the kurtosis of the sample before that of the normal distribution is taken off."""
    excess, n = sample_excess_kurtosis(s), s.n
    if isinstance(excess, Undefined):
        return excess
    return excess + 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))


def sharpe_arithmetic(s: Summary) -> Figure:
    """Return the yearly mean return above the rate without risk, over its deviation."""
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    if not s.excess_deviation:
        return ZERO_VARIANCE
    return s.excess_mean / s.excess_deviation * s.rates.root_k


def sharpe_geometric(s: Summary) -> Figure:
    """Return the annual return, less the rate without risk, over the volatility."""
    earned = annual_return(s)
    if isinstance(earned, Undefined):
        return earned
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    if not s.deviation:
        return ZERO_VARIANCE
    return (earned - s.rates.risk_free_annual) / (s.deviation * s.rates.root_k)


def probabilistic_sharpe(s: Summary) -> Figure:
    """Return how likely the true Sharpe ratio is above 0, given skew and tails."""
    skew, excess = skewness(s), excess_kurtosis(s)
    if isinstance(skew, Undefined):
        return skew
    if isinstance(excess, Undefined):
        return excess
    if not s.excess_deviation:
        return ZERO_VARIANCE
    ratio = s.excess_mean / s.excess_deviation
    variance = 1.0 - skew * ratio + (excess + 2.0) / 4.0 * ratio * ratio
    if variance <= 0:
        return ZERO_VARIANCE
    return _NORMAL.cdf(ratio * math.sqrt((s.n - 1) / variance))


def sortino(s: Summary) -> Figure:
    """Return the yearly mean return above the target, over the downside deviation."""
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    if not s.below_square:
        return NO_DOWNSIDE
    return (s.mean - s.rates.target) / math.sqrt(s.below_square) * s.rates.root_k


def omega(s: Summary) -> Figure:
    """Return the gains above the target over the shortfalls below it."""
    return s.above / s.below if s.below else NO_DOWNSIDE


def omega_sharpe(s: Summary) -> Figure:
    """Return the mean return above the target over the mean shortfall."""
    return (s.above - s.below) / s.below if s.below else NO_DOWNSIDE


def upside_potential_ratio(s: Summary) -> Figure:
    """Return the mean gain above the target over the root mean square shortfall."""
    return s.above / math.sqrt(s.below_square) if s.below_square else NO_DOWNSIDE


def variability_skewness(s: Summary) -> Figure:
    """Return the root mean square gain above the target over that of the shortfall."""
    return math.sqrt(s.above_square / s.below_square) if s.below_square else NO_DOWNSIDE


def upside_potential(s: Summary) -> Figure:
    """Return the mean gain above the target, all returns counted."""
    return s.above


def downside_potential(s: Summary) -> Figure:
    """Return the mean shortfall below the target, all returns counted."""
    return s.below


def upside_deviation(s: Summary) -> Figure:
    """Return the yearly root mean square gain above the target."""
    return math.sqrt(s.above_square) * s.rates.root_k if s.n >= s.rates.spread_needs else TOO_FEW


def downside_frequency(s: Summary) -> Figure:
    """Return the share of returns below the target."""
    return s.below_count / s.n


_HIGHER, _LOWER, _NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER
_FEW, _FEW_OR_STILL = "below 2 returns", "below 2 returns; no spread"
_SHORT = "nothing fell short"
_BACON = "Bacon (2008)"

SCATTER = (
    Measure(
        "volatility", "Volatility", Unit.FRACTION_PER_YEAR, _LOWER,
        "sd(r) · √k, sd over n - 1, of a population over n", _FEW, _BACON, volatility,
    ),
    Measure(
        "semi_deviation", "Semi-deviation", Unit.FRACTION_PER_YEAR, _LOWER,
        "√(Σ min(0, r - mean)² / (n - 1)) · √k, of a population over n", _FEW,
        "Markowitz (1959)", semi_deviation, needs_all=True,
    ),
    Measure(
        "downside_deviation", "Downside deviation", Unit.FRACTION_PER_YEAR, _LOWER,
        "√(Σ min(0, r - t)² / n) · √k, all returns counted", _FEW,
        "Sortino and van der Meer (1991)", downside_deviation,
    ),
    Measure(
        "mean_absolute_deviation", "Mean absolute deviation", Unit.FRACTION_PER_PERIOD, _LOWER,
        "Σ|r - mean| / n", "never", _BACON, mean_absolute_deviation, needs_all=True,
    ),
    Measure(
        "skewness", "Skewness", Unit.RATIO, _HIGHER,
        "m3 / m2 ** 1.5, population moments", _FEW_OR_STILL, _BACON, skewness,
    ),
    Measure(
        "excess_kurtosis", "Excess kurtosis", Unit.RATIO, _LOWER,
        "m4 / m2² - 3, population moments", _FEW_OR_STILL, _BACON, excess_kurtosis,
    ),
    Measure(
        "sample_skewness", "Skewness of the sample", Unit.RATIO, _HIGHER,
        "skewness · √(n(n - 1)) / (n - 2)", "below 3 returns; no spread", _BACON,
        sample_skewness,
    ),
    Measure(
        "sample_excess_kurtosis", "Excess kurtosis of the sample", Unit.RATIO, _LOWER,
        "((n + 1) · excess + 6) · (n - 1) / ((n - 2)(n - 3))", "below 4 returns; no spread",
        _BACON, sample_excess_kurtosis,
    ),
    Measure(
        "skewness_bacon", "Skewness of the sample, after Bacon", Unit.RATIO, _HIGHER,
        "Σ((r - mean) / √m2)³ · n / ((n - 1)(n - 2))", "below 3 returns; no spread", _BACON,
        skewness_bacon,
    ),
    Measure(
        "kurtosis_bacon", "Kurtosis of the sample, after Bacon", Unit.RATIO, _LOWER,
        "Σ((r - mean) / sd)⁴ · n(n + 1) / ((n - 1)(n - 2)(n - 3)), sd over n - 1",
        "below 4 returns; no spread", _BACON, kurtosis_bacon,
    ),
    Measure(
        "sharpe_arithmetic", "Sharpe ratio", Unit.RATIO, _HIGHER,
        "mean(r - f) / sd(r - f) · √k", _FEW_OR_STILL, "Sharpe (1994)", sharpe_arithmetic,
    ),
    Measure(
        "sharpe_geometric", "Sharpe ratio of the annual return", Unit.RATIO, _HIGHER,
        "(annual return - f of the year) / volatility", "where the annual return is; no spread",
        _BACON, sharpe_geometric,
    ),
    Measure(
        "probabilistic_sharpe", "Probability of a Sharpe ratio above 0", Unit.FRACTION, _HIGHER,
        "Φ(S · √((n - 1) / (1 - skewness · S + (kurtosis - 1) / 4 · S²))), "
        "S the Sharpe ratio per period, kurtosis not in excess",
        _FEW_OR_STILL, "Bailey and López de Prado (2012)", probabilistic_sharpe,
    ),
    Measure(
        "sortino", "Sortino ratio", Unit.RATIO, _HIGHER,
        "mean(r - t) · k / downside deviation", f"{_FEW}; {_SHORT}",
        "Sortino and van der Meer (1991)", sortino,
    ),
    Measure(
        "omega", "Omega ratio", Unit.RATIO, _HIGHER,
        "Σ max(0, r - t) / Σ max(0, t - r)", _SHORT, "Keating and Shadwick (2002)", omega,
    ),
    Measure(
        "omega_sharpe", "Omega-Sharpe ratio", Unit.RATIO, _HIGHER,
        "omega - 1", _SHORT, _BACON, omega_sharpe,
    ),
    Measure(
        "upside_potential_ratio", "Upside potential ratio", Unit.RATIO, _HIGHER,
        "(Σ max(0, r - t) / n) / √(Σ min(0, r - t)² / n)", _SHORT,
        "Sortino, van der Meer and Plantinga (1999)", upside_potential_ratio,
    ),
    Measure(
        "variability_skewness", "Variability skewness", Unit.RATIO, _HIGHER,
        "√(Σ max(0, r - t)² / Σ min(0, r - t)²)", _SHORT, _BACON, variability_skewness,
    ),
    Measure(
        "upside_potential", "Upside potential", Unit.FRACTION_PER_PERIOD, _HIGHER,
        "Σ max(0, r - t) / n", "never", _BACON, upside_potential,
    ),
    Measure(
        "downside_potential", "Downside potential", Unit.FRACTION_PER_PERIOD, _LOWER,
        "Σ max(0, t - r) / n", "never", _BACON, downside_potential,
    ),
    Measure(
        "upside_deviation", "Upside deviation", Unit.FRACTION_PER_YEAR, _HIGHER,
        "√(Σ max(0, r - t)² / n) · √k, all returns counted", _FEW, _BACON, upside_deviation,
    ),
    Measure(
        "downside_frequency", "Downside frequency", Unit.FRACTION, _LOWER,
        "#(r < t) / n", "never", _BACON, downside_frequency,
    ),
)  # fmt: skip
