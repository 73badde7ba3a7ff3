"""What holds for the daily series: it is the valuation of every day, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import keep_book, portfolio, security
from tests.laws.strategies import (
    CURRENCIES,
    DAYS,
    FIRST,
    days,
    histories,
    price_facts,
    rate_facts,
)
from tidebook.book.positions import positions
from tidebook.book.series import (
    Market,
    daily_series,
    held_steps,
    portfolio_flows,
    rates_by_day,
)
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.facts import Rate, TransactionType
from tidebook.model.markets import NO_PRICES, Split, over_splits, price_table, rate_table
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from datetime import date

    from tests.fixtures.booking import Book
    from tidebook.book.series import PortfolioDay
    from tidebook.model.facts import Price, Transaction

KEYS = ("ACME", "BEST")
CALENDAR = [FIRST + timedelta(days=offset) for offset in range(DAYS)]
LAST_PLACE = Decimal("1e-18")

own_facts = histories(*TransactionType, securities=KEYS, largest=10)
euro_facts = histories(*TransactionType, securities=KEYS, currency="EUR", largest=10)


def series_of(book: Book, market: Market, days: list[date]) -> tuple[PortfolioDay, ...]:
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    return daily_series(days, steps, portfolio_flows(book.entries), market)


def valued_by_position(book: Book, market: Market, on: date) -> tuple[Decimal, Decimal, int]:
    """Return a day's value, the cost of what has none, and how many were valued."""
    worth = unpriced = ZERO
    count = 0
    with exact():
        for key, position in positions(book.entries, on).items():
            currency = book.currencies()[key]
            held = Held(position.quantity, position.cost_local, position.cost_base, currency)
            is_cash = key in book.cash_keys()
            quote = (
                cash_quote(currency, on) if is_cash else market.prices.get(key, NO_PRICES).as_of(on)
            )
            value = value_position(held, quote, market.rates, market.base_currency, on).value
            if value is None:
                unpriced += position.cost_base
            else:
                worth += value.base
                count += 1
    return worth, unpriced, count


