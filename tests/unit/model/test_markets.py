"""Prices and rates as of a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.model.facts import Price, Rate
from tidebook.model.markets import (
    DatedValue,
    PriceQuote,
    price_table,
    quotes,
    rate_table,
)

if TYPE_CHECKING:
    from tidebook.model.markets import (
        RateTable,
    )

D = Decimal


def day(number: int) -> date:
    return date(2025, 1, number)


def table(*rows: tuple[str, int, str]) -> RateTable:
    """Return the table of rates written as EURUSD, day, rate."""
    return rate_table(Rate(pair[:3], pair[3:], day(on), D(rate)) for pair, on, rate in rows)


def rate_of(rates: RateTable, pair: str, on: int) -> Decimal | None:
    found = rates.rate(pair[:3], pair[3:], day(on))
    return found.rate if found else None


def test_the_last_quote_on_or_before_the_day_counts() -> None:
    found = quotes([(day(5), D(2)), (day(2), D(1))])
    assert found.as_of(day(1)) is None
    assert found.as_of(day(2)) == DatedValue(day(2), D(1))
    assert found.as_of(day(4)) == DatedValue(day(2), D(1))
    assert found.as_of(day(9)) == DatedValue(day(5), D(2))


def test_of_two_quotes_for_a_day_the_later_given_wins() -> None:
    assert quotes([(day(1), D(1)), (day(1), D(2))]).values == (2,)
    assert rate_of(table(("EURUSD", 1, "1.1"), ("EURUSD", 1, "1.2")), "EURUSD", 1) == D("1.2")
    prices = price_table([Price("A", day(1), D(1), "USD"), Price("A", day(1), D(2), "EUR")])
    assert prices["A"].as_of(day(1)) == PriceQuote(day(1), D(2), "EUR")


def test_a_price_is_answered_with_its_day_and_currency() -> None:
    prices = price_table([Price("A", day(3), D(2), "EUR"), Price("A", day(1), D(1), "USD")])
    assert prices["A"].as_of(day(2)) == PriceQuote(day(1), D(1), "USD")
    assert prices["A"].as_of(date(2024, 12, 31)) is None


def test_a_currency_in_itself_is_one_on_any_day() -> None:
    assert rate_of(table(), "USDUSD", 1) == 1


def test_a_direct_quote_serves_as_it_is() -> None:
    found = table(("EURUSD", 1, "1.1")).rate("EUR", "USD", day(9))
    assert found is not None
    assert (found.rate, found.on, found.path) == (D("1.1"), day(1), ("EUR/USD",))


def test_the_opposite_quote_is_turned_over() -> None:
    found = table(("EURUSD", 1, "1.25")).rate("USD", "EUR", day(1))
    assert found is not None
    assert (found.rate, found.path) == (D("0.8"), ("EUR/USD",))


def test_the_fresher_of_the_two_directions_wins_and_the_direct_one_when_equally_old() -> None:
    rates = table(("EURUSD", 1, "1.1"), ("USDEUR", 2, "0.8"), ("EURUSD", 3, "1.3"),
                  ("USDEUR", 3, "0.5"))  # fmt: skip
    assert [rate_of(rates, "EURUSD", on) for on in (1, 2, 3)] == [D("1.1"), D("1.25"), D("1.3")]
    assert [rate_of(rates, "USDEUR", on) for on in (2, 3)] == [D("0.8"), D("0.5")]


def test_before_the_first_quote_there_is_no_rate() -> None:
    assert rate_of(table(("EURUSD", 2, "1.1")), "EURUSD", 1) is None
    assert rate_of(table(("EURUSD", 2, "1.1")), "EURGBP", 5) is None


def test_a_cross_rate_goes_through_the_shared_currency() -> None:
    found = table(("EURUSD", 1, "1.2"), ("USDJPY", 3, "150")).rate("EUR", "JPY", day(4))
    assert found is not None
    assert found.rate == 180
    assert (found.on, found.path) == (day(1), ("EUR/USD", "USD/JPY"))


def test_a_cross_through_a_currency_that_quotes_both_divides_once() -> None:
    # 150 / 1.1, not 150 x (1 / 1.1).
    rates = table(("USDEUR", 1, "1.1"), ("USDJPY", 1, "150"))
    assert rate_of(rates, "EURJPY", 1) == D("136.363636363636363636")


def test_the_cross_with_the_freshest_older_leg_wins_then_the_alphabet() -> None:
    rates = table(
        ("EURUSD", 1, "1"), ("USDJPY", 1, "100"),
        ("EURGBP", 2, "1"), ("GBPJPY", 1, "200"),
        ("EURCHF", 3, "1"), ("CHFJPY", 2, "300"),
    )  # fmt: skip
    assert rate_of(rates, "EURJPY", 1) == 100
    assert rate_of(rates, "EURJPY", 3) == 300
    tied = table(("EURUSD", 1, "1"), ("USDJPY", 1, "100"), ("EURGBP", 1, "1"), ("GBPJPY", 1, "200"))
    assert rate_of(tied, "EURJPY", 1) == 200


def test_a_pair_that_was_ever_quoted_is_not_crossed_however_old() -> None:
    rates = table(("EURJPY", 1, "90"), ("EURUSD", 5, "1"), ("USDJPY", 5, "100"))
    assert rate_of(rates, "EURJPY", 6) == 90


def test_no_rate_is_made_through_two_currencies() -> None:
    rates = table(("EURUSD", 1, "1"), ("USDJPY", 1, "100"), ("JPYKRW", 1, "9"))
    assert rate_of(rates, "EURKRW", 1) is None


def test_the_days_of_a_pair_are_those_on_which_its_answer_may_change() -> None:
    rates = table(
        ("EURUSD", 1, "1"), ("USDEUR", 2, "1"), ("EURGBP", 3, "1"), ("GBPUSD", 4, "1"),
        ("USDCHF", 5, "1"),
    )  # fmt: skip
    assert rates.days("EUR", "USD") == (day(1), day(2), day(3), day(4))
    assert rates.days("USD", "CHF") == (day(5),)
