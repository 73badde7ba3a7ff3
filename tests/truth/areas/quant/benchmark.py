"""Measures against a benchmark; pairs of which one is missing are left out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare, expect_refusal, is_refused, year_of
from tests.truth.tolerance import assert_all_close
from tidebook.analytics import (
    Conventions,
    DatedAmounts,
    DatedReturns,
    direct_alpha,
    internal_rate,
    paired,
    public_market,
    scaled_market,
    suite,
    to_days,
)
from tidebook.analytics.figures import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import Figure


def check(case: Content) -> None:
    """Align the calendars, compare the fund's flows, or compare every measure of the pairs."""
    inputs = case["inputs"]
    if case["function"] == "align_returns":
        _check_alignment(case)
        return
    if case["function"] == "pme":
        compare(_market(inputs), case)
        return
    if is_refused(case, np.concatenate(_pairs(inputs))):
        expect_refusal(lambda: _figures(*_pairs(inputs), _conventions(inputs)), case)
        return
    compare(_figures(*_pairs(inputs), _conventions(inputs)), case)


def _market(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what the flows of a fund come to, in the fund and in the index."""
    flows = DatedAmounts(_days(inputs["dates"]), np.array(inputs["flows"], np.float64))
    index = np.array(inputs["index"], np.float64)
    worth = float(inputs["final_nav"])
    found = public_market(flows, index, worth)
    ends = flows.amounts.copy()
    ends[-1] += worth
    own = internal_rate(DatedAmounts(flows.dates, ends)).rate_annual
    figures = {
        "benchmark_end_value_same_flows": found.end_value,
        "benchmark_end_value": found.end_value,
        "value_added": worth - found.end_value,
        "ln_pme_xirr": found.long_nickels,
        "benchmark_xirr": found.long_nickels,
        "benchmark_mwr": found.long_nickels,
        "ks_pme": found.kaplan_schoar,
        "direct_alpha": direct_alpha(flows, index, worth),
        "fund_xirr": own,
        "xirr": own,
        "mwr": own,
    }
    if "navs" in inputs:
        figures["mpme_xirr"] = scaled_market(flows, index, np.array(inputs["navs"])).rate_annual
    return figures


def _conventions(inputs: dict[str, Any]) -> Conventions:
    return Conventions(
        inputs.get("periods_per_year", 252),
        risk_free_annual=inputs.get("rf_annual", inputs.get("rf", 0.0)),
    )


def _figures(
    returns: NDArray[np.float64], benchmark: NDArray[np.float64], annual: Conventions
) -> dict[str, Any]:
    k = annual.periods_per_year
    free = (1.0 + annual.risk_free_annual) ** (1.0 / k) - 1.0
    of_year = suite(returns, benchmark, annual).figures
    of_period = suite(returns, benchmark, Conventions(1, risk_free_annual=free)).figures
    own, other = year_of(returns, k), year_of(benchmark, k)
    ahead = _both(own, other, lambda a, b: a - b)
    error = of_year["tracking_error"]
    scatter = suite(benchmark, conventions=annual).figures["volatility"]
    related = _both(of_year["volatility"], scatter, lambda a, b: a / b if b else 0.0)
    named = {
        "alpha_arith_annual": "alpha_annual",
        "alpha_geom_annual": "alpha_annual_geometric",
        "te_annual": "tracking_error",
        "ir_arith": "information_ratio",
        "ir": "information_ratio",
        "annualised": "information_ratio",
        "annualised_252": "information_ratio",
        "up_geo": "up_capture",
        "down_geo": "down_capture",
    }
    by_period = {
        "alpha_per_period": "alpha_annual",
        "te_per_period": "tracking_error",
        "ir_per_period": "information_ratio",
        "per_period": "information_ratio",
    }
    return {
        **of_year,
        **{name: of_year[measure] for name, measure in named.items()},
        **{name: of_period[measure] for name, measure in by_period.items()},
        "n": float(returns.size),
        "ir_geometric": _both(ahead, error, lambda a, b: a / b) if error else of_year["beta"],
        "m2": _m_squared(own, of_year["volatility"], scatter, annual.risk_free_annual),
        "fama_beta": related if np.ptp(benchmark) else of_year["beta"],
    }


def _m_squared(own: Figure, spread: Figure, scatter: Figure, free: float) -> Figure:
    """Return the yearly rate of a case, also of less than a year, at the benchmark's risk."""
    if not spread:
        return UNDEFINED
    ratio = _both(scatter, spread, lambda a, b: a / b)
    return _both(own, ratio, lambda a, b: free + (a - free) * b)


UNDEFINED = suite(np.zeros(0)).figures["volatility"]


def _both(one: Figure, other: Figure, of: Callable[[float, float], float]) -> Figure:
    if isinstance(one, Undefined):
        return one
    return other if isinstance(other, Undefined) else of(one, other)


def _pairs(inputs: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    benchmark = _column(inputs, "benchmark")
    returns = _column(inputs, "returns")
    if benchmark == "0":
        benchmark = [0.0] * len(returns)
    if returns == "2*b+0.001":
        returns = [2 * one + 0.001 for one in benchmark]
    if isinstance(benchmark, str):
        assert benchmark in {"returns", "same as returns"}, f"nothing reads {benchmark}"
        benchmark = returns
    pairs = [(r, b) for r, b in zip(returns, benchmark, strict=True) if None not in {r, b}]
    both = np.array(pairs, np.float64)
    return both[:, 0], both[:, 1]


def _column(inputs: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - a list, or words for one
    percent = inputs.get(f"{name}_pct")
    if isinstance(percent, list):
        return [None if one is None else one / 100 for one in percent]
    return percent or inputs[name]


def _check_alignment(case: Content) -> None:
    inputs, expected = case["inputs"], case["expected"]
    fund = DatedReturns(_days(inputs["portfolio_dates"]), np.array(inputs["portfolio"]))
    index = DatedReturns(_days(inputs["benchmark_dates"]), np.array(inputs["benchmark"]))
    found = paired(fund, index)
    assert set(expected) == {"portfolio_linked", "benchmark"}
    assert_all_close(found.returns.tolist(), expected["portfolio_linked"], case["rel_tol"])
    assert_all_close(found.benchmark.tolist(), expected["benchmark"], case["rel_tol"])


def _days(written: list[str]) -> NDArray[np.datetime64]:
    return to_days([date.fromisoformat(day) for day in written])
