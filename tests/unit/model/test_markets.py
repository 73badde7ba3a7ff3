"""Prices and rates as of a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.model.facts import Price, Rate
from tidebook.model.markets import (
    NO_PRICES,
    CarriedPrice,
    DatedValue,
    PriceQuote,
    Split,
    corrected_prices,
    over_splits,
    price_table,
    quotes,
    rate_table,
)

if TYPE_CHECKING:
    from tidebook.model.markets import (
        PriceQuotes,
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


def split(on: int, new: str, old: str = "1", action_id: str = "S1") -> Split:
    return Split(day(on), D(new), D(old), action_id)


def quoted(*rows: tuple[int, str]) -> PriceQuotes:
    return price_table(Price("A", day(on), D(price), "USD") for on, price in rows)["A"]


def prices_on(found: PriceQuotes, *days: int) -> list[Decimal | None]:
    quotes_then = [found.as_of(day(on)) for on in days]
    return [None if quote is None else quote.price for quote in quotes_then]


def test_a_price_is_carried_over_a_split_by_its_ratio_and_never_back() -> None:
    found = over_splits(quoted((5, "100"), (15, "52")), [split(10, "2")])
    assert prices_on(found, 4, 5, 9, 10, 14, 15, 20) == [None, 100, 100, 50, 50, 52, 52]


def test_a_carried_price_still_says_which_day_it_was_quoted_at_what_and_by_which_action() -> None:
    found = over_splits(quoted((5, "100")), [split(10, "2")]).as_of(day(12))
    carried = CarriedPrice(day(10), D(50), DatedValue(day(5), D(100)), (split(10, "2"),))
    assert found == PriceQuote(day(5), D(50), "USD", carried)
    before = over_splits(quoted((5, "100")), [split(10, "2")]).as_of(day(9))
    assert before == PriceQuote(day(5), D(100), "USD", None)


def test_a_price_quoted_on_the_ex_date_is_of_the_new_units() -> None:
    found = over_splits(quoted((5, "100"), (10, "51")), [split(10, "2")])
    assert found == quoted((5, "100"), (10, "51"))


def test_a_split_before_the_first_price_carries_nothing() -> None:
    assert over_splits(quoted((5, "100")), [split(4, "2")]) == quoted((5, "100"))
    assert over_splits(NO_PRICES, [split(4, "2")]) == NO_PRICES


def test_a_price_is_carried_over_several_splits_one_after_another() -> None:
    # 100 / 3 to eighteen places, and that times ten in a reverse split; two on one day are one.
    later = [split(8, "3"), split(10, "1", "10", "S2")]
    found = over_splits(quoted((5, "100")), later)
    third = D("33.333333333333333333")
    assert prices_on(found, 8, 9, 10) == [third, third, D("333.333333333333333330")]
    quote = found.as_of(day(10))
    assert quote is not None
    assert quote.carried is not None
    assert quote.carried.splits == tuple(later)
    same_day = over_splits(quoted((5, "100")), [split(10, "2"), split(10, "5", "2", "S2")])
    assert prices_on(same_day, 9, 10) == [100, 20]
    assert len(same_day.carried) == 1


def test_a_price_between_two_splits_starts_anew() -> None:
    found = over_splits(quoted((5, "100"), (9, "60")), [split(8, "2"), split(10, "3")])
    assert prices_on(found, 7, 8, 9, 10) == [100, 50, 60, 20]


def test_the_last_place_of_a_carried_price_is_half_even() -> None:
    found = over_splits(
        quoted((5, "0.000000000000000005"), (7, "0.000000000000000003")),
        [split(6, "2"), split(8, "2")],
    )
    assert prices_on(found, 6, 8) == [D("2E-18"), D("2E-18")]


def test_carrying_again_over_other_splits_begins_from_what_was_quoted() -> None:
    once = over_splits(quoted((5, "100")), [split(10, "2")])
    assert prices_on(over_splits(once, [split(10, "4")]), 10) == [25]
    assert over_splits(once, []) == quoted((5, "100"))
    assert over_splits(once, [split(10, "2")]) == once


def test_steps_hold_what_was_quoted_and_what_was_carried_in_order() -> None:
    found = over_splits(quoted((5, "100"), (15, "52")), [split(10, "2"), split(20, "2")])
    assert found.steps() == ((day(5), day(10), day(15), day(20)), (100, 50, 52, 26))
    assert (found.days, found.prices) == ((day(5), day(15)), (100, 52))


def test_a_corrected_run_of_prices_is_not_carried_yet() -> None:
    once = over_splits(quoted((5, "100")), [split(10, "2")])
    corrected = corrected_prices(once, [Price("A", day(5), D(80), "USD")])
    assert corrected == quoted((5, "80"))
