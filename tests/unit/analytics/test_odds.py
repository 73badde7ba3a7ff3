"""Wins and losses, and what to stake."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    Reason,
    Undefined,
    figure,
    kelly_fraction_fixed_odds,
    kelly_leverage_growth_optimal,
    profit_factor,
    win_rate,
    win_rate_of_all,
)
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics import Figure


def _staked(results: list[float]) -> Figure:
    return figure("kelly_fraction_fixed_odds", np.array(results))


def test_a_result_of_nothing_is_neither_won_nor_lost() -> None:
    results = np.array([10.0, -4.0, 0.0, 6.0])
    assert win_rate(results) == pytest.approx(2 / 3, abs=1e-15)
    assert win_rate_of_all(results) == 0.5
    assert profit_factor(results) == 4.0


def test_nothing_won_or_lost_has_no_rate() -> None:
    assert win_rate(np.zeros(3)) == Undefined(Reason.TOO_FEW_RETURNS)
    assert win_rate_of_all(np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)
    assert profit_factor(np.array([1.0, 0.0])) == Undefined(Reason.NO_DOWNSIDE)
    assert profit_factor(np.array([-1.0])) == 0.0


def test_the_stake_at_fixed_odds() -> None:
    # Two to one at even chances: a half less a quarter.
    assert kelly_fraction_fixed_odds(0.5, 2.0, 1.0) == 0.25
    assert kelly_fraction_fixed_odds(0.25, 1.0, 1.0) == -0.5


def test_the_stake_that_results_speak_for() -> None:
    # Two of three won, 4 on average, and 2 lost: 2/3 - 1/3 · 2/4.
    assert _staked([3.0, 5.0, -2.0]) == pytest.approx(0.5, abs=1e-15)
    assert _staked([3.0]) == Undefined(Reason.NO_ODDS)
    assert _staked([-3.0]) == Undefined(Reason.NO_ODDS)
    assert _staked([0.0, 0.0]) == Undefined(Reason.NO_ODDS)


def test_the_leverage_that_grows_fastest() -> None:
    # It is the maximum of p · ln(1 + f · win) + (1 - p) · ln(1 - f · loss).
    best = kelly_leverage_growth_optimal(0.6, 0.02, 0.01)

    def growth(leverage: float) -> float:
        return 0.6 * math.log1p(leverage * 0.02) + 0.4 * math.log1p(-leverage * 0.01)

    assert growth(best) > max(growth(best - 0.01), growth(best + 0.01))


@pytest.mark.parametrize("bet", [(1.2, 1, 1), (-0.1, 1, 1), (0.5, 0, 1), (0.5, 1, -1)])
def test_a_bet_that_is_none_is_refused(bet: tuple[float, float, float]) -> None:
    with pytest.raises(UnusableParameterError):
        kelly_fraction_fixed_odds(*bet)
    with pytest.raises(UnusableParameterError):
        kelly_leverage_growth_optimal(*bet)


def test_a_result_that_is_no_number_is_refused() -> None:
    for measure in (win_rate, win_rate_of_all, profit_factor):
        with pytest.raises(UnusableSeriesError):
            measure(np.array([math.nan]))
