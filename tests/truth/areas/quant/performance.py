"""Returns of a period: between flows, after Dietz, under rules, linked, annualised."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare, year_of
from tests.truth.tolerance import assert_close
from tidebook.analytics import (
    DailyValues,
    DatedAmounts,
    FeeCharge,
    FlowTiming,
    GapPolicy,
    Reason,
    ReturnRules,
    YearBasis,
    annual_rate,
    base_return,
    between_flows,
    dietz,
    figure,
    internal_rate,
    link,
    modified_dietz,
    money_weighted,
    net_of_fee,
    ruled_returns,
    simple_dietz,
    to_days,
)
from tidebook.analytics.figures import Undefined
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.truth.cases import Content
    from tidebook.analytics import (
        RuledReturns,
    )

FIRST = date(2021, 1, 1)
FINENESS = 1000
TIMINGS = {
    "start_of_day": FlowTiming.START_OF_DAY,
    "sod": FlowTiming.START_OF_DAY,
    "mid_day": FlowTiming.MIDDLE_OF_DAY,
    "middle_of_day": FlowTiming.MIDDLE_OF_DAY,
    "end_of_day": FlowTiming.END_OF_DAY,
    "eod": FlowTiming.END_OF_DAY,
}
REASONS = {
    "undefined:zero_capital": Reason.NO_CAPITAL,
    "undefined:capital_crossed_zero": Reason.CAPITAL_CROSSED_ZERO,
    "approximated:dietz": Reason.FLOW_WITHOUT_VALUE,
}


def check(case: Content) -> None:
    """Compare the figures of the case's function."""
    if case["function"] == "twr_daily":
        _check_daily(case)
        return
    compare(FIGURES[case["function"]](case["inputs"]), case)


def _simple(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"return": simple_dietz(inputs["begin_mv"], inputs["end_mv"], inputs["flow"])}


def _modified(inputs: dict[str, Any]) -> dict[str, Any]:
    opening, closing = inputs["begin_mv"], inputs["end_mv"]
    amounts = np.array(_several(inputs, "flow"), np.float64)
    if "flow_day" not in inputs and "flow_days" not in inputs:
        weights = np.array(_several(inputs, "weight"), np.float64)
        return {"return": dietz(opening, closing, amounts, weights)}
    span = Span(FIRST, FIRST + timedelta(days=inputs["period_days"] - 1))
    timing = TIMINGS[inputs.get("flow_timing", "end_of_day")]
    days = [FIRST + timedelta(days=day - 1) for day in _several(inputs, "flow_day")]
    flows = DatedAmounts(to_days(days), amounts)
    return {"return": modified_dietz(flows, span, opening=opening, closing=closing, timing=timing)}


def _several(inputs: dict[str, Any], name: str) -> list[Any]:
    """Return what a case states once, or as a list under the plural of its name."""
    return inputs[f"{name}s"] if f"{name}s" in inputs else [inputs[name]]


def _between(inputs: dict[str, Any]) -> dict[str, Any]:
    if "mv" in inputs:
        values, flows = inputs["mv"], inputs["flows_after"]
    else:
        values = [inputs["begin_mv"], inputs["mv_before_flow"], inputs["end_mv"]]
        flows = [0.0, inputs["flow"]]
    found = between_flows(np.array(values, np.float64), np.array(flows, np.float64))
    assert not isinstance(found, Undefined)
    whole = link(found)
    return {"return": whole, "twr": whole, "hp1": float(found[0]), "hp2": float(found[1])}


def _period_rate(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the rate of a month whose first day counts, so that it begins the day before."""
    span = Span(FIRST - timedelta(days=1), FIRST + timedelta(days=inputs["period_days"] - 1))
    days = [FIRST + timedelta(days=day - 1) for day in _several(inputs, "flow_day")]
    flows = DatedAmounts(to_days(days), np.array(_several(inputs, "flow"), np.float64))
    found = money_weighted(flows, span, opening=inputs["begin_mv"], closing=inputs["end_mv"])
    return {"return": found.rate_period}


def _irr(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the rate of flows at any part of a year: their days are told a thousandfold."""
    days = np.rint(np.array(inputs["times_years"], np.float64) * 365 * FINENESS)
    dates = np.datetime64(FIRST) + days.astype("timedelta64[D]")
    found = internal_rate(DatedAmounts(dates, np.array(inputs["flows"], np.float64)))
    if isinstance(found.rate_annual, Undefined):
        return {"irr": found.rate_annual}
    return {"irr": math.expm1(found.log_rates[0] * FINENESS)}


def _link(inputs: dict[str, Any]) -> dict[str, Any]:
    returns = np.array(inputs["returns"])
    return {
        "linked": link(returns),
        "cumulative": figure("cumulative_return", returns),
        "annualised": year_of(returns, inputs.get("periods_per_year", 1)),
        "arithmetic_mean": float(returns.mean()),
    }


def _annualise(inputs: dict[str, Any]) -> dict[str, Any]:
    basis = YearBasis(inputs.get("basis", "ACT/365F"))
    start, end = (date.fromisoformat(inputs[name]) for name in ("start", "end"))
    cumulative = inputs["cumulative"]
    return {"annualised": annual_rate(cumulative, start, end, basis), "cumulative": cumulative}


def _cagr(inputs: dict[str, Any]) -> dict[str, Any]:
    assert inputs["daily_return"].startswith("2^(1/365)-1 on 365 consecutive")
    returns = np.full(365, 2 ** (1 / 365) - 1)
    return {
        "calendar_cagr": annual_rate(link(returns), FIRST, FIRST + timedelta(days=365)),
        "periods_252": year_of(returns, 252),
        "periods_365": year_of(returns, 365),
    }


def _net(inputs: dict[str, Any]) -> dict[str, Any]:
    gross = np.full(inputs["months"], inputs["gross_monthly"])
    fee = inputs["annual_fee"]
    return {
        "gross": link(gross),
        "net_subtractive": link(net_of_fee(gross, fee, 12, FeeCharge.SUBTRACTED)),
        "net_multiplicative": link(net_of_fee(gross, fee, 12, FeeCharge.MULTIPLIED)),
    }


def _base(inputs: dict[str, Any]) -> dict[str, Any]:
    return base_return(inputs["local"], inputs["fx"])._asdict()


FIGURES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "simple_dietz": _simple,
    "modified_dietz": _modified,
    "twr": _between,
    "irr_period": _period_rate,
    "irr": _irr,
    "twr_link": _link,
    "link": _link,
    "annualise": _annualise,
    "cagr": _cagr,
    "net_of_fees": _net,
    "base_return": _base,
}


