"""Positions, invested capital and net worth; costs are kept out of the cost basis.

The cases average the cost, count fees apart, and take a delivery for a transfer at its value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import AS_TRANSFERS, assert_near, facts_of, total_of
from tests.truth.tolerance import assert_known
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows
from tidebook.model.money import ZERO, quotient
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the figures of the whole, then each position."""
    facts, expected = facts_of(case, AS_TRANSFERS).before_costs(), case["expected"]
    (book,) = facts.books(CostMethod.AVCO, Settlement.AUTO)
    cash = book.cash_keys()
    invested = [held.cost_base for key, held in book.holdings.items() if key not in cash]
    found = {"invested_value": total_of(invested), "total_cost": total_of(invested)}
    if "market_value" in expected:
        values = [facts.valued(book, key).value for key in book.holdings if key not in cash]
        found["market_value"] = total_of([None if one is None else one.base for one in values])
    if "net_worth" in expected:
        found["net_worth"] = _net_worth(facts, book)
    assert_known(expected, {"positions", *found})
    for name in expected.keys() & found.keys():
        assert_near(found[name], expected[name], case["tolerance"]["money"], name)
    for figures in expected.get("positions", []):
        _check_position(book, figures, case["tolerance"])


def _check_position(book: Book, figures: Content, tolerance: dict[str, str]) -> None:
    assert_known(figures, {"instrument", "quantity", "cost_basis", "avg_cost"})
    held = book.holding(figures["instrument"])
    allowed = tolerance.get("quantity_epsilon", "0")
    assert_near(held.quantity, figures["quantity"], allowed, "quantity")
    assert_near(held.cost_base, figures["cost_basis"], tolerance["money"], "cost_basis")
    if Decimal(figures["quantity"]) == 0:
        assert held.quantity == ZERO
        assert not held.lots
    if "avg_cost" in figures:
        unit = quotient(held.cost_base, held.quantity)
        assert_near(unit, figures["avg_cost"], tolerance["money"], "avg_cost")


def _net_worth(facts: Facts, book: Book) -> Decimal:
    holdings = held_steps(book.entries, book.currencies(), book.cash_keys())
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    (row,) = daily_series([facts.last_day], holdings, portfolio_flows(book.entries), market)
    assert row.unpriced_cost == 0
    return row.eod_market_value
