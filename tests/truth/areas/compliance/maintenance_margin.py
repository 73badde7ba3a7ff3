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
LISTS = ("shorts", "longs", "positions")
FACTORS = ("leverage_factor", "etf_leverage", "leverage", "factor")


def check(case: Content) -> None:
    """Compare the requirement of a long account, or of each position."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, FIGURES)
    with exact():
        if any(name in given for name in LISTS):
            _check_positions(given, expected)
        else:
            _check_long(given, expected)


def _rates(given: Content) -> MaintenanceRates:
    """Return the rates of a case: those of the rule, and what its house asks for beside them."""
    house = {name: exactly(value) for name, value in given.get("house_rates", {}).items()}
    rates = MaintenanceRates()
    return rates._replace(
        **{name: max(getattr(rates, name), value) for name, value in house.items()}
    )


def _factor(row: Content) -> Decimal:
    return exactly(next((row[name] for name in FACTORS if name in row), 1))


def _check_long(given: Content, expected: Content) -> None:
    rates, debit = _rates(given), exactly(given.get("debit", 0))
    value = exactly(given["long_market_value"])
    factor = _factor(given)
    needed = long_requirement(value, rates, factor)
    equity = exactly(given["equity"]) if "equity" in given else value - debit
    rate = min(rates.long * factor, Decimal(1))
    kept = maintenance(equity, needed, debit=debit, rate=rate)
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


def _check_positions(given: Content, expected: Content) -> None:
    rates = _rates(given)
    needed = {
        row["symbol"]: _requirement(name, row, rates)
        for name in LISTS
        for row in given.get(name, ())
    }
    if "requirements" in expected:
        assert needed.keys() == expected["requirements"].keys()
        for symbol, amount in expected["requirements"].items():
            assert_money(needed[symbol], amount)
    total = sum(needed.values(), Decimal(0))
    for name in {"total", "requirement"} & expected.keys():
        assert_money(total, expected[name])
    if "equity" in given:
        short_by = max(total - exactly(given["equity"]), Decimal(0))
        if "deficiency" in expected:
            assert_money(short_by, expected["deficiency"])
        if "status" in expected:
            assert ("fail" if short_by else "pass") == expected["status"]
    else:
        assert not {"deficiency", "status", "equity"} & expected.keys()


def _requirement(name: str, row: Content, rates: MaintenanceRates) -> Decimal:
    shares = exactly(row.get("shares", row.get("qty", 1)))
    price = exactly(row["price"] if "price" in row else row["market_value"])
    if name == "shorts" or row.get("side") == "short" or shares < 0 or price < 0:
        return short_requirement(abs(shares), abs(price), rates, _factor(row))
    return long_requirement(shares * price, rates, _factor(row))
