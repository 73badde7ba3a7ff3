"""Measures against a benchmark; pairs of which one is missing are left out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare
from tests.truth.tolerance import assert_all_close
from tidebook.analytics import (
    Conventions,
    DatedAmounts,
    DatedReturns,
    annual_return,
    figure,
    paired,
    public_market,
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
        found = public_market(
            DatedAmounts(_days(inputs["dates"]), np.array(inputs["flows"], np.float64)),
            np.array(inputs["index"], np.float64),
            inputs["final_nav"],
        )
        figures = {
            "benchmark_end_value_same_flows": found.end_value,
            "ln_pme_xirr": found.long_nickels,
            "ks_pme": found.kaplan_schoar,
        }
        compare(figures, case)
        return
    compare(_figures(*_pairs(inputs), inputs.get("periods_per_year", 252)), case)


def _figures(
    returns: NDArray[np.float64], benchmark: NDArray[np.float64], per_year: float
) -> dict[str, Any]:
    def beside(name: str, k: float = 1) -> Figure:
        return figure(name, returns, benchmark, Conventions(k))

    slope = beside("alpha_annual")
    error = beside("tracking_error", per_year)
    ahead = _both(
        annual_return(returns, per_year), annual_return(benchmark, per_year), lambda a, b: a - b
    )
    ratio = beside("information_ratio", per_year)
    per_period = beside("information_ratio")
    return {
        "n": float(returns.size),
        "beta": beside("beta"),
        "alpha_per_period": slope,
        "alpha_arith_annual": beside("alpha_annual", per_year),
        "alpha_geom_annual": beside("alpha_annual_geometric", per_year),
        "correlation": beside("correlation"),
        "r_squared": beside("r_squared"),
        "te_per_period": beside("tracking_error"),
        "te_annual": error,
        "ir_arith": ratio,
        "ir_per_period": per_period,
        "ir_geometric": _both(ahead, error, lambda a, b: a / b),
        "per_period": per_period,
        "annualised_252": ratio,
        "m2": beside("m_squared", per_year),
        "fama_beta": _both(
            figure("volatility", returns), figure("volatility", benchmark), lambda a, b: a / b
        )
        if np.ptp(benchmark)
        else beside("beta"),
        "up_geo": beside("up_capture"),
        "down_geo": beside("down_capture"),
    }


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
