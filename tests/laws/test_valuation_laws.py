"""What holds for values and rates."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.laws.strategies import CURRENCIES, amounts, days, decimals, rate_facts, rates
from tidebook.book.valuation import Held, coverage, market_value, value_position
from tidebook.model.markets import PriceQuote, rate_table
from tidebook.model.money import exact

if TYPE_CHECKING:
    from datetime import date

    from tidebook.model.facts import Rate

LAST_PLACE = Decimal("1e-18")
signed = decimals("-1e12", "1e12")
prices = decimals("0", "1e9")


@given(signed, signed, signed, prices)
def test_two_holdings_are_worth_what_they_are_worth_together(
    one: Decimal, other: Decimal, cost: Decimal, price: Decimal
) -> None:
    with exact():
        parts = [
            market_value(Held(quantity, cost, cost, "USD"), price) for quantity in (one, other)
        ]
        whole = market_value(Held(one + other, cost + cost, cost + cost, "USD"), price)
        assert parts[0].local + parts[1].local == whole.local
        assert parts[0].unrealised_base + parts[1].unrealised_base == whole.unrealised_base


@given(st.builds(Held, signed, signed, signed, st.just("EUR")), prices, rates, rates)
def test_a_value_is_its_cost_and_its_gain(
    held: Held, price: Decimal, first: Decimal, then: Decimal
) -> None:
    value = market_value(held, price, rate_to_local=first, rate_to_base=then)
    with exact():
        assert value.local == held.cost_local + value.unrealised_local
        assert value.base == held.cost_base + value.unrealised_base


@given(st.decimals(-1_000, 1_000, places=3), prices, rate_facts, days, st.sampled_from(CURRENCIES))
def test_a_value_is_defined_just_when_its_rates_are(
    quantity: Decimal, price: Decimal, facts: list[Rate], on: date, local: str
) -> None:
    table = rate_table(facts)
    held = Held(quantity, quantity, quantity, local)
    valuation = value_position(held, PriceQuote(on, price, "EUR"), table, "USD", on)
    known = table.rate("EUR", local, on) and table.rate(local, "USD", on)
    assert (valuation.value is None) is (bool(quantity) and known is None)
    assert (valuation.reason is None) is (valuation.value is not None)


@given(amounts, amounts)
def test_coverage_is_a_fraction_of_the_whole(valued: Decimal, unpriced: Decimal) -> None:
    found = coverage(valued, unpriced)
    if found is None:
        assert valued == unpriced == 0
    else:
        assert 0 <= found <= 1
        assert (found == 0) is (valued == 0) or found <= LAST_PLACE


@given(rate_facts, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), days)
def test_a_rate_is_known_in_both_directions_or_in_neither(
    facts: list[Rate], source: str, target: str, on: date
) -> None:
    table = rate_table(facts)
    there, back = table.rate(source, target, on), table.rate(target, source, on)
    assert (there is None) is (back is None)
    if there is not None:
        assert there.on <= on


@given(rate_facts, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), days)
def test_no_quote_of_a_later_day_is_ever_used(
    facts: list[Rate], source: str, target: str, on: date
) -> None:
    known_then = rate_table([rate for rate in facts if rate.on <= on])
    assert rate_table(facts).rate(source, target, on) == known_then.rate(source, target, on)
