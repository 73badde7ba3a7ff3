"""The search for every root, apart from what the rates built on it show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics.rate_roots import Flows, _distinct, all_roots


def test_a_root_found_by_two_searches_is_one_root() -> None:
    assert _distinct([1.0, 1.0 + 1e-12, 2.0]) == (1.0, 2.0)


@pytest.mark.parametrize("growth", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_any_growth_that_a_float_can_hold_is_found(growth: float) -> None:
    (root,) = all_roots(Flows(np.array([0.0, 1.0]), np.array([-1.0, growth])))
    assert root == pytest.approx(math.log(growth), abs=1e-11)


def test_a_flow_in_the_first_instants_of_a_long_period_is_found() -> None:
    # -1 doubles after a millionth of the period, and the last flow is too small to matter.
    times, amounts = np.array([0.0, 1e-6, 1.0]), np.array([-1.0, 2.0, 1e-12])
    (root,) = all_roots(Flows(times, amounts))
    assert root * 1e-6 == pytest.approx(math.log(2), rel=1e-12)
