"""Spread, and what was earned for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import Conventions, Reason, Undefined, figure
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tidebook.analytics import Figure


def of(name: str) -> Callable[..., Figure]:
    """Return the measure as a function of returns, periods a year and yearly rates."""

    def told(
        returns: NDArray[np.float64],
        per_year: float,
        *,
        risk_free_annual: float = 0.0,
        target_annual: float = 0.0,
    ) -> Figure:
        return figure(name, returns, None, Conventions(per_year, risk_free_annual, target_annual))

    return told


volatility, semi_deviation, downside_deviation, sharpe, sortino = map(
    of,
    ("volatility", "semi_deviation", "downside_deviation", "sharpe_arithmetic", "sortino"),
)

# Rollinger and Hoffman, "Sortino: A 'Sharper' Ratio": yearly returns, target 0, ratio 4.417,
# downside deviation 2.264 %.
RED_ROCK = np.array([0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04])


def test_the_standard_deviation_divides_by_one_less_than_the_count() -> None:
    # Deviations -2 and +2 around 1: (4 + 4 + 4 + 4) / 3.
    found = volatility(np.array([-0.01, 0.03, -0.01, 0.03]), 1)
    assert found == pytest.approx(0.02 * math.sqrt(4 / 3), abs=1e-16)


def test_the_volatility_grows_with_the_root_of_the_year() -> None:
    returns = np.array([0.01, -0.02, 0.005, 0.03])
    assert volatility(returns, 4) == pytest.approx(2 * np.std(returns, ddof=1), abs=1e-15)


def test_equal_returns_have_a_volatility_of_exactly_zero_and_no_ratio() -> None:
    same = np.full(20, 0.001)
    assert volatility(same, 252) == 0.0
    assert semi_deviation(same, 252) == 0.0
    assert sharpe(same, 252) == Undefined(Reason.ZERO_VARIANCE)


@pytest.mark.parametrize(
    "measure", [volatility, semi_deviation, downside_deviation, sharpe, sortino]
)
@pytest.mark.parametrize("returns", [[], [0.05]])
def test_fewer_than_two_returns_have_no_spread(
    measure: Callable[..., Figure], returns: list[float]
) -> None:
    assert measure(np.array(returns, np.float64), 252) == Undefined(Reason.TOO_FEW_RETURNS)


@pytest.mark.parametrize(
    "measure", [volatility, semi_deviation, downside_deviation, sharpe, sortino]
)
def test_a_return_that_is_no_number_is_refused(measure: Callable[..., Figure]) -> None:
    with pytest.raises(UnusableSeriesError):
        measure(np.array([0.01, math.nan, 0.02]), 252)


@pytest.mark.parametrize(
    "measure", [volatility, semi_deviation, downside_deviation, sharpe, sortino]
)
def test_a_year_without_periods_is_refused(measure: Callable[..., Figure]) -> None:
    with pytest.raises(UnusableParameterError):
        measure(np.array([0.01, 0.02]), 0)


def test_the_sharpe_ratio_takes_the_risk_free_rate_off_per_period() -> None:
    # Half-yearly 21 % a year is 10 %: excess 0 and 20 %, mean 10 %, deviation 20 % / √2.
    found = sharpe(np.array([0.1, 0.3]), 2, risk_free_annual=0.21)
    assert found == pytest.approx(0.1 / (0.2 / math.sqrt(2)) * math.sqrt(2), abs=1e-13)


def test_a_negative_risk_free_rate_raises_the_sharpe_ratio() -> None:
    returns = np.array([0.01, 0.03])
    free, charged = sharpe(returns, 1, risk_free_annual=-0.01), sharpe(returns, 1)
    assert free == pytest.approx(0.03 / (0.02 / math.sqrt(2)), abs=1e-13)
    assert charged == pytest.approx(0.02 / (0.02 / math.sqrt(2)), abs=1e-13)


def test_the_sortino_ratio_of_the_paper() -> None:
    assert downside_deviation(RED_ROCK, 1) == pytest.approx(0.02264, abs=5e-6)
    assert sortino(RED_ROCK, 1) == pytest.approx(4.417, abs=5e-4)


def test_returns_that_reach_the_target_have_no_sortino_ratio() -> None:
    assert sortino(np.array([0.0, 0.1]), 12) == Undefined(Reason.NO_DOWNSIDE)
    steady = np.full(12, 1.02 ** (1 / 12) - 1)
    assert sortino(steady, 12, target_annual=0.02) == Undefined(Reason.NO_DOWNSIDE)


def test_a_steady_loss_is_all_downside() -> None:
    assert downside_deviation(np.full(3, -0.02), 1) == pytest.approx(0.02, abs=1e-16)


def test_the_semi_deviation_counts_one_side_of_the_mean() -> None:
    # Around a mean of 0: 0.01² and 0.03² below, over 3.
    found = semi_deviation(np.array([-0.01, -0.03, 0.02, 0.02]), 1)
    assert found == pytest.approx(math.sqrt((0.0001 + 0.0009) / 3), abs=1e-16)


def test_both_semi_deviations_together_are_the_volatility() -> None:
    returns = np.array([0.012, -0.008, 0.021, 0.004, -0.015, 0.018])
    below, above = semi_deviation(returns, 12), semi_deviation(-returns, 12)
    whole = volatility(returns, 12)
    assert not isinstance(below, Undefined)
    assert not isinstance(above, Undefined)
    assert not isinstance(whole, Undefined)
    assert below**2 + above**2 == pytest.approx(whole**2, abs=1e-15)
