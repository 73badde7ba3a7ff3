"""The size of a position after an order, as percent of the equity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import assert_money, exactly, held, judge, order_of
from tests.truth.tolerance import assert_known
from tidebook.compliance.limits import POSITION_SIZE_LIMIT, position_size_limit

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Judge the order of the case."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, {"post_trade_pct", "status", "max_additional_qty", "passive_breach"})
    position = given["position"]
    verdict = judge(
        (POSITION_SIZE_LIMIT, position_size_limit),
        order_of(given["order"], position["symbol"]),
        given["portfolio_equity"],
        (held(position["symbol"], position["qty"], position["price"]),),
        {"limit_pct": exactly(given["limit_pct"])},
    )
    assert verdict.status == expected["status"]
    assert_money(verdict.amount("post_trade_pct"), expected["post_trade_pct"])
    if "max_additional_qty" in expected:
        assert verdict.amount("max_additional_qty") == expected["max_additional_qty"]
    passive = any(one.kind == "passive_breach" for one in verdict.evidence)
    assert passive == expected.get("passive_breach", False)
