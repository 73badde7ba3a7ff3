"""What returns come to, and a year of that."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidebook.analytics import Reason, Undefined, annual_return, cumulative_return
from tidebook.errors import UnusableParameterError, UnusableSeriesError


def test_returns_compound() -> None:
    assert cumulative_return(np.array([0.1, -0.5])) == pytest.approx(-0.45, abs=1e-15)
    assert annual_return(np.array([0.1, 0.1]), 2) == pytest.approx(0.21, abs=1e-14)
    assert annual_return(np.array([0.21, 0.0]), 1) == pytest.approx(0.1, abs=1e-14)


def test_one_return_is_no_year() -> None:
    one = np.array([0.01])
    assert cumulative_return(one) == pytest.approx(0.01, abs=1e-16)
    assert annual_return(one, 252) == Undefined(Reason.TOO_FEW_RETURNS)
    assert cumulative_return(np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)


def test_more_than_everything_has_no_yearly_rate() -> None:
    assert annual_return(np.array([0.1, -1.5]), 12) == Undefined(Reason.BELOW_TOTAL_LOSS)
    assert annual_return(np.array([0.1, -1.0]), 12) == -1.0


def test_figures_without_meaning_are_refused() -> None:
    with pytest.raises(UnusableSeriesError):
        cumulative_return(np.array([math.nan]))
    with pytest.raises(UnusableParameterError):
        annual_return(np.array([0.1, 0.1]), 0)
