"""A market that is judged with again and again, and what of it stands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tidebook.compliance.market_values import MarketValues
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import Instrument
from tidebook.model.markets import price_table, rate_table

DAY = date(2026, 5, 4)
ACME = Instrument("ACME", "Acme", "USD", "Equity")
OTHER = Instrument("OTHER", "Other", "USD", "Equity")
PRICES = price_table([Price("ACME", DAY, Decimal(10), "USD")])
RATES = rate_table([Rate("EUR", "USD", DAY, Decimal("1.1"))])


@pytest.fixture
def asked() -> MarketValues:
    market = MarketValues("USD", {"ACME": ACME}, PRICES, RATES)
    quoted = market.close(DAY)["ACME"]
    assert quoted is not None
    assert quoted.price == Decimal(10)
    assert market.close(DAY)["OTHER"] is None
    return market


def test_more_of_a_market_is_taken_in(asked: MarketValues) -> None:
    more = price_table([Price("THIRD", DAY, Decimal(7), "USD")])
    assert asked.learns({"ACME": ACME}, {**PRICES, **more}, RATES)
    quoted = asked.close(DAY)["THIRD"]
    assert quoted is not None
    assert quoted.price == Decimal(7)


def test_a_corrected_price_of_what_was_asked_is_not(asked: MarketValues) -> None:
    corrected = price_table([Price("ACME", DAY, Decimal(11), "USD")])
    assert not asked.learns({"ACME": ACME}, corrected, RATES)


def test_a_first_price_of_what_was_asked_is_not(asked: MarketValues) -> None:
    first = price_table([Price("OTHER", DAY, Decimal(5), "USD")])
    assert not asked.learns({"ACME": ACME}, {**PRICES, **first}, RATES)


def test_an_instrument_that_was_asked_before_it_was_known_is_not(asked: MarketValues) -> None:
    assert not asked.learns({"ACME": ACME, "OTHER": OTHER}, PRICES, RATES)


def test_a_changed_instrument_is_not(asked: MarketValues) -> None:
    changed = ACME._replace(multiplier=Decimal(100))
    assert not asked.learns({"ACME": changed}, PRICES, RATES)


def test_other_rates_are_not(asked: MarketValues) -> None:
    rates = rate_table([Rate("EUR", "USD", DAY, Decimal("1.2"))])
    assert not asked.learns({"ACME": ACME}, PRICES, rates)
