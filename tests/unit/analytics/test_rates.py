"""Yearly rates brought to a period."""

from __future__ import annotations

import math

import pytest

from tidebook.analytics import Compounding, periodic_rate
from tidebook.errors import UnusableParameterError


def test_a_geometric_rate_compounds_to_the_year() -> None:
    assert periodic_rate(0.21, 2) == pytest.approx(0.1, abs=1e-15)
    assert (1 + periodic_rate(-0.05, 252)) ** 252 == pytest.approx(0.95, abs=1e-13)


def test_a_simple_rate_adds_up_to_the_year() -> None:
    assert periodic_rate(0.12, 12, Compounding.SIMPLE) == pytest.approx(0.01, abs=1e-16)


def test_a_continuous_rate_adds_up_to_the_logarithm_of_the_year() -> None:
    rate = periodic_rate(math.e**2 - 1, 4, Compounding.CONTINUOUS)
    assert rate == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize(("rate", "periods"), [(-1.0, 12), (0.1, 0), (0.1, -4), (math.inf, 12)])
def test_a_rate_without_meaning_is_refused(rate: float, periods: float) -> None:
    with pytest.raises(UnusableParameterError, match="has no meaning"):
        periodic_rate(rate, periods)
