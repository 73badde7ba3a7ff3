"""Traits: measures of a tear sheet that need the returns in their order, or other measures.

They are told of one series at a time, and beside the catalogue: none of them has a running state.
One trait is one function and one entry, as a measure is; the letters of the formulas are those of
the catalogue, and q is a quantile between two returns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.analytics.measures import Direction, Unit
from tidebook.analytics.summary import SPREAD_NOISE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidebook.analytics.catalogue import Suite
    from tidebook.analytics.conventions import Conventions
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

OUTLIER: Final = 0.99
"""The quantile from which on a return is an outlier."""
RUIN: Final = 0.5
"""The loss that counts as ruin, as a share of wealth."""
_CORRELATION_NEEDS: Final = 3


class Traced(NamedTuple):
    """A series of simple returns with the suite that was taken of it."""

    returns: Floats
    suite: Suite
    conventions: Conventions

    def figure(self, name: str) -> Figure:
        """Return a measure of the suite."""
        return self.suite.figures[name]


class Trait(NamedTuple):
    """One entry: what it is called, what it says, and the function that tells it."""

    id: str
    title: str
    unit: Unit
    direction: Direction
    formula: str
    undefined: str
    source: str
    of: Callable[[Traced], Figure]


def traits(returns: Floats, suite: Suite, conventions: Conventions) -> Mapping[str, Figure]:
    """Return every trait of a series by its id.

    Args:
        returns: Simple returns per period, oldest first, as fractions.
        suite: Every measure of the same returns, under the same conventions.
        conventions: Those of the measures.

    Raises:
        UnusableSeriesError: If a return is not finite.

    Example:
        >>> from tidebook.analytics import PLAIN, suite
        >>> moves = np.array([0.01, 0.02, -0.01, 0.03])
        >>> traits(moves, suite(moves), PLAIN)["longest_wins"]
        2.0
    """
    check_returns(returns)
    if returns.size == 0:
        return {trait.id: Undefined(Reason.TOO_FEW_RETURNS) for trait in TRAITS}
    traced = Traced(returns, suite, conventions)
    return {trait.id: trait.of(traced) for trait in TRAITS}


def lag_correlation(returns: Floats) -> Figure:
    """Return the correlation of each return with the one before; undefined where nothing varies."""
    check_returns(returns)
    if returns.size < _CORRELATION_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    before, after = returns[:-1], returns[1:]
    noise = SPREAD_NOISE * float(np.abs(returns).max())
    if before.std() <= noise or after.std() <= noise:
        return Undefined(Reason.ZERO_VARIANCE)
    return float(np.corrcoef(before, after)[0, 1])


def longest_run(happened: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Return the most times in a row that something happened.

    Example:
        >>> longest_run(np.array([True, False, True, True]))
        2
    """
    edges = np.diff(happened.astype(np.int8), prepend=0, append=0)
    lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return int(lengths.max(initial=0))


def _longest_wins(t: Traced) -> Figure:
    return float(longest_run(t.returns > 0))


def _longest_losses(t: Traced) -> Figure:
    return float(longest_run(t.returns < 0))


def _time_in_market(t: Traced) -> Figure:
    return float((t.returns != 0).mean())


def _annual_return_in_market(t: Traced) -> Figure:
    return _over(t.figure("annual_return"), _time_in_market(t), Reason.NO_CAPITAL)


def _recovery_factor(t: Traced) -> Figure:
    return _over(t.figure("cumulative_return"), t.figure("max_drawdown"), Reason.NO_DOWNSIDE)


def _tail_ratio(t: Traced) -> Figure:
    c = t.conventions.confidence
    low, high = np.quantile(t.returns, [1.0 - c, c]).tolist()
    return high / -low if low < 0 else Undefined(Reason.NO_DOWNSIDE)


def _outlier_win_ratio(t: Traced) -> Figure:
    wins = t.returns[t.returns > 0]
    if wins.size == 0:
        return Undefined(Reason.NO_ODDS)
    return float(np.quantile(t.returns, OUTLIER)) / float(wins.mean())


def _outlier_loss_ratio(t: Traced) -> Figure:
    losses = t.returns[t.returns < 0]
    if losses.size == 0:
        return Undefined(Reason.NO_DOWNSIDE)
    return float(np.quantile(t.returns, 1.0 - OUTLIER)) / float(losses.mean())


def _common_sense_ratio(t: Traced) -> Figure:
    return _product(t.figure("profit_factor"), _tail_ratio(t))


def _cpc_index(t: Traced) -> Figure:
    return _product(*map(t.figure, ("profit_factor", "win_rate", "payoff_ratio")))


def _serenity_index(t: Traced) -> Figure:
    earned = t.figure("annual_return")
    if not isinstance(earned, Undefined):
        earned -= t.conventions.risk_free_annual
    pitfall = _over(t.figure("conditional_drawdown"), t.figure("volatility"), Reason.ZERO_VARIANCE)
    return _over(earned, _product(t.figure("ulcer_index"), pitfall), Reason.NO_DOWNSIDE)


def _risk_of_ruin(t: Traced) -> Figure:
    if float(t.returns.min()) <= -1.0:
        return 1.0
    logs = np.log1p(t.returns)
    if logs.size < _CORRELATION_NEEDS:
        return Undefined(Reason.TOO_FEW_RETURNS)
    drift, variance = float(logs.mean()), float(logs.var(ddof=1))
    if math.sqrt(variance) <= SPREAD_NOISE * float(np.abs(logs).max()):
        return Undefined(Reason.ZERO_VARIANCE)
    return min(1.0, math.exp(2.0 * drift / variance * math.log(1.0 - RUIN))) if drift > 0 else 1.0


