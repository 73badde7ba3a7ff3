"""Depths below the high, and returns over them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import (
    Reason,
    Undefined,
    pain_index,
    return_over_depth,
    ulcer_index,
    underwater_of,
    underwater_uncompounded,
)
from tidebook.errors import UnusableSeriesError


def test_compounded_and_added_losses_differ() -> None:
    returns = np.array([-0.1, -0.1, 0.05])
    assert underwater_of(returns) == pytest.approx([-0.1, -0.19, -0.1495], abs=1e-15)
    assert underwater_uncompounded(returns) == pytest.approx([-0.1, -0.2, -0.15], abs=1e-15)


def test_the_indices_by_hand() -> None:
    under = np.array([0.0, -0.3, -0.4, 0.0])
    assert pain_index(under) == pytest.approx(0.175, abs=1e-15)
    assert ulcer_index(under) == pytest.approx(0.25, abs=1e-15)


def test_a_return_is_told_over_a_depth() -> None:
    assert return_over_depth(0.1, 0.25) == pytest.approx(0.4, abs=1e-15)
    assert return_over_depth(0.1, 0.0) == Undefined(Reason.NO_DOWNSIDE)
    missing = Undefined(Reason.TOO_FEW_RETURNS)
    assert return_over_depth(missing, 0.25) == return_over_depth(0.1, missing) == missing


def test_no_days_have_no_depth() -> None:
    assert pain_index(np.zeros(0)) == ulcer_index(np.zeros(0))
    assert pain_index(np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)
    with pytest.raises(UnusableSeriesError):
        underwater_of(np.array([math.nan]))
