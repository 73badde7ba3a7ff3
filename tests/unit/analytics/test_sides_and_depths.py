"""Either side of a target, depths below the high, and what returns come to, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import (
    Conventions,
    Estimator,
    Reason,
    Undefined,
    begin,
    figure,
    running_figures,
    step,
    suite,
    underwater_of,
    underwater_uncompounded,
)
from tidebook.errors import UnusableSeriesError

# Around a target of 1 % a period: +3, -1, 0, -3 percent.
RETURNS = np.array([0.04, 0.0, 0.01, -0.02])
PER_PERIOD = Conventions(1, target_annual=0.01)
POPULATION = Conventions(12, estimator=Estimator.POPULATION)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("upside_potential", 0.03 / 4),
        ("downside_potential", 0.04 / 4),
        ("upside_deviation", math.sqrt(0.0009 / 4)),
        ("downside_deviation", math.sqrt(0.0010 / 4)),
        ("downside_frequency", 0.5),
        ("omega", 0.75),
        ("omega_sharpe", -0.25),
        ("variability_skewness", math.sqrt(0.9)),
        # One loss of 2 %, two gains of 5 % together.
        ("d_ratio", 0.02 / 0.10),
    ],
)
def test_both_sides_by_hand(name: str, expected: float) -> None:
    assert figure(name, RETURNS, None, PER_PERIOD) == pytest.approx(expected, abs=1e-14)


def test_where_nothing_fell_short_there_is_no_ratio() -> None:
    found = suite(np.array([0.01, 0.02])).figures
    for name in ("omega", "omega_sharpe", "variability_skewness"):
        assert found[name] == Undefined(Reason.NO_DOWNSIDE)
    assert found["d_ratio"] == 0.0
    assert figure("d_ratio", np.array([-0.01, 0.0])) == Undefined(Reason.NO_ODDS)


def test_compounded_and_added_losses_differ() -> None:
    returns = np.array([-0.1, -0.1, 0.05])
    assert underwater_of(returns) == pytest.approx([-0.1, -0.19, -0.1495], abs=1e-15)
    assert underwater_uncompounded(returns) == pytest.approx([-0.1, -0.2, -0.15], abs=1e-15)
    assert underwater_of(np.zeros(0)).size == underwater_uncompounded(np.zeros(0)).size == 0
    for under in (underwater_of, underwater_uncompounded):
        with pytest.raises(UnusableSeriesError):
            under(np.array([math.nan]))


def test_the_indices_of_depth_by_hand() -> None:
    # Wealth 1, 0.7, 0.6, 1: depths 0, 0.3, 0.4, 0.
    found = suite(np.array([0.0, -0.3, -1 / 7, 2 / 3])).figures
    assert found["pain_index"] == pytest.approx(0.175, abs=1e-14)
    assert found["ulcer_index"] == pytest.approx(0.25, abs=1e-14)


def test_returns_compound() -> None:
    assert figure("cumulative_return", np.array([0.1, -0.5])) == pytest.approx(-0.45, abs=1e-15)
    of_half_years = figure("annual_return", np.array([0.1, 0.1]), None, Conventions(2))
    assert of_half_years == pytest.approx(0.21, abs=1e-14)
    lost = figure("annual_return", np.array([0.1, -1.0]), None, Conventions(1))
    assert lost == -1.0


def test_a_population_is_averaged_over_all_of_it() -> None:
    # Two and four percent around three: squares of 1e-4 each.
    returns, other = np.array([0.02, 0.04]), np.array([0.01, 0.05])
    of_all, of_sample = suite(returns, other, POPULATION), suite(returns, other, Conventions(12))
    assert of_all.figures["volatility"] == pytest.approx(0.01 * math.sqrt(12), abs=1e-15)
    ratio = 0.03 / 0.01 * math.sqrt(12)
    assert of_all.figures["sharpe_arithmetic"] == pytest.approx(ratio, abs=1e-12)
    # The difference is one percent above and one below nothing.
    assert of_all.figures["tracking_error"] == pytest.approx(0.01 * math.sqrt(12), abs=1e-15)
    semi = math.sqrt(1e-4 / 2 * 12)
    assert of_all.figures["semi_deviation"] == pytest.approx(semi, abs=1e-15)
    assert of_sample.figures["volatility"] == pytest.approx(0.01 * math.sqrt(2 * 12), abs=1e-15)
    for name in ("beta", "correlation", "skewness", "downside_deviation"):
        assert of_all.figures[name] == of_sample.figures[name], name


def test_a_population_of_one_does_not_scatter() -> None:
    found = suite(np.array([0.1]), np.array([0.2]), POPULATION).figures
    assert found["volatility"] == found["semi_deviation"] == found["tracking_error"] == 0.0
    for name in ("sharpe_arithmetic", "information_ratio", "beta", "skewness"):
        assert found[name] == Undefined(Reason.ZERO_VARIANCE), name


def test_a_running_population_is_told_as_the_whole() -> None:
    state = begin(POPULATION)
    for earned in RETURNS.tolist():
        state = step(state, earned)
    whole = suite(RETURNS, conventions=POPULATION).figures
    assert running_figures(state)["volatility"] == pytest.approx(whole["volatility"], rel=1e-12)
