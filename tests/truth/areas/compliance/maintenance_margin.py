"""Maintenance margin of long and short positions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import assert_money, exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.margin import (
    MaintenanceRates,
    long_requirement,
    maintenance,
    short_requirement,
)
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tests.truth.cases import Content

FIGURES = {
    "equity",
    "requirement",
    "deficiency",
    "status",
    "call_trigger_market_value",
    "requirements",
    "total",
}


def check(case: Content) -> None:
    """Compare the requirement of a long account, or of each short position."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, FIGURES)
    with exact():
        if "shorts" in given:
            _check_shorts(given, expected)
        else:
            _check_long(given, expected)


def _check_long(given: Content, expected: Content) -> None:
    rates, debit = MaintenanceRates(), exactly(given.get("debit", 0))
    value = exactly(given["long_market_value"])
    factor = exactly(given.get("leverage_factor", 1))
    needed = long_requirement(value, rates, factor)
    kept = maintenance(value - debit, needed, debit=debit, rate=rates.long * factor)
    amounts = {
        "equity": kept.equity,
        "requirement": kept.requirement,
        "deficiency": kept.deficiency,
        "call_trigger_market_value": kept.call_below,
    }
    for name, amount in amounts.items():
        if name in expected:
            assert_money(amount, expected[name])
    if "status" in expected:
        assert ("fail" if kept.deficiency else "pass") == expected["status"]


def _check_shorts(given: Content, expected: Content) -> None:
    needed = {
        row["symbol"]: short_requirement(
            exactly(row["shares"]), exactly(row["price"]), MaintenanceRates()
        )
        for row in given["shorts"]
    }
    assert needed.keys() == expected["requirements"].keys()
    for symbol, amount in expected["requirements"].items():
        assert_money(needed[symbol], amount)
    assert_money(sum(needed.values(), Decimal(0)), expected["total"])
