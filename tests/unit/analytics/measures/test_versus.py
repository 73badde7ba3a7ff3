"""Measures against a benchmark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import Conventions, Reason, Undefined, figure
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tidebook.analytics import Figure

    Returns = NDArray[np.float64]


def of(name: str) -> Callable[..., Figure]:
    """Return the measure as a function of returns, benchmark, periods a year and the free rate."""

    def told(
        returns: Returns, benchmark: Returns, per_year: float = 1, *, risk_free_annual: float = 0.0
    ) -> Figure:
        return figure(name, returns, benchmark, Conventions(per_year, risk_free_annual))

    return told


alpha, beta, correlation, m_squared = map(of, ("alpha_annual", "beta", "correlation", "m_squared"))
tracking_error, information_ratio = map(of, ("tracking_error", "information_ratio"))
up_capture, down_capture = map(of, ("up_capture", "down_capture"))

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


def test_what_the_benchmark_does_not_explain_is_alpha() -> None:
    assert alpha(2 * INDEX + 0.001, INDEX) == pytest.approx(0.001, abs=1e-16)
    # The risk-free rate counts once against the fund and twice against its beta.
    found = alpha(2 * INDEX + 0.001, INDEX, risk_free_annual=0.002)
    assert found == pytest.approx(0.001 - 0.002 + 2 * 0.002, abs=1e-16)


def test_the_correlation_agrees_with_numpy() -> None:
    fund = np.array([0.02, -0.01, 0.01, 0.0, -0.02])
    assert correlation(fund, INDEX) == pytest.approx(np.corrcoef(fund, INDEX)[0, 1], abs=1e-14)
    assert correlation(-INDEX, INDEX) == pytest.approx(-1, abs=1e-14)
    assert correlation(np.full(5, 0.01), INDEX) == Undefined(Reason.ZERO_VARIANCE)


def test_m_squared_brings_the_return_to_the_risk_of_the_benchmark() -> None:
    fund = np.array([0.3, 0.1])
    # 43 % over two yearly halves of twice the benchmark's spread, less and plus 3 %.
    found = m_squared(fund, np.array([0.2, 0.1]), 2, risk_free_annual=0.03)
    assert found == pytest.approx(0.03 + (1.43 - 1 - 0.03) / 2, abs=1e-13)
    assert m_squared(np.full(2, 0.1), fund, 2) == Undefined(Reason.ZERO_VARIANCE)


def test_capture_is_told_for_rising_and_falling_markets() -> None:
    index = np.array([0.1, -0.1, 0.1, -0.1])
    fund = np.array([0.2, -0.05, 0.2, -0.05])
    assert up_capture(fund, index) == pytest.approx(2, abs=1e-13)
    assert down_capture(fund, index) == pytest.approx(0.5, abs=1e-13)
    assert down_capture(fund[:1], index[:1]) == Undefined(Reason.TOO_FEW_RETURNS)
    ruin = np.array([-1.5])
    assert down_capture(ruin, index[1:2]) == Undefined(Reason.BELOW_TOTAL_LOSS)
    assert up_capture(ruin, index[1:2]) == Undefined(Reason.TOO_FEW_RETURNS)


def test_without_spread_or_pairs_nothing_is_told_against_the_benchmark() -> None:
    rest = np.full(5, 0.001)
    assert alpha(INDEX, rest) == Undefined(Reason.ZERO_VARIANCE)
    assert correlation(INDEX, rest) == Undefined(Reason.ZERO_VARIANCE)
    one = INDEX[:1]
    for found in (alpha(one, one), correlation(one, one), m_squared(one, one, 1)):
        assert found == Undefined(Reason.TOO_FEW_RETURNS)


def test_a_measure_beside_a_benchmark_says_when_there_is_none() -> None:
    assert figure("beta", INDEX) == Undefined(Reason.NO_BENCHMARK)
