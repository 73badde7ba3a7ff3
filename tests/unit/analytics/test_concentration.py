"""How much rests on how few."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import Concentration, Reason, Undefined, concentration, weights_of
from tidebook.errors import UnusableParameterError, UnusableSeriesError


def test_equal_positions_count_as_many_as_they_are() -> None:
    found = concentration(np.full(4, 0.25), top=3)
    assert found == Concentration(0.25, 0.75, 0.25)
    assert isinstance(found, Concentration)
    assert found.effective_count == 4.0


def test_a_single_position_is_everything() -> None:
    assert concentration(np.array([1.0])) == Concentration(1.0, 1.0, 1.0)


def test_a_short_position_concentrates_by_its_size() -> None:
    found = concentration(np.array([0.75, -0.5, 0.75]), top=2)
    assert found == Concentration(0.75, 1.5, 0.5625 + 0.25 + 0.5625)


def test_weights_are_shares_of_the_sum() -> None:
    found = weights_of(np.array([30.0, -10.0, 20.0]))
    assert not isinstance(found, Undefined)
    assert found.tolist() == [0.75, -0.25, 0.5]


@pytest.mark.parametrize("values", [[], [0.0], [10.0, -10.0], [10.0, -20.0]])
def test_nothing_has_no_shares(values: list[float]) -> None:
    assert weights_of(np.array(values, np.float64)) == Undefined(Reason.NO_VALUE)


@pytest.mark.parametrize("weights", [[], [0.0, 0.0]])
def test_no_weight_is_not_concentrated(weights: list[float]) -> None:
    assert concentration(np.array(weights, np.float64)) == Undefined(Reason.NO_VALUE)


def test_figures_without_meaning_are_refused() -> None:
    with pytest.raises(UnusableSeriesError):
        concentration(np.array([math.nan]))
    with pytest.raises(UnusableSeriesError):
        weights_of(np.array([math.inf]))
    with pytest.raises(UnusableParameterError, match="top"):
        concentration(np.array([1.0]), top=0)
