"""Risk measures of returns per period; a missing return is left out, a known error is not made.

A figure that a case marks as wrong, or as another library's, must not be what the product says.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import assert_relative, compare, observed
from tidebook.analytics import (
    Conventions,
    Drawdown,
    annual_return,
    cumulative_return,
    d_ratio,
    downside_frequency,
    downside_potential,
    downside_risk,
    drawdown,
    falls,
    figure,
    kelly_fraction_of,
    omega,
    omega_sharpe,
    pain_index,
    periodic_rate,
    profit_factor,
    return_over_depth,
    to_days,
    ulcer_index,
    underwater_of,
    underwater_uncompounded,
    upside_potential,
    upside_risk,
    variability_skewness,
    win_rate,
)
from tidebook.analytics.figures import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure

    Returns = NDArray[np.float64]

REFUTED = {
    "wrong_std_of_losses": "sortino",
    "wrong_without_base": "max_drawdown",
    "empyrical_counts_nan_n9": "observed_only_n8",
}
FIRST = date(2021, 1, 1)


def check(case: Content) -> None:
    """Compare the measures that the case's function names."""
    inputs = case["inputs"]
    if case["function"] == "drawdown_episodes":
        _check_episodes(case)
        return
    found = FIGURES[case["function"]](observed(inputs), inputs)
    expected = dict(case["expected"])
    for name in REFUTED.keys() & expected.keys():
        figure = found[REFUTED[name]]
        assert abs(figure - expected.pop(name)) > 0.01
    if "all" in expected:
        assert expected.pop("all") is None
        n = expected.pop("n", 0)
        assert found.pop("n") == n
        assert all(isinstance(figure, Undefined) for figure in found.values())
        return
    compare(found, {**case, "expected": expected})


def _measure(
    name: str,
    returns: Returns,
    per_year: float = 252,
    *,
    risk_free_annual: float = 0.0,
    target_annual: float = 0.0,
) -> Figure:
    return figure(name, returns, None, Conventions(per_year, risk_free_annual, target_annual))


def _population(returns: Returns, per_year: float = 1) -> Figure:
    """Return the deviation over n, which the product does not tell, from the one over n - 1."""
    n = returns.size
    sample = _measure("volatility", returns, per_year)
    return sample if isinstance(sample, Undefined) else sample * math.sqrt((n - 1) / n)


def _returns(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cumulative": cumulative_return(returns),
        "annualised": annual_return(returns, inputs["periods_per_year"]),
        "mean": float(returns.mean()),
    }


