"""Measures against a benchmark."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import Reason, Undefined, beta, information_ratio, tracking_error
from tidebook.errors import UnusableSeriesError

INDEX = np.array([0.01, -0.02, 0.015, 0.003, -0.007])


def test_twice_the_benchmark_has_a_beta_of_two() -> None:
    assert beta(2 * INDEX + 0.001, INDEX) == pytest.approx(2.0, abs=1e-14)


def test_the_beta_agrees_with_the_covariances_of_numpy() -> None:
    fund = np.array([0.02, -0.01, 0.01, 0.0, -0.02])
    (variance, covariance), _ = np.cov(INDEX, fund)
    assert beta(fund, INDEX) == pytest.approx(covariance / variance, abs=1e-14)


def test_a_benchmark_that_rests_has_no_beta() -> None:
    assert beta(INDEX, np.full(5, 0.001)) == Undefined(Reason.ZERO_VARIANCE)


def test_the_tracking_error_is_the_volatility_of_the_difference() -> None:
    # The fund is ahead by 1 % and behind by 1 %, in turns: √(4 / 3) %.
    fund = INDEX[:4] + np.array([0.01, -0.01, 0.01, -0.01])
    found = tracking_error(fund, INDEX[:4], 4)
    assert found == pytest.approx(2 * 0.01 * math.sqrt(4 / 3), abs=1e-15)


def test_the_information_ratio_is_yearly() -> None:
    # Ahead by 0 and by 2 %: mean 1 %, deviation √2 %; over four periods a year, 4 / (2 · √2).
    found = information_ratio(INDEX[:2] + np.array([0.0, 0.02]), INDEX[:2], 4)
    assert found == pytest.approx(math.sqrt(2), abs=1e-12)


def test_a_fund_that_is_its_benchmark_has_no_information_ratio() -> None:
    assert tracking_error(INDEX, INDEX, 252) == 0.0
    assert information_ratio(INDEX, INDEX, 252) == Undefined(Reason.ZERO_VARIANCE)


def test_one_pair_says_nothing() -> None:
    one = INDEX[:1]
    assert beta(one, one) == Undefined(Reason.TOO_FEW_RETURNS)
    assert information_ratio(one, one, 252) == Undefined(Reason.TOO_FEW_RETURNS)


def test_returns_without_a_partner_are_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        beta(INDEX, INDEX[1:])
    with pytest.raises(UnusableSeriesError):
        tracking_error(INDEX[:2], np.array([0.1, math.inf]), 252)
