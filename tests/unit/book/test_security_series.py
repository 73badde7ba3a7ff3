"""The daily series of one security."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.fixtures.booking import D, keep_book, portfolio, security, trade
from tidebook.book.cashflows import Timing
from tidebook.book.security_series import security_flows, security_series
from tidebook.book.series import DatedFlow, Market
from tidebook.model.facts import Price, Rate
from tidebook.model.markets import price_table, rate_table
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tidebook.book.lots import Entry
    from tidebook.model.facts import Transaction

RATES = rate_table([Rate("USD", "EUR", date(2025, 2, 1), D("0.5"))])
FACTS = [
    trade("buy", "BUY", "ACME", "2025-02-03", quantity="10", price="100", fee="4"),
    trade("pay", "DIVIDEND", "ACME", "2025-02-04", gross="50", tax="10"),
    trade("come", "TRANSFER_IN", "ACME", "2025-02-05", quantity="2", gross="220"),
    trade("sell", "SELL", "ACME", "2025-02-06", quantity="12", price="110", fee="20"),
]


def entries_of(facts: list[Transaction]) -> tuple[Entry, ...]:
    home = portfolio("EUR", settlement=Settlement.EXPLICIT)
    return keep_book(facts, home, [security("ACME")], RATES).entries


def test_capital_goes_in_in_the_morning_and_comes_out_in_the_evening() -> None:
    assert security_flows(entries_of(FACTS)) == [
        DatedFlow(date(2025, 2, 3), D(502), Timing.BOD, is_cost=False),
        DatedFlow(date(2025, 2, 4), D(-20), Timing.EOD, is_cost=False),
        DatedFlow(date(2025, 2, 5), D(110), Timing.BOD, is_cost=False),
        DatedFlow(date(2025, 2, 6), D(-650), Timing.EOD, is_cost=False),
    ]


def test_the_cash_leg_of_a_trade_is_no_capital_of_the_security() -> None:
    book = keep_book(FACTS[:1], portfolio("EUR"), [security("ACME")], RATES)
    assert len(book.entries) == 2
    assert len(security_flows(book.entries)) == 1


def test_each_day_has_its_value_and_its_flows() -> None:
    prices = price_table([Price("ACME", date(2025, 2, 3), D(104), "USD")])
    market = Market(prices, RATES, "EUR", {})
    days = [date(2025, 2, 2) + timedelta(days=number) for number in range(5)]
    rows = security_series(days, entries_of(FACTS), market)
    values = [(row.bod_cashflow, row.eod_cashflow, row.eod_market_value) for row in rows]
    assert values == [(0, 0, 0), (502, 0, 520), (0, -20, 520), (110, 0, 624), (0, -650, 0)]
    assert [row.bod_market_value for row in rows] == [0, 0, 520, 520, 624]
