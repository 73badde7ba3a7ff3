"""The example data: complete, in order, and exact as written."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

from tidebook.examples import ExamplePrice, ExampleRate, load_prices, load_rates

SYMBOLS = {"AAPL", "AMD", "GE", "HD", "JNJ", "JPM", "KO", "MSFT", "PG", "SP500", "XOM"}


def test_every_symbol_closes_on_every_trading_day_of_ten_years() -> None:
    prices = load_prices()

    assert Counter(price.symbol for price in prices) == dict.fromkeys(SYMBOLS, 2516)
    assert {price.currency for price in prices} == {"USD"}
    assert (prices[0].on, prices[-1].on) == (date(2013, 1, 2), date(2022, 12, 28))
    assert len({(price.on, price.symbol) for price in prices}) == len(prices)
    assert [price.on for price in prices] == sorted(price.on for price in prices)


def test_the_markets_were_open_on_no_weekend() -> None:
    assert {price.on.weekday() for price in load_prices()} == {0, 1, 2, 3, 4}


def test_the_index_stood_where_the_exchange_says_it_stood() -> None:
    # Published closes of the S&P 500: the first of 2013, and the low of the spring of 2020.
    index = {price.on: price.close for price in load_prices() if price.symbol == "SP500"}

    assert index[date(2013, 1, 2)] == Decimal("1462.42")
    assert index[date(2020, 3, 23)] == Decimal("2237.40")


def test_four_currencies_are_quoted_on_every_day_of_the_central_bank() -> None:
    rates = load_rates()

    assert Counter(rate.to_currency for rate in rates) == {
        "USD": 2558,
        "GBP": 2558,
        "JPY": 2558,
        "CHF": 2558,
    }
    assert {rate.from_currency for rate in rates} == {"EUR"}
    assert len({(rate.on, rate.to_currency) for rate in rates}) == len(rates)


def test_the_central_bank_s_rates_are_what_it_published() -> None:
    # 2015-01-15: the Swiss National Bank gave up the floor of 1.20 that morning.
    francs = {rate.on: rate.rate for rate in load_rates() if rate.to_currency == "CHF"}

    assert francs[date(2015, 1, 14)] == Decimal("1.2010")
    assert francs[date(2015, 1, 15)] == Decimal("1.0280")


def test_twenty_two_trading_days_have_no_rate_of_their_own() -> None:
    trading = {price.on for price in load_prices()}
    quoted = {rate.on for rate in load_rates()}

    assert len(trading - quoted) == 22
    assert date(2013, 5, 1) in trading - quoted


def test_figures_keep_every_digit_of_the_file() -> None:
    assert load_prices()[0] == ExamplePrice(date(2013, 1, 2), "AAPL", "USD", Decimal("16.814"))
    assert load_rates()[0] == ExampleRate(date(2013, 1, 2), "EUR", "USD", Decimal("1.3262"))
    assert str(load_prices()[1].close) == "2.53"
