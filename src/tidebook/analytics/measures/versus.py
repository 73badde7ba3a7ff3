"""Beside a benchmark: how far it explains the returns, and what was earned beyond it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.measures.earned import annual_return, yearly
from tidebook.analytics.measures.measure import (
    BELOW_TOTAL_LOSS,
    NO_BENCHMARK,
    TOO_FEW,
    ZERO_VARIANCE,
    Direction,
    Measure,
    Unit,
)

if TYPE_CHECKING:
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.summary import Summary
    from tidebook.analytics.summary_pairs import Versus


def beta(s: Summary) -> Figure:
    """Return how far the returns move when the benchmark moves by one."""
    v = _moving(s)
    return v if isinstance(v, Undefined) else v.slope


def correlation(s: Summary) -> Figure:
    """Return the correlation of the pairs."""
    v = _moving(s)
    if isinstance(v, Undefined):
        return v
    if not s.deviation:
        return ZERO_VARIANCE
    return max(-1.0, min(1.0, v.slope * v.deviation / s.deviation))


def r_squared(s: Summary) -> Figure:
    """Return the share of the variance that the benchmark explains."""
    related = correlation(s)
    return related if isinstance(related, Undefined) else related * related


def alpha_annual(s: Summary) -> Figure:
    """Return Jensen's alpha, added up to a year."""
    found = _alpha(s)
    return found if isinstance(found, Undefined) else found * s.rates.k


def alpha_annual_geometric(s: Summary) -> Figure:
    """Return Jensen's alpha, compounded to a year."""
    found = _alpha(s)
    if isinstance(found, Undefined):
        return found
    if found < -1.0:
        return BELOW_TOTAL_LOSS
    try:
        return (1.0 + found) ** s.rates.k - 1.0
    except OverflowError:
        return _TOO_LARGE


def active_return(s: Summary) -> Figure:
    """Return the mean return beyond the benchmark, added up to a year."""
    return NO_BENCHMARK if s.versus is None else s.versus.active_mean * s.rates.k


def tracking_error(s: Summary) -> Figure:
    """Return the yearly standard deviation of the active return."""
    if s.versus is None:
        return NO_BENCHMARK
    return s.versus.active_deviation * s.rates.root_k if s.n >= s.rates.spread_needs else TOO_FEW


def information_ratio(s: Summary) -> Figure:
    """Return the yearly active return over the tracking error."""
    if s.versus is None:
        return NO_BENCHMARK
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    if not s.versus.active_deviation:
        return ZERO_VARIANCE
    return s.versus.active_mean / s.versus.active_deviation * s.rates.root_k


def information_ratio_geometric(s: Summary) -> Figure:
    """Return the difference of the annual returns over the tracking error."""
    if s.versus is None:
        return NO_BENCHMARK
    error, own = tracking_error(s), annual_return(s)
    other = yearly(s, s.versus.growth, s.versus.worst)
    if isinstance(error, Undefined):
        return error
    if isinstance(own, Undefined):
        return own
    if isinstance(other, Undefined):
        return other
    return (own - other) / error if error else ZERO_VARIANCE


def treynor(s: Summary) -> Figure:
    """Return the yearly mean return above the rate without risk, over the beta."""
    slope = beta(s)
    if isinstance(slope, Undefined):
        return slope
    return s.excess_mean * s.rates.k / slope if slope else ZERO_VARIANCE


def m_squared(s: Summary) -> Figure:
    """Return the annual return at the benchmark's risk."""
    if s.versus is None:
        return NO_BENCHMARK
    earned = annual_return(s)
    if isinstance(earned, Undefined):
        return earned
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    if not s.deviation:
        return ZERO_VARIANCE
    free = s.rates.risk_free_annual
    return free + (earned - free) * s.versus.deviation / s.deviation


def specific_risk(s: Summary) -> Figure:
    """Return the yearly deviation that the benchmark does not explain."""
    related = correlation(s)
    if isinstance(related, Undefined):
        return related
    return s.deviation * s.rates.root_k * math.sqrt(1.0 - related * related)


def up_capture(s: Summary) -> Figure:
    """Return the part taken in the benchmark's gains."""
    v = s.versus
    if v is None:
        return NO_BENCHMARK
    return _captured(v.up, v.up_growth, v.up_growth_other, is_ruin=v.up_ruin)


def down_capture(s: Summary) -> Figure:
    """Return the part taken in the benchmark's losses."""
    v = s.versus
    if v is None:
        return NO_BENCHMARK
    return _captured(v.down, v.down_growth, v.down_growth_other, is_ruin=v.down_ruin)


def capture_ratio(s: Summary) -> Figure:
    """Return the part taken in gains over the part taken in losses."""
    up, down = up_capture(s), down_capture(s)
    if isinstance(up, Undefined):
        return up
    if isinstance(down, Undefined):
        return down
    return up / down if down else _NO_DOWNSIDE


def batting_average(s: Summary) -> Figure:
    """Return the share of periods that earned more than the benchmark."""
    return NO_BENCHMARK if s.versus is None else s.versus.ahead / s.n


_NO_DOWNSIDE = Undefined(Reason.NO_DOWNSIDE)
_TOO_LARGE = Undefined(Reason.TOO_LARGE)