def _volatility(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    per_year = inputs.get("periods_per_year", 1)
    return {
        "sample_ddof1": _measure("volatility", returns, 1),
        "population_ddof0": _population(returns),
        "annual_ddof1": _measure("volatility", returns, per_year),
        "annual_ddof0": _population(returns, per_year),
        "weekly_52": _measure("volatility", returns, 52),
        "monthly_12": _measure("volatility", returns, 12),
    }


def _moments(returns: Returns, _: dict[str, Any]) -> dict[str, Any]:
    excess = figure("excess_kurtosis", returns)
    return {
        "skew_population": figure("skewness", returns),
        "excess_population": excess,
        "kurt_population": _of(excess, 1.0, lambda a, _: a + 3.0),
        "skew_sample": figure("sample_skewness", returns),
        "excess_sample_G2": figure("sample_excess_kurtosis", returns),
    }


def _downside(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    target = inputs["mar"]
    return {
        "downside_deviation": downside_risk(returns, target),
        "downside_potential": downside_potential(returns, target),
        "downside_frequency": downside_frequency(returns, target),
        "upside_risk": upside_risk(returns, target),
        "upside_potential": upside_potential(returns, target),
    }


def _sortino(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    target, per_year = inputs["mar"], inputs.get("periods_per_year", 252)
    of_year = (1.0 + target) ** per_year - 1.0
    ratio = _measure("sortino", returns, per_year, target_annual=of_year)
    return {
        "per_period": _measure("sortino", returns, 1, target_annual=target),
        "annualised": ratio,
        "sortino": ratio,
        "downside_deviation": _measure("downside_deviation", returns, 1, target_annual=target),
        "downside_annual": _measure("downside_deviation", returns, per_year, target_annual=of_year),
        "weekly_52": _measure("sortino", returns, 52),
        "monthly_12": _measure("sortino", returns, 12),
    }


def _omega(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    target = inputs.get("threshold", 0.0)
    if "required_return_annual" in inputs:
        target = periodic_rate(inputs["required_return_annual"], inputs["periods"])
    volatile = variability_skewness(returns, inputs.get("mar", target))
    return {
        "omega": omega(returns, target),
        "omega_sharpe": omega_sharpe(returns, target),
        "d_ratio": d_ratio(returns),
        "variability_skewness": volatile,
        "volatility_skewness": _of(volatile, volatile, lambda a, b: a * b),
    }


def _drawdown(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    earned = annual_return(returns, inputs.get("periods_per_year", 252))
    under, plain = underwater_of(returns), underwater_uncompounded(returns)
    deepest = _depth(returns)
    return {
        "max_drawdown": deepest,
        "max_drawdown_uncompounded": -float(plain.min(initial=0.0)),
        "pain_index": pain_index(under),
        "ulcer_index": ulcer_index(under),
        "calmar": return_over_depth(earned, deepest),
        "pain_ratio": return_over_depth(earned, pain_index(under)),
        "martin_ratio": return_over_depth(earned, ulcer_index(under)),
        "pain_ratio_uncompounded": return_over_depth(earned, pain_index(plain)),
    }


def _sharpe(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    per_year = inputs["periods_per_year"]
    free = inputs.get("rf_annual", 0.0)
    ratio = _measure("sharpe_arithmetic", returns, per_year, risk_free_annual=free)
    earned = annual_return(returns, per_year)
    sample = _measure("volatility", returns, per_year)
    whole = _population(returns, per_year)
    yearly = float(returns.mean()) * per_year
    return {
        "n": float(returns.size),
        "sharpe": ratio,
        "arith_ddof1": ratio,
        "arith_ddof0": _of(yearly, whole, lambda a, b: a / b),
        "geometric_ddof1": _of(earned, sample, lambda a, b: a / b),
        "geometric_ddof0": _of(earned, whole, lambda a, b: a / b),
    }


def _cagr(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"observed_only_n8": annual_return(returns, inputs["periods_per_year"])}


def _mad(returns: Returns, _: dict[str, Any]) -> dict[str, Any]:
    return {"mad": figure("mean_absolute_deviation", returns)}


def _suite(returns: Returns, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "n": float(returns.size),
        "cumulative": cumulative_return(returns),
        "cagr": annual_return(returns, 252),
        "vol": figure("volatility", returns),
        "sharpe": figure("sharpe_arithmetic", returns),
        "max_drawdown": _depth(returns),
        "var_lower": figure("var_lower_quantile", returns),
        "win_rate": win_rate(returns),
        "profit_factor": profit_factor(returns),
        "omega": omega(returns),
        "kelly_fixed_odds": kelly_fraction_of(returns),
    }


FIGURES: dict[str, Callable[[Returns, dict[str, Any]], dict[str, Any]]] = {
    "returns": _returns,
    "volatility": _volatility,
    "moments": _moments,
    "downside_deviation": _downside,
    "sortino": _sortino,
    "omega": _omega,
    "omega_sharpe": _omega,
    "volatility_skewness": _omega,
    "drawdown": _drawdown,
    "max_drawdown": _drawdown,
    "sharpe": _sharpe,
    "cagr": _cagr,
    "mean_abs_dev": _mad,
    "suite": _suite,
}


def _depth(returns: Returns) -> Figure:
    days = to_days([FIRST + timedelta(days=number) for number in range(len(returns))])
    found = drawdown(days, np.cumprod(1.0 + returns, dtype=np.float64) - 1.0)
    return found if isinstance(found, Undefined) else found.depth


def _of(one: Figure, other: Figure, of: Callable[[float, float], float]) -> Figure:
    if isinstance(one, Undefined):
        return one
    return other if isinstance(other, Undefined) else of(one, other)


def _check_episodes(case: Content) -> None:
    inputs, expected = case["inputs"], dict(case["expected"])
    values = np.array(inputs["values"], np.float64)
    days = to_days([date.fromisoformat(day) for day in inputs["dates"]])
    found = drawdown(days, values / values[0] - 1.0)
    assert isinstance(found, Drawdown)
    first, *_, last = falls(found)
    assert found.deepest == first
    still_open = expected.pop("open_episode")
    assert still_open.pop("recovered") is None is last.recovered_on
    assert still_open.pop("peak") == str(last.peak_on)
    assert_relative(last.depth, still_open.pop("depth"), case["rel_tol"])
    assert not still_open
    assert first.peak_on is not None
    figures = {
        "max_drawdown": found.depth,
        "peak": str(first.peak_on),
        "trough": str(first.trough_on),
        "recovery": str(first.recovered_on),
        "drawdown_days": float((first.trough_on - first.peak_on).days),
        "recovery_days": float(first.recovery_days or 0),
    }
    compare(figures, {**case, "expected": expected})
