"""Internal rates with every root, and present values."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from tests.truth.tolerance import assert_all_close, assert_close, assert_known
from tidebook.analytics import (
    DatedAmounts,
    RootStatus,
    internal_rate,
    money_weighted,
    present_value,
    to_days,
)
from tidebook.analytics.figures import Undefined
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.analytics import InternalRate

_STATUS = {
    "ok": RootStatus.UNIQUE,
    "ambiguous": RootStatus.MULTIPLE,
    "undefined": RootStatus.NONE,
}
_DAYS_OF_YEAR = {"ACT/365F": 365.0, "ACT/365": 365.0, "ACT/365.25": 365.25}


def check(case: Content) -> None:
    """Solve the flows of the case and compare the rate, every root, or the status."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"xirr", "irr", "roots", "log_rate", "one_plus_xirr", "xnpv"})
    flows = _flows(inputs)
    if "xnpv" in expected:
        _assert_relative(present_value(flows, inputs["rate"]), expected["xnpv"], case)
        return
    if inputs.get("terminal_is_value"):
        _check_total_loss(inputs, expected)
        return
    found = internal_rate(flows)
    assert found.status is _STATUS[case["status"].partition(":")[0]]
    year = _DAYS_OF_YEAR[inputs.get("basis", "ACT/365F")] / 365.0
    for name in ("xirr", "irr"):
        if name in expected:
            rate = found.rate_annual
            if year != 1.0 and not isinstance(rate, Undefined):
                rate = math.expm1(found.log_rates[0] * year)
            _assert_relative(rate, expected[name], case)
    if "roots" in expected:
        # The widths of the roots are those of float64 rates, one of which is zero.
        roots = [math.expm1(rate * year) for rate in found.log_rates]
        assert_all_close(roots, expected["roots"], 1e-10)
    _check_log_rate(found, expected, case)


def _flows(inputs: Content) -> DatedAmounts:
    """Return the flows; without dates they are a year of 365 days apart."""
    year = timedelta(days=365)
    start = date(2001, 1, 1)
    dates = [date.fromisoformat(day) for day in inputs.get("dates", [])]
    days = dates or [start + year * count for count in range(len(inputs["flows"]))]
    return DatedAmounts(to_days(days), np.array(inputs["flows"], dtype=np.float64))


def _check_total_loss(inputs: Content, expected: Content) -> None:
    first, *between, last = (date.fromisoformat(day) for day in inputs["dates"])
    paid, *moved, left = inputs["flows"]
    flows = DatedAmounts(to_days(between), -np.array(moved, np.float64))
    found = money_weighted(flows, Span(first, last), opening=-paid, closing=left)
    assert found.status is RootStatus.TOTAL_LOSS
    assert found.rate_annual == expected["xirr"]


def _check_log_rate(found: InternalRate, expected: Content, case: Content) -> None:
    if "log_rate" in expected:
        _assert_relative(found.log_rates[0], expected["log_rate"], case)
    if "one_plus_xirr" in expected:
        _assert_relative(float(np.exp(found.log_rates[0])), expected["one_plus_xirr"], case)


def _assert_relative(actual: float | Undefined, expected: float | None, case: Content) -> None:
    tolerance = 0.0 if expected is None else case["rel_tol"] * abs(expected)
    assert_close(actual, expected, tolerance)
