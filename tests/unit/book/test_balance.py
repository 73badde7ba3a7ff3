"""What a portfolio owns and owes."""

from __future__ import annotations

from datetime import date

from tests.fixtures.booking import D, keep_book, portfolio, security, trade
from tidebook.book.balance import Balance, balance
from tidebook.book.positions import positions
from tidebook.book.valuation import Held, MarketValue, cash_quote, value_position
from tidebook.model.facts import Price
from tidebook.model.markets import NO_PRICES, price_table, rate_table


def worth(*values: str) -> Balance:
    return balance(MarketValue(D(value), D(value), D(0), D(0)) for value in values)


def test_what_is_below_nothing_is_owed() -> None:
    found = worth("100", "-30", "0", "20", "-5")
    assert (found.assets, found.liabilities, found.net_worth) == (120, 35, 85)


def test_nothing_is_balanced() -> None:
    assert worth() == Balance(D(0), D(0))


def test_a_contract_on_margin_counts_with_its_gain() -> None:
    lost = MarketValue(D(5000), D(5000), D(-40), D(-40), on_margin=True)
    assert balance([lost]) == Balance(D(0), D(40))


def test_a_loan_and_the_cash_it_brought_both_show() -> None:
    facts = [
        trade("draw", "SELL", "LOAN", "2023-01-01", quantity="1", price="3000"),
        trade("repay", "BUY", "LOAN", "2023-02-01", quantity="0.25", price="3000"),
    ]
    book = keep_book(facts, portfolio(allow_short=True), [security("LOAN", product_type="Loan")])
    prices = price_table([Price("LOAN", date(2023, 1, 1), D(3000), "USD")])
    for on, both in ((date(2023, 1, 1), 3000), (date(2023, 2, 1), 2250)):
        values: list[MarketValue] = []
        for key, position in positions(book.entries, on).items():
            held = Held(position.quantity, position.cost_local, position.cost_base, "USD")
            is_cash = key in book.cash_keys()
            quote = cash_quote("USD", on) if is_cash else prices.get(key, NO_PRICES).as_of(on)
            value = value_position(held, quote, rate_table([]), "USD", on).value
            assert value is not None
            values.append(value)
        found = balance(values)
        assert (found.assets, found.liabilities, found.net_worth) == (both, both, 0)
