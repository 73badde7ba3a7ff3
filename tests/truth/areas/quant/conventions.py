"""Yearly rates brought to a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import Compounding, periodic_rate

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Bring the case's risk-free rate to its period."""
    inputs, expected = case["inputs"], case["expected"]
    assert case["function"] == "rf_per_period", f"nothing checks {case['function']}"
    assert_known(expected, {"rf"})
    rate = periodic_rate(inputs["annual"], inputs["periods"], Compounding(inputs["method"]))
    assert_close(rate, expected["rf"], case["rel_tol"] * abs(expected["rf"]))