def _lag_correlation(t: Traced) -> Figure:
    return lag_correlation(t.returns)


def _sharpe_autocorrelated(t: Traced) -> Figure:
    return _over(t.figure("sharpe_arithmetic"), _penalty(t), Reason.ZERO_VARIANCE)


def _sortino_autocorrelated(t: Traced) -> Figure:
    return _over(t.figure("sortino"), _penalty(t), Reason.ZERO_VARIANCE)


def _sortino_adjusted(t: Traced) -> Figure:
    return _over(t.figure("sortino"), math.sqrt(2.0), Reason.NO_DOWNSIDE)


def _penalty(t: Traced) -> Figure:
    """Return by how much a year's returns scatter more than independent ones would."""
    lagged = lag_correlation(t.returns)
    if isinstance(lagged, Undefined):
        return lagged
    k = t.conventions.periods_per_year
    lags = np.arange(1, math.ceil(k))
    scale = 1.0 + 2.0 * float(((1.0 - lags / k) * lagged**lags).sum())
    return math.sqrt(scale) if scale > SPREAD_NOISE else Undefined(Reason.ZERO_VARIANCE)


def _over(above: Figure, below: Figure, otherwise: Reason) -> Figure:
    if isinstance(above, Undefined):
        return above
    if isinstance(below, Undefined):
        return below
    return above / below if below else Undefined(otherwise)


def _product(*factors: Figure) -> Figure:
    product = 1.0
    for factor in factors:
        if isinstance(factor, Undefined):
            return factor
        product *= factor
    return product


_HIGHER, _LOWER, _NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER
_LO = "Lo (2002)"
_LAGGED = "below 3 returns; no spread"
_PENALTY = "√(1 + 2 Σ (1 - x/k) ρ^x), x from 1 below k, ρ the correlation with the return before"

TRAITS: Final = (
    Trait(
        "longest_wins", "Longest run of wins", Unit.COUNT, _HIGHER,
        "the most r > 0 in a row", "never", "by its name", _longest_wins,
    ),
    Trait(
        "longest_losses", "Longest run of losses", Unit.COUNT, _LOWER,
        "the most r < 0 in a row", "never", "by its name", _longest_losses,
    ),
    Trait(
        "time_in_market", "Time in market", Unit.FRACTION, _NEITHER,
        "#(r ≠ 0) / n", "never", "by its name", _time_in_market,
    ),
    Trait(
        "annual_return_in_market", "Annual return over time in market", Unit.FRACTION_PER_YEAR,
        _HIGHER, "annual return / time in market", "where the annual return is; all returns are 0",
        "by its name", _annual_return_in_market,
    ),
    Trait(
        "recovery_factor", "Recovery factor", Unit.RATIO, _HIGHER,
        "cumulative return / deepest drawdown", "more than everything lost; nothing fell",
        "by its name", _recovery_factor,
    ),
    Trait(
        "tail_ratio", "Tail ratio", Unit.RATIO, _HIGHER,
        "q(c) / -q(a)", "q(a) is no loss", "by its name", _tail_ratio,
    ),
    Trait(
        "outlier_win_ratio", "Outlier win ratio", Unit.RATIO, _NEITHER,
        "q(0.99) / mean win", "nothing was won", "by its name", _outlier_win_ratio,
    ),
    Trait(
        "outlier_loss_ratio", "Outlier loss ratio", Unit.RATIO, _LOWER,
        "q(0.01) / mean of r < 0", "nothing was lost", "by its name", _outlier_loss_ratio,
    ),
    Trait(
        "common_sense_ratio", "Common sense ratio", Unit.RATIO, _HIGHER,
        "profit factor · tail ratio", "where either is", "by its name", _common_sense_ratio,
    ),
    Trait(
        "cpc_index", "CPC index", Unit.RATIO, _HIGHER,
        "profit factor · win rate · payoff ratio", "no win or no loss", "by its name", _cpc_index,
    ),
    Trait(
        "serenity_index", "Serenity index", Unit.RATIO, _HIGHER,
        "(annual return - f of the year) / (ulcer index · conditional drawdown / volatility)",
        "where the annual return is; nothing fell; no spread", "KeyQuant (2015)", _serenity_index,
    ),
    Trait(
        "risk_of_ruin", "Chance of ever losing half", Unit.FRACTION, _LOWER,
        "0.5 ** (2 · mean / variance) of ln(1 + r), 1 where the mean is not above 0",
        "below 3 returns; no spread", "Karatzas and Shreve (1991)", _risk_of_ruin,
    ),
    Trait(
        "lag_correlation", "Correlation with the return before", Unit.RATIO, _NEITHER,
        "cor(r, r of the period before)", _LAGGED, _LO, _lag_correlation,
    ),
    Trait(
        "sharpe_autocorrelated", "Sharpe ratio of correlated returns", Unit.RATIO, _HIGHER,
        f"Sharpe ratio / {_PENALTY}", f"{_LAGGED}; a root of nothing", _LO, _sharpe_autocorrelated,
    ),
    Trait(
        "sortino_autocorrelated", "Sortino ratio of correlated returns", Unit.RATIO, _HIGHER,
        "Sortino ratio over the same root", "where either is", _LO, _sortino_autocorrelated,
    ),
    Trait(
        "sortino_adjusted", "Sortino ratio over √2", Unit.RATIO, _HIGHER,
        "Sortino ratio / √2", "where the Sortino ratio is", "Schwager (2012)", _sortino_adjusted,
    ),
)  # fmt: skip
