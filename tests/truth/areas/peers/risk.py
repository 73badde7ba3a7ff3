"""Falls from a high, and the scatter of logarithmic returns over the whole period.

The first of the cumulative returns is that of the day at whose close the period starts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import (
    Conventions,
    Estimator,
    ReturnKind,
    Spell,
    Undefined,
    drawdown,
    falls,
    figure,
    longest_without_high,
    to_days,
)

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the falls of cumulative returns, or the deviations of period returns."""
    inputs, expected = case["inputs"], case["expected"]
    if "cumulative" in inputs:
        _check_falls(case)
        return
    assert_known(expected, {"volatility_period", "semi_deviation_period"})
    returns = np.array(inputs["returns"], np.float64)
    # A year of as many periods as there are returns is the whole period.
    # A single one is not a sample: it is all there is, and does not scatter.
    is_sample = len(returns) > 1
    estimator = Estimator.SAMPLE if is_sample else Estimator.POPULATION
    whole = Conventions(len(returns), kind=ReturnKind.LOG, estimator=estimator)
    figures = {
        "volatility_period": figure("volatility", returns, None, whole),
        "semi_deviation_period": figure("semi_deviation", returns, None, whole),
    }
    for name in expected:
        assert_close(figures[name], expected[name], case["tolerance"]["ratio"])


def _check_falls(case: Content) -> None:
    inputs, expected = case["inputs"], case["expected"]
    figures = {"max_drawdown", "max_drawdown_days", "longest_drawdown_days", "longest_recovery"}
    assert_known(expected, figures)
    start = date.fromisoformat(inputs["start"])
    wealth = 1.0 + np.array(inputs["cumulative"], np.float64)
    cumulative = wealth[1:] / wealth[0] - 1.0
    days = to_days([start + timedelta(days=day + 1) for day in range(len(cumulative))])
    found = drawdown(days, cumulative)
    if isinstance(found, Undefined):
        # No day follows the one on which the period starts, and nothing can have fallen.
        assert all(float(figure) == 0 for figure in expected.values())
        return
    deepest = found.deepest
    if "max_drawdown" in expected:
        assert_close(found.depth, expected["max_drawdown"], case["tolerance"]["ratio"])
    if "max_drawdown_days" in expected:
        fell = timedelta() if deepest is None else deepest.trough_on - (deepest.peak_on or start)
        assert fell.days == expected["max_drawdown_days"]
    if "longest_drawdown_days" in expected:
        spell = longest_without_high(days, cumulative, start)
        assert isinstance(spell, Spell)
        assert spell.days == expected["longest_drawdown_days"]
    if "longest_recovery" in expected:
        slowest = max(falls(found), key=lambda fall: fall.recovery_days or 0)
        recovery = [str(slowest.trough_on), str(slowest.recovered_on)]
        assert recovery == expected["longest_recovery"]
