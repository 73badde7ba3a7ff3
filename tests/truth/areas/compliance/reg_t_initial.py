"""Initial margin of an order under Regulation T."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import assert_money, exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.margin import InitialRates, Leg, buying_power, initial_margin
from tidebook.model.money import exact

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.truth.cases import Content

FIGURES = {
    "required",
    "available",
    "deficit",
    "status",
    "total_required_incl_proceeds",
    "required_from_equity",
    "buying_power",
}


def check(case: Content) -> None:
    """Compare what the order needs of the equity that is free."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, FIGURES)
    with exact():
        free = exactly(given["equity"]) - exactly(given["existing_initial_req"])
        order = given["order"]
        found = initial_margin(_notional(order), _leg(order), free, InitialRates())
        power = buying_power(found.available, InitialRates())
    amounts = {
        "required": found.required,
        "available": found.available,
        "deficit": found.deficit,
        "total_required_incl_proceeds": found.with_proceeds,
        "required_from_equity": found.required,
        "buying_power": power,
    }
    for name, amount in amounts.items():
        if name in expected:
            assert_money(amount, expected[name])
    assert ("fail" if found.deficit else "pass") == expected["status"]


def _notional(order: Content) -> Decimal:
    if "notional" in order:
        return exactly(order["notional"])
    return exactly(order["qty"]) * exactly(order["price"]) * exactly(order.get("multiplier", 1))


def _leg(order: Content) -> Leg:
    if order["side"] == "sell_short":
        return Leg.SHORT
    if order.get("asset_class") == "option":
        return Leg.LONG_OPTION
    return Leg.LONG if order.get("marginable", True) else Leg.NON_MARGINABLE
