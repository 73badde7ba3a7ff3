"""The shape of returns, against the published figures of one series."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import Reason, Undefined, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.analytics import Figure

skewness, excess_kurtosis, sample_skewness, sample_excess_kurtosis, mean_absolute_deviation = (
    partial(figure, name)
    for name in (
        "skewness",
        "excess_kurtosis",
        "sample_skewness",
        "sample_excess_kurtosis",
        "mean_absolute_deviation",
    )
)

# The 24 months of C. Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed.
# (2008), as shipped with PerformanceAnalytics; skewness -0.09, kurtosis 2.43, excess -0.57,
# sample excess -0.41, mean absolute deviation 3.1 %.
FIRST_YEAR = (0.3, 2.6, 1.1, -1.0, 1.5, 2.5, 1.6, 6.7, -1.4, 4.0, -0.5, 8.1)
SECOND_YEAR = (4.0, -3.7, -6.1, 1.7, -4.9, -2.2, 7.0, 5.8, -6.5, 2.4, -0.5, -0.9)
BACON = np.array([*FIRST_YEAR, *SECOND_YEAR]) / 100


def test_the_published_shape_of_twenty_four_months() -> None:
    assert skewness(BACON) == pytest.approx(-0.0825624552, abs=1e-10)
    assert sample_skewness(BACON) == pytest.approx(-0.09, abs=5e-3)
    assert excess_kurtosis(BACON) == pytest.approx(-0.57, abs=5e-3)
    assert sample_excess_kurtosis(BACON) == pytest.approx(-0.41, abs=5e-3)
    assert mean_absolute_deviation(BACON) == pytest.approx(0.031, abs=1e-4)


def test_a_long_way_down_is_a_negative_skew() -> None:
    # Around 0: -3, 1, 1, 1; squares mean 3, cubes -6, fourth powers 21.
    returns = np.array([-0.03, 0.01, 0.01, 0.01])
    assert skewness(returns) == pytest.approx(-6 / 3**1.5, abs=1e-13)
    assert excess_kurtosis(returns) == pytest.approx(21 / 9 - 3, abs=1e-13)
    # √(4 · 3) / 2 of the one; ((4 + 1) · (-2/3) + 6) · 3 / (2 · 1) of the other.
    assert sample_skewness(returns) == pytest.approx(-6 / 3**1.5 * 3**0.5, abs=1e-13)
    assert sample_excess_kurtosis(returns) == pytest.approx(4.0, abs=1e-12)


@pytest.mark.parametrize(
    ("measure", "needs"),
    [(skewness, 2), (excess_kurtosis, 2), (sample_skewness, 3), (sample_excess_kurtosis, 4)],
)
def test_a_shape_needs_returns_that_vary(measure: Callable[..., Figure], needs: int) -> None:
    assert measure(np.full(9, 0.01)) == Undefined(Reason.ZERO_VARIANCE)
    assert measure(np.arange(needs - 1) / 100) == Undefined(Reason.TOO_FEW_RETURNS)
    assert isinstance(measure(np.arange(needs) / 100), float)


def test_no_returns_have_no_mean_deviation() -> None:
    assert mean_absolute_deviation(np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)
    assert mean_absolute_deviation(np.array([0.04])) == 0.0
