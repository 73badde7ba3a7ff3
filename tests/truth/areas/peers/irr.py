"""Yearly rates of flows in the investor's sign, and the return of a single day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_close, assert_known, daily_values
from tidebook.analytics import (
    DatedAmounts,
    FeeBasis,
    internal_rate,
    time_weighted,
    to_days,
    to_float64,
)
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Solve for the rate of the flows; link the stated values where there are any."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"irr", "twr"})
    flows = DatedAmounts(
        to_days([date.fromisoformat(day) for day, _ in inputs["flows"]]),
        to_float64(Decimal(amount) for _, amount in inputs["flows"]),
    )
    tolerance = case["tolerance"]["ratio"]
    if "irr" in expected:
        assert_close(internal_rate(flows).rate_annual, expected["irr"], tolerance)
    if "twr" in expected:
        on = inputs["flows"][-1][0]
        opening, closing = inputs["twr"]
        row = {"date": on, "bmv": opening, "bcf": "0", "ecf": "0", "emv": closing, "fees": "0"}
        day = Span(date.fromisoformat(on), date.fromisoformat(on))
        linked = time_weighted(daily_values([row]), day, FeeBasis.NET)
        assert_close(linked.total, expected["twr"], tolerance)
