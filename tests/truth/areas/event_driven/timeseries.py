"""A portfolio's daily series, and its positions on the last day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.positions import positions
from tidebook.book.series import portfolio_flows
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tests.truth.areas.event_driven.keeping import Facts
    from tests.truth.cases import Content
    from tidebook.book.valuation import Valuation


def check(case: Content) -> None:
    """Compare the series day by day, then each position of the last day."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"days", "positions_day2"})
    by_itself = inputs.get("auto_cash_legs", False)
    facts = facts_of(inputs, settlement=Settlement.AUTO if by_itself else Settlement.EXPLICIT)
    days = [date.fromisoformat(day["date"]) for day in expected["days"]]
    for row, written in zip(facts.series(days), expected["days"], strict=True):
        found = {
            "bod_mv": row.bod_market_value,
            "bod_cf": row.bod_cashflow,
            "eod_cf": row.eod_cashflow,
            "eod_mv": row.eod_market_value,
            "fees": row.fees,
        }
        assert_known(written, {"date", *found})
        for name, figure in found.items():
            assert_amount(figure, written[name], f"{row.on} {name}")
    book = facts.book()
    for written in expected.get("positions_day2", []):
        _check_position(facts, book, days[-1], written)


def _check_position(facts: Facts, book: Book, on: date, written: Content) -> None:
    assert_known(written, {"security", "qty", "eod_mv_local", "eod_cf_portfolio"})
    key = written["security"]
    if "qty" in written:
        assert_amount(positions(book.entries, on)[key].quantity, written["qty"], f"{key} qty")
    if "eod_mv_local" in written:
        value = valued(facts, book, key, on).value
        worth = value.local if value else None
        assert_amount(worth, written["eod_mv_local"], f"{key} eod_mv_local")
    if "eod_cf_portfolio" in written:
        flows = portfolio_flows(book.entries_by_key[key])
        moved = sum((flow.amount for flow in flows if flow.on == on), ZERO)
        assert_amount(moved, written["eod_cf_portfolio"], f"{key} eod_cf_portfolio")


def valued(facts: Facts, book: Book, key: str, on: date) -> Valuation:
    """Return a position's valuation at the close of a day."""
    position = positions(book.entries, on)[key]
    currency = book.currencies()[key]
    held = Held(position.quantity, position.cost_local, position.cost_base, currency)
    is_cash = key in book.cash_keys()
    quotes = facts.prices.get(key, NO_PRICES)
    quote = cash_quote(currency, on) if is_cash else quotes.as_of(on)
    return value_position(held, quote, facts.rates, facts.portfolio.base_currency, on)
