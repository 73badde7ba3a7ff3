"""Either side of a target for itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    Reason,
    Undefined,
    d_ratio,
    downside_frequency,
    downside_potential,
    downside_risk,
    omega,
    omega_sharpe,
    upside_potential,
    upside_risk,
    variability_skewness,
)
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.analytics import Figure

# Around a target of 1 %: +3, -1, 0, -3 percent.
RETURNS = np.array([0.04, 0.0, 0.01, -0.02])
ALL = (
    upside_potential,
    downside_potential,
    upside_risk,
    downside_risk,
    downside_frequency,
    omega,
    omega_sharpe,
    variability_skewness,
    d_ratio,
)


def test_both_sides_by_hand() -> None:
    assert upside_potential(RETURNS, 0.01) == pytest.approx(0.03 / 4, abs=1e-16)
    assert downside_potential(RETURNS, 0.01) == pytest.approx(0.04 / 4, abs=1e-16)
    assert upside_risk(RETURNS, 0.01) == pytest.approx(math.sqrt(0.0009 / 4), abs=1e-16)
    assert downside_risk(RETURNS, 0.01) == pytest.approx(math.sqrt(0.0010 / 4), abs=1e-16)
    assert downside_frequency(RETURNS, 0.01) == 0.5


def test_the_ratios_of_both_sides_by_hand() -> None:
    assert omega(RETURNS, 0.01) == pytest.approx(0.75, abs=1e-14)
    assert omega_sharpe(RETURNS, 0.01) == pytest.approx(-0.25, abs=1e-14)
    assert variability_skewness(RETURNS, 0.01) == pytest.approx(math.sqrt(0.9), abs=1e-14)
    # One loss of 2 %, two gains of 5 % together.
    assert d_ratio(RETURNS) == pytest.approx(0.02 / 0.10, abs=1e-15)


def test_where_nothing_fell_short_there_is_no_ratio() -> None:
    for measure in (omega, omega_sharpe, variability_skewness):
        assert measure(np.array([0.01, 0.02])) == Undefined(Reason.NO_DOWNSIDE)
    assert d_ratio(np.array([0.01, 0.02])) == 0.0
    assert d_ratio(np.array([-0.01, 0.0])) == Undefined(Reason.TOO_FEW_RETURNS)


@pytest.mark.parametrize("measure", ALL)
def test_no_returns_have_no_sides(measure: Callable[..., Figure]) -> None:
    assert measure(np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)
    with pytest.raises(UnusableSeriesError):
        measure(np.array([0.01, math.inf]))