def _moving(s: Summary) -> Versus | Undefined:
    """Return what is told of both, where the benchmark moves."""
    if s.versus is None:
        return NO_BENCHMARK
    if s.n < s.rates.spread_needs:
        return TOO_FEW
    return s.versus if s.versus.deviation else ZERO_VARIANCE


def _alpha(s: Summary) -> Figure:
    v = _moving(s)
    if isinstance(v, Undefined):
        return v
    # Of the benchmark the same mean rate is taken as of the returns, also if it is dated.
    free = s.mean - s.excess_mean
    return s.excess_mean - v.slope * (v.mean - free)


def _captured(count: int, growth: float, other: float, *, is_ruin: bool) -> Figure:
    if not count:
        return TOO_FEW
    if is_ruin:
        return BELOW_TOTAL_LOSS
    power = 1.0 / count
    return (growth**power - 1.0) / (other**power - 1.0)


_HIGHER, _LOWER, _NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER
_FEW, _REST = "below 2 pairs", "below 2 pairs; a benchmark that rests"
_STILL = "below 2 pairs; no spread"
_CAPM, _GRINOLD = "Jensen (1968)", "Grinold and Kahn (1999)"

VERSUS = (
    Measure(
        "beta", "Beta", Unit.RATIO, _NEITHER, "cov(r, b) / var(b)", _REST, "Sharpe (1964)",
        beta, needs_benchmark=True,
    ),
    Measure(
        "correlation", "Correlation", Unit.RATIO, _NEITHER, "cov(r, b) / (sd(r) · sd(b))",
        f"{_REST}; no spread", "Pearson (1895)", correlation, needs_benchmark=True,
    ),
    Measure(
        "r_squared", "R²", Unit.FRACTION, _NEITHER, "correlation²", f"{_REST}; no spread",
        "Pearson (1895)", r_squared, needs_benchmark=True,
    ),
    Measure(
        "alpha_annual", "Alpha", Unit.FRACTION_PER_YEAR, _HIGHER,
        "(mean(r - f) - beta · mean(b - f)) · k", _REST, _CAPM, alpha_annual,
        needs_benchmark=True,
    ),
    Measure(
        "alpha_annual_geometric", "Alpha, compounded", Unit.FRACTION_PER_YEAR, _HIGHER,
        "(1 + mean(r - f) - beta · mean(b - f)) ** k - 1",
        f"{_REST}; below -1, or too large for a number", _CAPM, alpha_annual_geometric,
        needs_benchmark=True,
    ),
    Measure(
        "active_return", "Active return", Unit.FRACTION_PER_YEAR, _HIGHER,
        "mean(r - b) · k", "never", _GRINOLD, active_return, needs_benchmark=True,
    ),
    Measure(
        "tracking_error", "Tracking error", Unit.FRACTION_PER_YEAR, _NEITHER,
        "sd(r - b) · √k", _FEW, _GRINOLD, tracking_error, needs_benchmark=True,
    ),
    Measure(
        "information_ratio", "Information ratio", Unit.RATIO, _HIGHER,
        "mean(r - b) · k / tracking error", _STILL, _GRINOLD, information_ratio,
        needs_benchmark=True,
    ),
    Measure(
        "information_ratio_geometric", "Information ratio of the annual returns", Unit.RATIO,
        _HIGHER, "(annual return - that of the benchmark) / tracking error",
        "where an annual return is; no spread", "Bacon (2008)", information_ratio_geometric,
        needs_benchmark=True,
    ),
    Measure(
        "treynor", "Treynor ratio", Unit.RATIO, _HIGHER, "mean(r - f) · k / beta",
        f"{_REST}; a beta of 0", "Treynor (1965)", treynor, needs_benchmark=True,
    ),
    Measure(
        "m_squared", "M²", Unit.FRACTION_PER_YEAR, _HIGHER,
        "f + (annual return - f) · sd(b) / sd(r), f of the year",
        "where the annual return is; no spread", "Modigliani and Modigliani (1997)", m_squared,
        needs_benchmark=True,
    ),
    Measure(
        "specific_risk", "Specific risk", Unit.FRACTION_PER_YEAR, _LOWER,
        "volatility · √(1 - R²)", f"{_REST}; no spread", "Bacon (2008)", specific_risk,
        needs_benchmark=True,
    ),
    Measure(
        "up_capture", "Up capture", Unit.RATIO, _HIGHER,
        "geometric mean return over that of the benchmark, where b > 0",
        "no such period; more than everything lost in one", "Morningstar (2011)", up_capture,
        needs_benchmark=True,
    ),
    Measure(
        "down_capture", "Down capture", Unit.RATIO, _LOWER,
        "geometric mean return over that of the benchmark, where b < 0",
        "no such period; more than everything lost in one", "Morningstar (2011)", down_capture,
        needs_benchmark=True,
    ),
    Measure(
        "capture_ratio", "Capture ratio", Unit.RATIO, _HIGHER, "up capture / down capture",
        "where either is; a down capture of 0", "Morningstar (2011)", capture_ratio,
        needs_benchmark=True,
    ),
    Measure(
        "batting_average", "Batting average", Unit.FRACTION, _HIGHER, "#(r > b) / n", "never",
        "Bacon (2008)", batting_average, needs_benchmark=True,
    ),
)  # fmt: skip
