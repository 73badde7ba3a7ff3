"""A running series of returns."""

from __future__ import annotations

import numpy as np
import pytest

from tidebook.analytics import (
    Conventions,
    Reason,
    ReturnKind,
    Undefined,
    begin,
    running_figures,
    step,
    suite,
)
from tidebook.errors import UnusableSeriesError


def test_three_returns_in_the_head() -> None:
    state = begin(Conventions(12))
    for earned in (0.1, -0.2, 0.1):
        state = step(state, earned)
    found = running_figures(state)
    told = {
        "cumulative_return": 1.1 * 0.8 * 1.1 - 1,
        "mean_return": 0.0,
        "volatility": np.sqrt(0.03 * 12),
        "max_drawdown": 0.2,
        "drawdown_now": 0.12,
        "pain_index": 0.32 / 3,
        "longest_underwater": 2.0,
        "win_rate": 2 / 3,
        "skewness": -1 / np.sqrt(2),
        "omega": 1.0,
    }
    assert {name: found[name] for name in told} == pytest.approx(told)


def test_ten_years_run_as_they_are_told_at_once() -> None:
    returns = np.random.default_rng(3).standard_normal(2520) * 0.01 + 0.0003
    state = begin(Conventions())
    for earned in returns.tolist():
        state = step(state, earned)
    running, whole = running_figures(state), suite(returns).figures
    told = {name: one for name, one in running.items() if isinstance(one, float)}
    assert len(told) > 30
    assert told == pytest.approx({name: whole[name] for name in told}, rel=1e-10, abs=0.0)


def test_what_needs_every_return_is_not_told() -> None:
    found = running_figures(step(begin(Conventions()), 0.01))
    for name in ("var_historical", "expected_shortfall", "semi_deviation", "starr"):
        assert found[name] == Undefined(Reason.NOT_KEPT), name


def test_before_the_first_return_there_is_nothing_to_tell() -> None:
    assert running_figures(begin(Conventions())) == {}


def test_returns_that_never_vary_have_no_ratio() -> None:
    state = begin(Conventions())
    for _ in range(500):
        state = step(state, 0.0001)
    found = running_figures(state)
    assert found["volatility"] == 0.0
    assert found["sharpe_arithmetic"] == Undefined(Reason.ZERO_VARIANCE)


def test_a_running_series_refuses_what_it_cannot_carry() -> None:
    with pytest.raises(UnusableSeriesError, match="finite"):
        step(begin(Conventions()), float("inf"))
    with pytest.raises(UnusableSeriesError, match="logarithms"):
        begin(Conventions(kind=ReturnKind.LOG))
