"""Losses in the tail of returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    Conventions,
    Reason,
    TailMethod,
    Undefined,
    cornish_fisher,
    figure,
    mean_loss_beyond,
    over_horizon,
)
from tidebook.engine.measuring.risk import VAR_MEASURES
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tidebook.analytics import Figure

    Returns = NDArray[np.float64]


def value_at_risk(returns: Returns, confidence: float, method: TailMethod) -> Figure:
    return figure(VAR_MEASURES[method], returns, None, Conventions(confidence=confidence))


def expected_shortfall(returns: Returns, confidence: float) -> Figure:
    return figure("expected_shortfall", returns, None, Conventions(confidence=confidence))


def gaussian_shortfall(returns: Returns, confidence: float) -> Figure:
    return figure("expected_shortfall_gaussian", returns, None, Conventions(confidence=confidence))


HUNDREDTHS = np.array([-0.04, -0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.04, 0.05])
# Two returns of mean 0 and standard deviation 1.
UNIT = np.array([-1.0, 1.0]) / math.sqrt(2)


@pytest.mark.parametrize(
    ("confidence", "quantile", "shortfall"),
    [
        (0.90, 1.2815515655, 1.7549833193),
        (0.95, 1.6448536270, 2.0627128075),
        (0.99, 2.3263478740, 2.6652142203),
    ],
)
def test_the_published_quantiles_of_the_normal_distribution(
    confidence: float, quantile: float, shortfall: float
) -> None:
    found = value_at_risk(UNIT, confidence, TailMethod.GAUSSIAN)
    assert found == pytest.approx(quantile, abs=1e-10)
    assert gaussian_shortfall(UNIT, confidence) == pytest.approx(shortfall, abs=1e-10)


def test_the_historical_quantile_lies_between_two_returns() -> None:
    # A fifth of the way through nine steps is 1.8 steps: -0.04 + 1.8 · 0.01.
    found = value_at_risk(HUNDREDTHS, 0.8, TailMethod.HISTORICAL)
    assert found == pytest.approx(0.022, abs=1e-15)


def test_the_lower_quantile_is_one_of_the_returns() -> None:
    # Nine of ten returns lose 0.03 or less, eight 0.02 or less.
    for confidence, loss in ((0.95, 0.04), (0.9, 0.03), (0.85, 0.03), (0.8, 0.02), (0.05, -0.05)):
        assert value_at_risk(HUNDREDTHS, confidence, TailMethod.LOWER_QUANTILE) == loss


def test_a_value_at_risk_may_be_a_gain() -> None:
    assert value_at_risk(np.array([0.02, 0.03]), 0.95, TailMethod.LOWER_QUANTILE) == -0.02


def test_symmetric_returns_without_fat_tails_bend_nothing() -> None:
    assert cornish_fisher(-1.64, 0.0, 0.0) == -1.64


def test_the_expansion_by_hand() -> None:
    # z = -2, S = -0.6, K = 1.2: -2 + 3(-0.1) + (-2)(0.05) - (-6)(0.01).
    assert cornish_fisher(-2.0, -0.6, 1.2) == pytest.approx(-2.34, abs=1e-15)


def test_a_bent_quantile_that_falls_is_no_quantile() -> None:
    # At z = -2 a skew of 3 has the slope 1 - 2 - 19 · 0.25 + 0.375 K, above 0 from K = 46/3 on.
    assert cornish_fisher(-2.0, 3.0, 15.0) == Undefined(Reason.NOT_MONOTONE)
    assert isinstance(cornish_fisher(-2.0, 3.0, 16.0), float)


def test_the_bent_value_at_risk_by_hand() -> None:
    # Mean 0, squares (9 + 1 + 1 + 1) / 4 = 3, cubes (-27 + 3) / 4 = -6, fourth 84 / 4 = 21.
    returns = np.array([-0.03, 0.01, 0.01, 0.01])
    skew, kurtosis = -6 / 3**1.5, 21 / 9 - 3
    z = -1.2815515655446004
    bent = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurtosis / 24
    bent -= (2 * z**3 - 5 * z) * skew**2 / 36
    found = value_at_risk(returns, 0.9, TailMethod.CORNISH_FISHER)
    assert found == pytest.approx(-bent * 0.02, abs=1e-15)


def test_the_shortfall_counts_the_last_loss_in_part() -> None:
    # A quarter of ten is two and a half returns: (4 + 3 + 2 / 2) / 2.5 hundredths.
    assert expected_shortfall(HUNDREDTHS, 0.75) == pytest.approx(0.032, abs=1e-15)
    assert expected_shortfall(HUNDREDTHS, 0.8) == pytest.approx(0.035, abs=1e-15)


def test_the_shortfall_of_one_return_is_its_loss() -> None:
    assert expected_shortfall(np.array([-0.03]), 0.95) == pytest.approx(0.03, abs=1e-16)


def test_the_mean_loss_beyond_is_that_of_strictly_worse_returns() -> None:
    assert mean_loss_beyond(HUNDREDTHS, 0.02) == pytest.approx(0.035, abs=1e-15)
    assert mean_loss_beyond(HUNDREDTHS, 0.04) == 0.04


@pytest.mark.parametrize("method", TailMethod)
def test_no_returns_have_no_tail(method: TailMethod) -> None:
    none = np.zeros(0)
    assert value_at_risk(none, 0.95, method) == Undefined(Reason.TOO_FEW_RETURNS)
    assert expected_shortfall(none, 0.95) == Undefined(Reason.TOO_FEW_RETURNS)
    assert mean_loss_beyond(none, 0.02) == Undefined(Reason.TOO_FEW_RETURNS)
    assert gaussian_shortfall(none, 0.95) == Undefined(Reason.TOO_FEW_RETURNS)


def test_one_return_has_no_spread_to_draw_a_tail_from() -> None:
    one = np.array([-0.03])
    for method in (TailMethod.GAUSSIAN, TailMethod.CORNISH_FISHER):
        assert value_at_risk(one, 0.95, method) == Undefined(Reason.TOO_FEW_RETURNS)


def test_returns_that_do_not_vary_have_no_shape() -> None:
    same = np.full(10, 0.001)
    found = value_at_risk(same, 0.95, TailMethod.CORNISH_FISHER)
    assert found == Undefined(Reason.ZERO_VARIANCE)
    assert value_at_risk(same, 0.95, TailMethod.GAUSSIAN) == pytest.approx(-0.001, abs=1e-16)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, 95.0, math.nan])
def test_a_confidence_outside_0_and_1_is_refused(confidence: float) -> None:
    with pytest.raises(UnusableParameterError, match="confidence"):
        value_at_risk(HUNDREDTHS, confidence, TailMethod.HISTORICAL)
    with pytest.raises(UnusableParameterError, match="confidence"):
        expected_shortfall(HUNDREDTHS, confidence)


def test_a_return_that_is_no_number_is_refused() -> None:
    with pytest.raises(UnusableSeriesError):
        value_at_risk(np.array([0.1, math.nan]), 0.95, TailMethod.HISTORICAL)


def test_a_horizon_grows_a_loss_by_the_root_of_its_days() -> None:
    assert over_horizon(0.02, 9) == pytest.approx(0.06, abs=1e-16)
    for days in (0, -1, math.inf):
        with pytest.raises(UnusableParameterError, match="horizon_days"):
            over_horizon(0.02, days)
