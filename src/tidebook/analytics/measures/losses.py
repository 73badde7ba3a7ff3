"""The worst of it: drawdown, value at risk and expected shortfall, and returns over either."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tidebook.analytics.figures import Undefined
from tidebook.analytics.measures.earned import annual_return
from tidebook.analytics.measures.measure import (
    BELOW_TOTAL_LOSS,
    NO_DOWNSIDE,
    NOT_KEPT,
    TOO_FEW,
    Direction,
    Measure,
    Unit,
)
from tidebook.analytics.measures.scatter import excess_kurtosis, skewness
from tidebook.analytics.tail import cornish_fisher

if TYPE_CHECKING:
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.summary import Summary


def max_drawdown(s: Summary) -> Figure:
    """Return the depth of the deepest fall, the start being a high."""
    return s.depth if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def drawdown_now(s: Summary) -> Figure:
    """Return how deep the last period ended."""
    return s.depth_last if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def longest_underwater(s: Summary) -> Figure:
    """Return the most periods in a row that ended below the high."""
    return float(s.under_longest) if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def pain_index(s: Summary) -> Figure:
    """Return the mean depth below the high."""
    return s.pain if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def ulcer_index(s: Summary) -> Figure:
    """Return the root mean square depth below the high."""
    return math.sqrt(s.ulcer_square) if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def conditional_drawdown(s: Summary) -> Figure:
    """Return the mean of the deepest a of the depths."""
    if s.tail is None:
        return NOT_KEPT
    return s.tail.conditional_depth if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def calmar(s: Summary) -> Figure:
    """Return the annual return over the deepest fall."""
    return _over(annual_return(s), s.depth)


def pain_ratio(s: Summary) -> Figure:
    """Return the annual return, less the rate without risk, over the pain index."""
    return _over(annual_return(s), s.pain, s.rates.risk_free_annual)


def martin_ratio(s: Summary) -> Figure:
    """Return the annual return, less the rate without risk, over the ulcer index."""
    return _over(annual_return(s), math.sqrt(s.ulcer_square), s.rates.risk_free_annual)


def var_historical(s: Summary) -> Figure:
    """Return minus the sample's quantile, between two returns."""
    return NOT_KEPT if s.tail is None else -s.tail.linear * s.rates.horizon_root + 0.0


def var_lower_quantile(s: Summary) -> Figure:
    """Return the smallest loss that c of the returns or more do not exceed."""
    return NOT_KEPT if s.tail is None else -s.tail.lower * s.rates.horizon_root + 0.0


def var_gaussian(s: Summary) -> Figure:
    """Return the loss at the normal quantile."""
    return _parametric(s, s.rates.quantile)


def var_cornish_fisher(s: Summary) -> Figure:
    """Return the loss at the normal quantile bent by skew and kurtosis."""
    skew, excess = skewness(s), excess_kurtosis(s)
    if isinstance(skew, Undefined):
        return skew
    if isinstance(excess, Undefined):
        return excess
    bent = cornish_fisher(s.rates.quantile, skew, excess)
    return bent if isinstance(bent, Undefined) else _parametric(s, bent)


def expected_shortfall(s: Summary) -> Figure:
    """Return the mean loss of exactly the worst a of the periods."""
    return NOT_KEPT if s.tail is None else -s.tail.mean * s.rates.horizon_root + 0.0


def expected_shortfall_gaussian(s: Summary) -> Figure:
    """Return the mean loss beyond the Gaussian value at risk."""
    return _parametric(s, s.rates.shortfall_quantile)


def tail_observations(s: Summary) -> Figure:
    """Return how many returns the expected shortfall rests on."""
    return NOT_KEPT if s.tail is None else float(s.tail.observations)


def starr(s: Summary) -> Figure:
    """Return the mean return above the rate without risk over the expected shortfall."""
    if s.tail is None:
        return NOT_KEPT
    return s.excess_mean / -s.tail.mean if s.tail.mean < 0 else NO_DOWNSIDE


def _over(earned: Figure, depth: float, hurdle: float = 0.0) -> Figure:
    if isinstance(earned, Undefined):
        return earned
    return (earned - hurdle) / depth if depth else NO_DOWNSIDE


def _parametric(s: Summary, z: float) -> Figure:
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    return -(s.mean + z * s.deviation) * s.rates.horizon_root + 0.0


