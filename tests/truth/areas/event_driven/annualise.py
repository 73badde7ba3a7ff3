"""Yearly rates of cumulative returns, in percent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import annualise

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Annualise the case's cumulative return."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"annualized_pct"})
    rate = annualise(
        inputs["cumulative_pct"] / 100,
        date.fromisoformat(inputs["from"]),
        date.fromisoformat(inputs["to"]),
    )
    percent = rate * 100 if isinstance(rate, float) else rate
    assert_close(percent, expected["annualized_pct"], case["tolerance"]["abs"])
