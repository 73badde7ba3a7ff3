"""Money-weighted returns of a period, as fractions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import DatedAmounts, money_weighted, to_days, to_float64
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Solve for the rate of the case's opening value, flows and closing value."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"rate_annual", "rate_period", "mwr_annualized"})
    opening, closing = to_float64([Decimal(inputs["begin_mv"]), Decimal(inputs["end_mv"])])
    result = money_weighted(
        DatedAmounts(
            to_days([date.fromisoformat(flow["date"]) for flow in inputs["flows"]]),
            to_float64(Decimal(flow["amount"]) for flow in inputs["flows"]),
        ),
        Span(date.fromisoformat(inputs["from"]), date.fromisoformat(inputs["to"])),
        opening=float(opening),
        closing=float(closing),
    )
    figures = {
        "rate_annual": result.rate_annual,
        "rate_period": result.rate_period,
        "mwr_annualized": result.rate_annualised,
    }
    for name, figure in expected.items():
        assert_close(figures[name], figure, case["tolerance"]["abs"])
