"""Gross exposure over equity, against the cap of the session."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.margin import gross_leverage
from tidebook.compliance.margin_rules import leverage_status
from tidebook.compliance.verdicts import Status
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the leverage, and what is made of it under the cap that holds then."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, {"leverage", "status"})
    with exact():
        leverage = gross_leverage(
            exactly(given["long_market_value"]),
            exactly(given["short_market_value"]),
            exactly(given["equity"]),
        )
    if expected["leverage"] is None:
        assert leverage is None
    else:
        assert leverage is not None
        assert abs(leverage - exactly(expected["leverage"])) <= Decimal("0.005")
    # Inside the day the cap of the night only draws attention; overnight it is the cap.
    night = exactly(given["limits"]["overnight"])
    cap = exactly(given["limits"][given["session"]])
    status, _ = leverage_status(leverage, cap, max(cap, night))
    assert status == expected["status"]
    assert status in {Status.PASS, Status.FAIL}