@given(own_facts, price_facts(KEYS, "USD"), st.booleans())
def test_every_day_closes_with_the_sum_of_its_positions(
    facts: list[Transaction], prices: list[Price], short: bool
) -> None:
    book = keep_book(facts, portfolio(allow_short=short), map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    for row in series_of(book, market, CALENDAR):
        worth, unpriced, _ = valued_by_position(book, market, row.on)
        assert (row.eod_market_value, row.unpriced_cost) == (worth, unpriced)


@given(euro_facts, price_facts(KEYS, "CHF") | price_facts(KEYS, "EUR"), rate_facts)
def test_converting_a_sum_or_its_parts_differs_in_the_last_place_alone(
    facts: list[Transaction], prices: list[Price], rates: list[Rate]
) -> None:
    book = keep_book(facts, portfolio(), [security(key, "EUR") for key in KEYS])
    market = Market(price_table(prices), rate_table(rates), "USD", {})
    for row in series_of(book, market, CALENDAR):
        worth, unpriced, count = valued_by_position(book, market, row.on)
        # Two roundings a position; the first is multiplied by a rate of at most 1 / 0.01 or 200,
        # or by the product of two of them through a third currency.
        assert abs(row.eod_market_value - worth) <= LAST_PLACE * (count + 1) * 40_001
        assert row.unpriced_cost == unpriced


@given(own_facts, st.data())
def test_prices_that_change_currency_are_valued_the_same_way(
    facts: list[Transaction], data: st.DataObject
) -> None:
    prices = [*data.draw(price_facts(KEYS, "USD")), *data.draw(price_facts(KEYS, "EUR"))]
    book = keep_book(facts, portfolio(), map(security, KEYS))
    rates = rate_table([Rate("EUR", "USD", CALENDAR[5], Decimal("1.1"))])
    market = Market(price_table(prices), rates, "USD", {})
    for row in series_of(book, market, CALENDAR):
        worth, unpriced, count = valued_by_position(book, market, row.on)
        assert abs(row.eod_market_value - worth) <= LAST_PLACE * (count + 1)
        assert row.unpriced_cost == unpriced


@given(own_facts, price_facts(KEYS, "USD"), st.integers(1, DAYS - 1))
def test_a_series_may_be_taken_up_on_any_day(
    facts: list[Transaction], prices: list[Price], cut: int
) -> None:
    book = keep_book(facts, portfolio(), map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    whole = series_of(book, market, CALENDAR)
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    later = [flow for flow in portfolio_flows(book.entries) if flow.on >= CALENDAR[cut]]
    opening = whole[cut - 1].eod_market_value
    assert daily_series(CALENDAR[cut:], steps, later, market, opening) == whole[cut:]


@given(
    own_facts, st.sets(st.sampled_from(CALENDAR)).map(lambda days: sorted({*days, CALENDAR[-1]}))
)
def test_no_flow_is_lost_between_valuation_days(facts: list[Transaction], days: list[date]) -> None:
    book = keep_book(facts, portfolio(), map(security, KEYS))
    market = Market({}, rate_table([]), "USD", {})
    flows = portfolio_flows(book.entries)
    with exact():
        told = sum(
            (row.bod_cashflow + row.eod_cashflow for row in series_of(book, market, days)), ZERO
        )
        fees = sum((row.fees for row in series_of(book, market, days)), ZERO)
        assert told == sum((flow.amount for flow in flows), ZERO)
        assert fees == -sum((flow.amount for flow in flows if flow.is_cost), ZERO)


@given(rate_facts, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES))
def test_the_rates_of_many_days_are_the_rates_of_each(
    facts: list[Rate], source: str, target: str
) -> None:
    table = rate_table(facts)
    each = [table.rate(source, target, on) for on in CALENDAR]
    expected = [quote.rate if quote else None for quote in each]
    assert rates_by_day(table, source, target, CALENDAR) == expected


splits = st.lists(
    st.builds(
        Split,
        days,
        st.integers(1, 7).map(Decimal),
        st.integers(1, 7).map(Decimal),
        st.just("split"),
    ),
    min_size=1,
    max_size=4,
).map(sorted)


@given(own_facts, price_facts(KEYS, "USD"), splits)
def test_prices_carried_over_splits_are_the_same_by_day_and_by_position(
    facts: list[Transaction], prices: list[Price], carried_over: list[Split]
) -> None:
    book = keep_book(facts, portfolio(), map(security, KEYS))
    quoted = price_table(prices)
    carried = {key: over_splits(found, carried_over) for key, found in quoted.items()}
    market = Market(carried, rate_table([]), "USD", {})
    for row in series_of(book, market, CALENDAR):
        worth, unpriced, _ = valued_by_position(book, market, row.on)
        assert (row.eod_market_value, row.unpriced_cost) == (worth, unpriced)


@given(price_facts(("ACME",), "USD"), splits)
def test_a_split_makes_nobody_richer_or_poorer_before_the_next_quote(
    prices: list[Price], carried_over: list[Split]
) -> None:
    quoted = price_table(prices).get("ACME", NO_PRICES)
    found = over_splits(quoted, carried_over)
    for on in CALENDAR:
        plain, quote = quoted.as_of(on), found.as_of(on)
        assert (plain is None) == (quote is None)
        if plain is None or quote is None:
            continue
        assert (quote.on, quote.currency) == (plain.on, plain.currency)
        units = Fraction(1)
        for split in carried_over:
            if plain.on < split.on <= on:
                units *= Fraction(split.new_units) / Fraction(split.old_units)
        # Each of the four divisions is off by half a last place, seven times as much after the
        # next three, and the units are at most 7 ** 4.
        apart = abs(Fraction(quote.price) * units - Fraction(plain.price))
        assert apart <= Fraction(LAST_PLACE) * 2 * 7**7
        assert (quote.carried is None) == (
            not any(plain.on < each.on <= on for each in carried_over)
        )
