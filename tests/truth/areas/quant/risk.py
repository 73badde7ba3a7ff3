"""Risk measures of returns per period; a missing return is left out, a known error is not made.

A figure that a case marks as wrong, or as another library's, must not be what the product says.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import (
    assert_relative,
    compare,
    expect_refusal,
    is_refused,
    observed,
    year_of,
)
from tidebook.analytics import (
    Conventions,
    Drawdown,
    Estimator,
    drawdown,
    falls,
    figure,
    periodic_rate,
    suite,
    to_days,
    underwater_uncompounded,
    win_rate_of_all,
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
    "empyrical_counts_nan_n9": "cagr",
}
FIRST = date(2021, 1, 1)


def check(case: Content) -> None:
    """Compare the measures that the case's function names, or see that it is refused."""
    inputs = case["inputs"]
    if case["function"] == "drawdown_episodes":
        _check_episodes(case)
        return
    figures_of = FIGURES[case["function"]]
    if is_refused(case, observed(inputs)):
        expect_refusal(lambda: figures_of(observed(inputs), inputs), case)
        return
    found = figures_of(observed(inputs), inputs)
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


def _conventions(
    inputs: dict[str, Any], per_year: float | None = None, estimator: Estimator = Estimator.SAMPLE
) -> Conventions:
    """Return the conventions of a case; its minimum acceptable return is that of a period."""
    k = per_year or inputs.get("periods_per_year", 252)
    target = _target(inputs)
    return Conventions(
        k,
        risk_free_annual=inputs.get("rf_annual", inputs.get("rf", 0.0)),
        target_annual=(1.0 + target) ** k - 1.0 if target else 0.0,
        confidence=inputs.get("confidence", 0.95),
        estimator=estimator,
    )


def _target(inputs: dict[str, Any]) -> float:
    if "required_return_annual" in inputs:
        k = inputs.get("periods", inputs.get("periods_per_year", 252))
        return periodic_rate(inputs["required_return_annual"], k)
    return inputs.get("mar", inputs.get("threshold", 0.0))


