"""Valuations and their statuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tidebook.book.valuation import (
    Held,
    MarketValue,
    ValuationStatus,
    cash_quote,
    coverage,
    market_value,
    total,
    value_position,
)
from tidebook.model.facts import Rate
from tidebook.model.markets import PriceQuote, rate_table

D = Decimal
ON = date(2025, 1, 10)
NO_RATES = rate_table([])


def held(quantity: str, cost: str, currency: str = "USD") -> Held:
    return Held(D(quantity), D(cost), D(cost), currency)


def test_a_price_of_the_day_is_current() -> None:
    quote = PriceQuote(ON, D(12), "USD")
    valuation = value_position(held("10", "100"), quote, NO_RATES, "USD", ON)
    assert valuation.status is ValuationStatus.VALUED_CURRENT
    assert valuation.value == MarketValue(D(120), D(120), D(20), D(20))
    assert valuation.reason is None


def test_an_earlier_price_is_carried_and_called_stale_however_old() -> None:
    quote = PriceQuote(date(2015, 1, 1), D(12), "USD")
    valuation = value_position(held("10", "100"), quote, NO_RATES, "USD", ON)
    assert valuation.status is ValuationStatus.VALUED_STALE
    assert valuation.quote is quote
    assert valuation.value == MarketValue(D(120), D(120), D(20), D(20))


def test_without_a_price_there_is_no_value() -> None:
    valuation = value_position(held("10", "100"), None, NO_RATES, "USD", ON)
    assert (valuation.status, valuation.value) == (ValuationStatus.UNVALUED, None)
    assert valuation.reason == "no price is known on or before 2025-01-10"


def test_without_a_rate_to_base_there_is_no_value_and_the_pair_is_named() -> None:
    quote = PriceQuote(ON, D(12), "EUR")
    valuation = value_position(held("10", "100", "EUR"), quote, NO_RATES, "USD", ON)
    assert (valuation.status, valuation.value) == (ValuationStatus.FAILED, None)
    assert valuation.reason == "no exchange rate EUR/USD is known on or before 2025-01-10"


def test_without_a_rate_from_the_prices_currency_that_pair_is_named() -> None:
    rates = rate_table([Rate("EUR", "USD", ON, D("1.1"))])
    quote = PriceQuote(ON, D(12), "GBP")
    valuation = value_position(held("10", "100", "EUR"), quote, rates, "USD", ON)
    assert valuation.status is ValuationStatus.FAILED
    assert valuation.reason == "no exchange rate GBP/EUR is known on or before 2025-01-10"


def test_a_price_goes_through_the_instruments_currency_to_the_base() -> None:
    rates = rate_table([Rate("GBP", "EUR", ON, D("1.2")), Rate("EUR", "USD", ON, D("1.1"))])
    valuation = value_position(
        Held(D(10), D(100), D(105), "EUR"), PriceQuote(ON, D(10), "GBP"), rates, "USD", ON
    )
    assert (valuation.rate_to_local, valuation.rate_to_base) == (D("1.2"), D("1.1"))
    assert valuation.value == MarketValue(D(120), D(132), D(20), D(27))


def test_nothing_held_is_worth_nothing_with_or_without_a_price() -> None:
    for quote in (None, PriceQuote(ON, D(12), "XAU")):
        valuation = value_position(held("0", "0"), quote, NO_RATES, "USD", ON)
        assert valuation.status is ValuationStatus.VALUED_CURRENT
        assert valuation.value == MarketValue(D(0), D(0), D(0), D(0))


def test_a_short_position_gains_when_the_price_falls() -> None:
    value = market_value(held("-10", "-100"), D(8))
    assert value == MarketValue(D(-80), D(-80), D(20), D(20))


def test_a_value_keeps_more_digits_than_the_usual_context() -> None:
    value = market_value(held("12345678901234567890.5", "0"), D("1.000000000000000001"))
    assert value.local == D("12345678901234567902.8456789012345678905")


def test_one_unit_of_cash_is_one_unit_of_its_currency_on_any_day() -> None:
    assert cash_quote("CHF", ON) == PriceQuote(ON, D(1), "CHF")


def test_coverage_is_the_priced_part_of_the_whole() -> None:
    assert coverage(D(75), D(25)) == D("0.75")
    assert coverage(D(-75), D(25)) == D("0.75")
    assert coverage(D(1), D(2)) == D("0.333333333333333333")
    assert coverage(D(0), D(5)) == 0
    assert coverage(D(0), D(0)) is None


def test_values_add_up() -> None:
    one = MarketValue(D(1), D(2), D(3), D(4))
    assert total([one, one]) == MarketValue(D(2), D(4), D(6), D(8))
    assert total([]) == MarketValue(D(0), D(0), D(0), D(0))


def test_a_contract_is_worth_its_price_times_its_multiplier() -> None:
    # 3 calls on 100 shares, bought at 2 for 600, are worth 2.50 x 100 x 3 = 750.
    value = market_value(Held(D(3), D(600), D(540), "USD", D(100)), D("2.5"), rate_to_base=D("0.9"))
    assert value == MarketValue(D(750), D(675), D(150), D(135))
    assert value.counted_base == 675


def test_on_margin_only_the_gain_counts_at_the_rate_of_the_day() -> None:
    # 2 futures of 50 each opened at 4000 (at 0.8) now stand at 4010: 2 x 50 x 10 = 1000 dollars,
    # 900 euros at 0.9. What the dollar did to the 400,000 that nobody paid is no gain.
    future = Held(D(2), D(400_000), D(320_000), "USD", D(50), on_margin=True)
    value = market_value(future, D(4010), rate_to_base=D("0.9"))
    assert value == MarketValue(D(401_000), D(360_900), D(1000), D(900), on_margin=True)
    assert value.counted_base == 900


def test_a_short_on_margin_gains_when_the_price_falls() -> None:
    future = Held(D(-1), D(-4000), D(-4000), "USD", on_margin=True)
    assert market_value(future, D(3900)).counted_base == 100


def test_in_a_total_margin_counts_with_its_gain() -> None:
    stock = market_value(held("10", "100"), D(12))
    future = market_value(Held(D(1), D(4000), D(4000), "USD", on_margin=True), D(4010))
    assert total([stock, future]) == MarketValue(D(130), D(130), D(30), D(30))