_HIGHER, _LOWER, _NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER
_RUIN, _NEVER = "more than everything lost", "never"
_ANNUAL = "where the annual return is; nothing fell"
_MAGDON, _BACON = "Magdon-Ismail and Atiya (2004)", "Bacon (2008)"
_TAIL = "Rockafellar and Uryasev (2002)"

LOSSES = (
    Measure(
        "max_drawdown", "Deepest drawdown", Unit.FRACTION, _LOWER,
        "max over days of 1 - W / (highest W so far), W = Π(1 + r), the start included", _RUIN,
        _MAGDON, max_drawdown,
    ),
    Measure(
        "drawdown_now", "Drawdown at the end", Unit.FRACTION, _LOWER,
        "the last of these", _RUIN, _MAGDON, drawdown_now,
    ),
    Measure(
        "longest_underwater", "Longest time under water", Unit.COUNT, _LOWER,
        "the most periods in a row that ended below the high", _RUIN, _MAGDON,
        longest_underwater,
    ),
    Measure(
        "pain_index", "Pain index", Unit.FRACTION, _LOWER,
        "the mean of these", _RUIN, "Becker (2006)", pain_index,
    ),
    Measure(
        "ulcer_index", "Ulcer index", Unit.FRACTION, _LOWER,
        "the root mean square of these, over n", _RUIN, "Martin and McCann (1989)", ulcer_index,
    ),
    Measure(
        "conditional_drawdown", "Conditional drawdown", Unit.FRACTION, _LOWER,
        "the mean of the deepest a of these", _RUIN, "Chekhlov, Uryasev and Zabarankin (2005)",
        conditional_drawdown, needs_all=True,
    ),
    Measure(
        "calmar", "Calmar ratio", Unit.RATIO, _HIGHER,
        "annual return / deepest drawdown", _ANNUAL, "Young (1991)", calmar,
    ),
    Measure(
        "pain_ratio", "Pain ratio", Unit.RATIO, _HIGHER,
        "(annual return - f of the year) / pain index", _ANNUAL, "Becker (2006)", pain_ratio,
    ),
    Measure(
        "martin_ratio", "Martin ratio", Unit.RATIO, _HIGHER,
        "(annual return - f of the year) / ulcer index", _ANNUAL, "Martin and McCann (1989)",
        martin_ratio,
    ),
    Measure(
        "var_historical", "Value at risk, historical", Unit.FRACTION, _LOWER,
        "-(quantile of r at a, between two returns) · √h", _NEVER, "Hyndman and Fan (1996), type 7",
        var_historical, needs_all=True,
    ),
    Measure(
        "var_lower_quantile", "Value at risk, lower quantile", Unit.FRACTION, _LOWER,
        "the ⌈c · n⌉-th smallest loss · √h", _NEVER, _TAIL, var_lower_quantile, needs_all=True,
    ),
    Measure(
        "var_gaussian", "Value at risk, Gaussian", Unit.FRACTION, _LOWER,
        "-(mean + z · sd) · √h", "below 2 returns", _BACON, var_gaussian,
    ),
    Measure(
        "var_cornish_fisher", "Value at risk, Cornish-Fisher", Unit.FRACTION, _LOWER,
        "the same with z + (z² - 1)S/6 + (z³ - 3z)K/24 - (2z³ - 5z)S²/36, "
        "S the skewness, K the excess kurtosis",
        "below 2 returns; no spread; where it no longer rises with z",
        "Cornish and Fisher (1938)", var_cornish_fisher,
    ),
    Measure(
        "expected_shortfall", "Expected shortfall", Unit.FRACTION, _LOWER,
        "the mean loss of exactly the worst a of the periods, the last in part · √h", _NEVER,
        _TAIL, expected_shortfall, needs_all=True,
    ),
    Measure(
        "expected_shortfall_gaussian", "Expected shortfall, Gaussian", Unit.FRACTION, _LOWER,
        "(-mean + sd · φ(z) / a) · √h", "below 2 returns", _BACON, expected_shortfall_gaussian,
    ),
    Measure(
        "tail_observations", "Returns in the tail", Unit.COUNT, _NEITHER,
        "⌈a · n⌉", _NEVER, _TAIL, tail_observations, needs_all=True,
    ),
    Measure(
        "starr", "STARR ratio", Unit.RATIO, _HIGHER,
        "mean(r - f) / expected shortfall of one period", "the tail lost nothing",
        "Martin, Rachev and Siboulet (2003)", starr, needs_all=True,
    ),
)  # fmt: skip