def _check_daily(case: Content) -> None:
    inputs, expected, tolerance = case["inputs"], dict(case["expected"]), case["rel_tol"]
    values, valued = _values(inputs)
    rules = ReturnRules(
        timing=TIMINGS.get(inputs.get("flow_timing", ""), FlowTiming.AS_RECORDED),
        large_flow_share=inputs.get("large_flow_share", inputs.get("large_flow_threshold")),
        capital_min=inputs.get("min_capital", 0.0),
    )
    found = ruled_returns(values, rules, valued)
    if case["status"] in REASONS:
        assert found.total == Undefined(REASONS[case["status"]])
    _check_noted(case["status"], found)
    for name in expected.keys() & {"twr"}:
        assert_close(found.total, expected.pop(name), tolerance)
    for one, other in zip(found.daily, expected.pop("daily", found.daily), strict=True):
        assert_close(one, None if isinstance(other, Undefined) else other, tolerance)
    if "modified_dietz" in expected:
        approximate = ruled_returns(values, ReturnRules(gaps=GapPolicy.DIETZ), valued)
        assert len(approximate.approximated) == 1
        assert_close(approximate.daily[-1], expected.pop("modified_dietz"), tolerance)
    for name in expected.keys() & TIMINGS.keys():
        timed = ruled_returns(values, replace(rules, timing=TIMINGS[name]), valued)
        assert_close(timed.total, expected.pop(name), tolerance)
    if "on_abs_capital" in expected:
        assert found.daily != (expected.pop("naive"),)
        assert_close(found.daily[0], expected["on_abs_capital"], tolerance)
        assert_close(found.total, expected.pop("on_abs_capital"), tolerance)
    assert not expected, f"nothing checks {sorted(expected)}"


def _check_noted(status: str, found: RuledReturns) -> None:
    """Assert that what the case's status says is reported."""
    noted = {
        "ok:gap_skipped": found.without_capital,
        "ok:gap_spanned": found.spanned,
        "ok:negative_capital": found.indebted,
        "undefined:capital_below_threshold": found.without_capital,
    }
    if status in noted:
        assert len(noted[status]) == 1


def _values(inputs: dict[str, Any]) -> tuple[DailyValues, NDArray[np.bool_]]:
    """Return the case's days; where only values are told, each opens at the one before.

    Several accounts are one portfolio: their values and flows are added up.
    """
    if "accounts" in inputs:
        parts, valued = zip(*map(_values, inputs["accounts"]), strict=True)
        names = ("bmv", "bcf", "ecf", "emv", "fees")
        columns = [np.sum([getattr(part, name) for part in parts], axis=0) for name in names]
        return DailyValues(parts[0].dates, *columns), np.logical_and.reduce(valued)
    closing = inputs.get("mv_close_before_eod") or inputs.get("mv_close") or inputs["mv"]
    size = len(closing)
    at_end = np.array(inputs.get("flows_eod") or inputs.get("flows") or [0] * size, np.float64)
    known = np.array([value is not None for value in closing])
    worth = np.array([0.0 if value is None else value for value in closing], np.float64)
    if "mv_close_before_eod" in inputs:
        worth += at_end
    if "mv_open" in inputs:
        opening = np.array(inputs["mv_open"], np.float64)
    else:
        # The first value is where the case begins: a day that stands still.
        opening = np.concatenate([worth[:1], worth[:-1]])
    at_start = np.array(inputs.get("flows_sod", [0] * size), np.float64)
    dates = to_days([FIRST + timedelta(days=offset) for offset in range(size)])
    return DailyValues(dates, opening, at_start, at_end, worth, np.zeros(size)), known
