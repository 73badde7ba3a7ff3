"""Prices that trades imply."""

from __future__ import annotations

from datetime import date

import pytest

from tests.fixtures.booking import D, trade
from tidebook.book.checks.implied_prices import implied_price, implied_prices, until_quoted
from tidebook.model.facts import Price
from tidebook.model.markets import price_table


def test_a_trade_implies_its_price_before_costs() -> None:
    fact = trade("t", "BUY", "ACME", "2025-02-05", quantity="10", gross="1214.1", fee="9")
    assert implied_price(fact) == Price("ACME", date(2025, 2, 5), D("121.41"), "USD")


def test_a_stated_price_is_taken_as_it_is() -> None:
    # A contract on a hundred shares: the amount is not the price of one of them.
    fact = trade("t", "BUY", "CALL", "2025-02-05", quantity="2", price="5", gross="1000")
    assert implied_price(fact) == Price("CALL", date(2025, 2, 5), D(5), "USD")


def test_the_day_is_that_of_the_portfolio() -> None:
    late = trade("t", "SELL", "ACME", "2025-02-05T23:30:00+00:00", quantity="1", price="5")
    price = implied_price(late, "Asia/Tokyo")
    assert price is not None
    assert price.on == date(2025, 2, 6)


@pytest.mark.parametrize(
    ("type_", "quantity", "gross"),
    [
        ("DIVIDEND", "10", "100"),
        ("DEPOSIT", "10", "100"),
        ("FEE", "10", "100"),
        ("TRANSFER_OUT", "10", "0"),
        ("TRANSFER_IN", "0", "100"),
    ],
)
def test_what_moves_no_units_at_a_value_implies_none(type_: str, quantity: str, gross: str) -> None:
    fact = trade("t", type_, "ACME", "2025-02-05", quantity=quantity, gross=gross)
    assert implied_price(fact) is None


def test_of_several_trades_on_a_day_the_last_one_counts() -> None:
    facts = [
        trade("b", "BUY", "ACME", "2025-02-05T15:00:00+00:00", quantity="1", price="12"),
        trade("a", "BUY", "ACME", "2025-02-05T09:00:00+00:00", quantity="1", price="10"),
        trade("c", "TRANSFER_IN", "BEST", "2025-02-07", quantity="4", gross="10"),
    ]
    found = implied_prices(facts)
    assert found["ACME"].prices == (D(12),)
    assert found["BEST"].prices == (D("2.5"),)


def test_a_trade_stands_in_until_the_first_quote_and_never_after() -> None:
    quoted = price_table([Price("ACME", date(2025, 2, 6), D(20), "USD")])
    implied = implied_prices(
        trade(f"t{day}", "BUY", "ACME", f"2025-02-0{day}", quantity="1", price=str(day))
        for day in (4, 5, 6, 7)
    )
    found = until_quoted(quoted, implied)["ACME"]
    assert [day.day for day in found.days] == [4, 5, 6]
    assert found.prices == (D(4), D(5), D(20))
    assert found.currencies == ("USD",) * 3


def test_what_was_never_quoted_keeps_every_trade_and_what_never_traded_every_quote() -> None:
    quoted = price_table([Price("BEST", date(2025, 2, 6), D(20), "USD")])
    implied = implied_prices([trade("t", "BUY", "ACME", "2025-02-09", quantity="1", price="7")])
    found = until_quoted(quoted, implied)
    assert (found["ACME"].prices, found["BEST"].prices) == ((D(7),), (D(20),))
