"""What holds for every measure of the catalogue, whatever the returns are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from tidebook.analytics import (
    MEASURES,
    Conventions,
    Undefined,
    Unit,
    begin,
    rolling,
    running_figures,
    step,
    suite,
    suites,
)
from tidebook.analytics.sampling import DatedReturns

if TYPE_CHECKING:
    from random import Random

    from tidebook.analytics import Figure

Floats = NDArray[np.float64]
HUNDREDTHS = st.integers(-30, 30).map(lambda number: number / 100)
SMALL = st.floats(-0.2, 0.2).map(lambda value: round(value, 6))
RETURN = st.one_of(HUNDREDTHS, SMALL)
SERIES = st.lists(RETURN, min_size=1, max_size=300).map(lambda told: np.array(told, np.float64))
CONVENTIONS = st.builds(
    Conventions,
    periods_per_year=st.sampled_from([12, 52, 252, 365]),
    risk_free_annual=st.sampled_from([0.0, 0.03, -0.01]),
    target_annual=st.sampled_from([0.0, 0.05]),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
)


def alike(one: Figure, other: Figure, rel: float) -> bool:
    if isinstance(one, Undefined) or isinstance(other, Undefined):
        return one == other
    return one == pytest.approx(other, rel=rel, abs=rel)


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=40), st.integers(1, 700), CONVENTIONS)
def test_many_series_are_measured_as_one_after_the_other_to_the_last_bit(
    seeds: list[int], size: int, conventions: Conventions
) -> None:
    table = np.array([np.random.default_rng(seed).standard_normal(size) for seed in seeds]) / 50
    table = table.round(3)
    benchmark = np.random.default_rng(0).standard_normal(size) / 50
    together = list(suites(table, benchmark, conventions))
    assert together == [suite(row, benchmark, conventions) for row in table]


@given(st.integers(1, 30), st.integers(1, 400))
def test_one_benchmark_for_all_is_the_same_benchmark_for_each(count: int, size: int) -> None:
    rng = np.random.default_rng(count * size)
    table, benchmark = rng.standard_normal((count, size)) / 50, rng.standard_normal(size) / 50
    each = np.tile(benchmark, (count, 1))
    assert list(suites(table, benchmark)) == list(suites(table, each))


SAME_BITS = {
    "cumulative_return",
    "annual_return",
    "geometric_mean_return",
    "best_return",
    "worst_return",
    "win_rate",
    "downside_frequency",
    "max_drawdown",
    "drawdown_now",
    "longest_underwater",
}


FALLS = {
    "max_drawdown",
    "drawdown_now",
    "longest_underwater",
    "pain_index",
    "ulcer_index",
    "conditional_drawdown",
    "calmar",
    "pain_ratio",
    "martin_ratio",
}


@given(SERIES, CONVENTIONS)
def test_a_running_series_tells_what_the_whole_series_tells(
    returns: Floats, conventions: Conventions
) -> None:
    state = begin(conventions)
    for earned in returns.tolist():
        state = step(state, earned)
    running, whole = running_figures(state), suite(returns, conventions=conventions).figures
    for measure in MEASURES:
        if measure.needs_benchmark or measure.needs_all or measure.id == "starr":
            continue
        if measure.id in SAME_BITS:
            assert running[measure.id] == whole[measure.id], measure.id
        elif _well_conditioned(returns, whole):
            assert alike(running[measure.id], whole[measure.id], 1e-7), measure.id


def _well_conditioned(returns: Floats, whole: dict[str, Figure]) -> bool:
    """Return whether no measure divides by what is all but zero."""
    spread = whole["volatility"]
    few = np.sum(np.maximum(-returns, 0)) < 1e-4
    return isinstance(spread, float) and spread > 1e-3 and not few and returns.size > 3


@given(SERIES, st.randoms(use_true_random=False), CONVENTIONS)
def test_the_order_of_returns_matters_to_falls_only(
    returns: Floats, chance: Random, conventions: Conventions
) -> None:
    order = list(range(returns.size))
    chance.shuffle(order)
    shuffled = returns[order]
    one, other = (suite(side, conventions=conventions).figures for side in (returns, shuffled))
    for name in one.keys() - FALLS:
        if _well_conditioned(returns, one):
            assert alike(one[name], other[name], 1e-8), name


@given(st.integers(0, 2**32), st.sampled_from([0.25, 0.5, 2.0]))
def test_twice_the_returns_are_twice_the_risk_at_the_same_ratio(seed: int, scale: float) -> None:
    returns = np.random.default_rng(seed).standard_normal(300) / 100
    benchmark = np.random.default_rng(seed + 1).standard_normal(300) / 100
    one, other = suite(returns, benchmark).figures, suite(returns * scale, benchmark).figures
    grow = {"volatility", "semi_deviation", "downside_deviation", "mean_absolute_deviation"}
    grow |= {"mean_return", "best_return", "worst_return", "var_historical", "var_gaussian"}
    grow |= {"var_lower_quantile", "expected_shortfall", "beta", "specific_risk"}
    for name in grow:
        assert alike(other[name], _times(one[name], scale), 1e-9), name
    stay = {"sharpe_arithmetic", "sortino", "omega", "skewness", "excess_kurtosis", "win_rate"}
    stay |= {"profit_factor", "starr", "correlation", "treynor", "probabilistic_sharpe"}
    for name in stay:
        assert alike(other[name], one[name], 1e-9), name


def _times(figure: Figure, scale: float) -> Figure:
    return figure if isinstance(figure, Undefined) else figure * scale


@given(SERIES)
def test_a_fund_that_is_its_benchmark_has_a_beta_of_one_and_no_active_return(
    returns: Floats,
) -> None:
    found = suite(returns, returns.copy()).figures
    assert found["active_return"] == 0.0
    if not isinstance(found["beta"], Undefined):
        assert found["beta"] == pytest.approx(1.0, abs=1e-12)
        assert found["alpha_annual"] == pytest.approx(0.0, abs=1e-9)
        assert found["r_squared"] == pytest.approx(1.0, abs=1e-12)
    assert isinstance(found["information_ratio"], Undefined)


@given(SERIES, CONVENTIONS)
def test_no_figure_is_infinite_or_not_a_number(returns: Floats, conventions: Conventions) -> None:
    other = np.roll(returns, 1)
    for name, figure in suite(returns, other, conventions).figures.items():
        assert isinstance(figure, Undefined) or math.isfinite(figure), name


@given(SERIES, CONVENTIONS)
def test_losses_are_positive_and_ordered(returns: Floats, conventions: Conventions) -> None:
    found = suite(returns, conventions=conventions).figures
    lower, shortfall = found["var_lower_quantile"], found["expected_shortfall"]
    assert isinstance(lower, float)
    assert isinstance(shortfall, float)
    assert shortfall >= lower - 1e-12
    for measure in MEASURES:
        if measure.unit is Unit.COUNT:
            assert found[measure.id] == int(float(str(found[measure.id])))
    depth, pain = found["max_drawdown"], found["pain_index"]
    if isinstance(depth, float) and isinstance(pain, float):
        assert 0.0 <= pain <= depth + 1e-15 <= 1.0 + 2e-15


@given(st.integers(0, 2**32), st.integers(2, 60))
def test_a_window_is_measured_as_the_series_it_is(seed: int, window: int) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal(80) / 50
    days = np.arange(80).astype("datetime64[D]")
    names = ["volatility", "max_drawdown", "sharpe_arithmetic"]
    found = rolling(DatedReturns(days, returns), window, names)
    last = suite(returns[-window:]).figures
    assert [found.figures[name][-1] for name in names] == [last[name] for name in names]
    assert len(found.dates) == 80 - window + 1