def _returns(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    found = suite(returns).figures
    return {
        "n": float(returns.size),
        "cumulative": found["cumulative_return"],
        "annualised": year_of(returns, inputs.get("periods_per_year", 252)),
        "mean": found["mean_return"],
        "geometric_mean": found["geometric_mean_return"],
        "best": found["best_return"],
        "worst": found["worst_return"],
    }


def _volatility(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    def over(per_year: float, estimator: Estimator = Estimator.SAMPLE) -> Figure:
        return figure("volatility", returns, None, _conventions(inputs, per_year, estimator))

    per_year = inputs.get("periods_per_year", 252)
    return {
        "n": float(returns.size),
        "volatility": over(per_year),
        "vol": over(per_year),
        "sample_ddof1": over(1),
        "population_ddof0": over(1, Estimator.POPULATION),
        "annual_ddof1": over(per_year),
        "annual_ddof0": over(per_year, Estimator.POPULATION),
        "daily_252": over(252),
        "calendar_365": over(365),
        "weekly_52": over(52),
        "monthly_12": over(12),
        "quarterly_4": over(4),
        "yearly_1": over(1),
    }


def _moments(returns: Returns, _: dict[str, Any]) -> dict[str, Any]:
    found = suite(returns).figures
    excess = found["excess_kurtosis"]
    return {
        "skew_population": found["skewness"],
        "excess_population": excess,
        "kurt_population": _of(excess, 1.0, lambda a, _: a + 3.0),
        "skew_sample": found["sample_skewness"],
        "excess_sample_G2": found["sample_excess_kurtosis"],
        "skew_bacon_sample": found["skewness_bacon"],
        "kurt_bacon_sample": found["kurtosis_bacon"],
    }


def _downside(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    annual = suite(returns, conventions=_conventions(inputs)).figures
    found = suite(returns, conventions=_conventions(inputs, 1)).figures
    return {
        "downside_deviation": found["downside_deviation"],
        "downside_annual": annual["downside_deviation"],
        "downside_potential": found["downside_potential"],
        "downside_frequency": found["downside_frequency"],
        "upside_risk": found["upside_deviation"],
        "upside_potential": found["upside_potential"],
        "upside_potential_ratio": found["upside_potential_ratio"],
        "semi_deviation": found["semi_deviation"],
    }


def _sortino(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    def over(name: str, per_year: float) -> Figure:
        return figure(name, returns, None, _conventions(inputs, per_year))

    per_year = inputs.get("periods_per_year", 252)
    return {
        "n": float(returns.size),
        "per_period": over("sortino", 1),
        "annualised": over("sortino", per_year),
        "sortino": over("sortino", per_year),
        "downside_deviation": over("downside_deviation", 1),
        "downside_annual": over("downside_deviation", per_year),
        "daily_252": over("sortino", 252),
        "weekly_52": over("sortino", 52),
        "monthly_12": over("sortino", 12),
    }


def _omega(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    found = suite(returns, conventions=_conventions(inputs, 1)).figures
    volatile = found["variability_skewness"]
    return {
        "omega": found["omega"],
        "omega_sharpe": found["omega_sharpe"],
        "d_ratio": found["d_ratio"],
        "gain_to_pain": found["gain_to_pain"],
        "variability_skewness": volatile,
        "volatility_skewness": _of(volatile, volatile, lambda a, b: a * b),
    }


def _drawdown(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    earned = year_of(returns, inputs.get("periods_per_year", 252))
    found = suite(returns).figures
    plain = underwater_uncompounded(returns)
    deepest = _depth(returns)
    if not isinstance(found["max_drawdown"], Undefined):
        assert_relative(deepest, found["max_drawdown"], 1e-12)

    def over(depth: Figure) -> Figure:
        return _of(earned, depth, lambda a, b: a / b) if depth else NOTHING_FELL

    return {
        "max_drawdown": found["max_drawdown"],
        "max_drawdown_uncompounded": -float(plain.min(initial=0.0)),
        "pain_index": found["pain_index"],
        "ulcer_index": found["ulcer_index"],
        "cagr": earned,
        "calmar": over(found["max_drawdown"]),
        "pain_ratio": over(found["pain_index"]),
        "martin_ratio": over(found["ulcer_index"]),
        "pain_ratio_uncompounded": over(-float(plain.mean()) if plain.size else 0.0),
    }


def _sharpe(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    per_year = inputs.get("periods_per_year", 252)
    plain = _conventions(inputs)
    of_all = _conventions(inputs, estimator=Estimator.POPULATION)
    earned = year_of(returns, per_year)
    free = plain.risk_free_annual

    def arithmetic(conventions: Conventions) -> Figure:
        return figure("sharpe_arithmetic", returns, None, conventions)

    def geometric(conventions: Conventions) -> Figure:
        scatter = figure("volatility", returns, None, conventions)
        return _of(earned, scatter, lambda a, b: (a - free) / b) if scatter else NOTHING_MOVES

    return {
        "n": float(returns.size),
        "sharpe": arithmetic(plain),
        "per_period": arithmetic(_conventions(inputs, 1)) if not free else None,
        "annualised": arithmetic(plain),
        "arith_ddof1": arithmetic(plain),
        "arith_ddof0": arithmetic(of_all),
        "geometric_ddof1": geometric(plain),
        "geometric_ddof0": geometric(of_all),
        "daily_252": arithmetic(_conventions(inputs, 252)),
        "weekly_52": arithmetic(_conventions(inputs, 52)),
        "monthly_12": arithmetic(_conventions(inputs, 12)),
    }


def _cagr(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    found = year_of(returns, inputs.get("periods_per_year", 252))
    figures: dict[str, Any] = {"cagr": found, "n": float(returns.size), "annualised": found}
    figures |= {
        f"{name}_{k}": year_of(returns, k)
        for name, k in (("daily", 252), ("weekly", 52), ("monthly", 12), ("yearly", 1))
    }
    # The name of the figure counts the returns that were there.
    return {**figures, f"observed_only_n{returns.size}": found}


def _mad(returns: Returns, _: dict[str, Any]) -> dict[str, Any]:
    return {"mad": figure("mean_absolute_deviation", returns)}


def _suite(returns: Returns, inputs: dict[str, Any]) -> dict[str, Any]:
    conventions = _conventions(inputs)
    found = suite(returns, conventions=conventions).figures
    earned = year_of(returns, conventions.periods_per_year)
    depth = found["max_drawdown"]
    named = {
        "vol": "volatility",
        "mean": "mean_return",
        "cumulative": "cumulative_return",
        "sharpe": "sharpe_arithmetic",
        "var_lower": "var_lower_quantile",
        "var_linear": "var_historical",
        "var_hist_lower": "var_lower_quantile",
        "var_hist_linear": "var_historical",
        "cvar": "expected_shortfall",
        "cvar_ru": "expected_shortfall",
        "skew": "skewness",
        "kurtosis": "excess_kurtosis",
        "kelly": "kelly_fraction_fixed_odds",
        "kelly_fixed_odds": "kelly_fraction_fixed_odds",
        "kelly_growth_optimal": "kelly_leverage_growth_optimal",
    }
    return {
        **found,
        **{name: found[measure] for name, measure in named.items()},
        "n": float(returns.size),
        "cagr": earned,
        "calmar": NOTHING_FELL if depth == 0.0 else _of(earned, depth, lambda a, b: a / b),
        "win_rate_incl_flat": win_rate_of_all(returns),
        "win_rate_excl_flat": found["win_rate"],
    }


NOTHING_FELL = figure("calmar", np.zeros(252))
NOTHING_MOVES = figure("sharpe_arithmetic", np.zeros(2))

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
    "calmar": _drawdown,
    "ulcer_index": _drawdown,
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
