"""The daily series, worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.cashflows import Timing
from tidebook.book.series import (
    DatedFlow,
    HeldSteps,
    Market,
    PortfolioDay,
    contract_steps,
    cumulated,
    daily_series,
    held_steps,
    portfolio_flows,
    priced_steps,
    rates_by_day,
)
from tidebook.model.facts import Price, Rate
from tidebook.model.markets import price_table, rate_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

D = Decimal


def day(number: int) -> date:
    return date(2025, 1, number)


DAYS = [day(number) for number in range(1, 6)]
MORE_DAYS = [day(number) for number in range(1, 16)]


def market(prices: Iterable[Price] = (), rates: Iterable[Rate] = ()) -> Market:
    return Market(price_table(prices), rate_table(rates), "USD", {})


def held(
    key: str, *steps: tuple[int, str, str], currency: str = "USD", cash: bool = False
) -> HeldSteps:
    """Return what a key holds and what it cost, from each day on."""
    days = tuple(day(number) for number, _, _ in steps)
    quantities = tuple(D(quantity) for _, quantity, _ in steps)
    return HeldSteps(key, currency, cash, days, quantities, tuple(D(cost) for _, _, cost in steps))


def price(key: str, number: int, value: str, currency: str = "USD") -> Price:
    return Price(key, day(number), D(value), currency)


def closing(holdings: Sequence[HeldSteps], valued_in: Market) -> list[tuple[Decimal, Decimal]]:
    """Return values and costs of the days; few days and many are valued in two ways, and agree."""
    rows = daily_series(DAYS, holdings, [], valued_in)
    assert daily_series(MORE_DAYS, holdings, [], valued_in)[: len(DAYS)] == rows
    return [(row.eod_market_value, row.unpriced_cost) for row in rows]


def test_no_days_no_series() -> None:
    assert daily_series([], [], [], market()) == ()


def test_each_day_opens_with_what_the_day_before_closed_with() -> None:
    rows = daily_series(
        [day(2), day(3)],
        [held("A", (2, "10", "50"))],
        [],
        market([price("A", 2, "6"), price("A", 3, "7")]),
        opening=D(5),
    )
    nothing = D(0)
    assert rows == (
        PortfolioDay(day(2), D(5), nothing, nothing, D(60), nothing, nothing),
        PortfolioDay(day(3), D(60), nothing, nothing, D(70), nothing, nothing),
    )


def test_prices_are_carried_over_gaps_and_quantities_too() -> None:
    holdings = [held("A", (1, "10", "50"), (4, "20", "150"))]
    assert closing(holdings, market([price("A", 1, "6"), price("A", 3, "7")])) == [
        (60, 0),
        (60, 0),
        (70, 0),
        (140, 0),
        (140, 0),
    ]


def test_a_price_from_before_the_first_day_counts() -> None:
    early = Price("A", date(2020, 1, 1), D(6), "USD")
    assert closing([held("A", (1, "10", "50"))], market([early]))[0] == (60, 0)


def test_what_is_held_before_its_first_price_is_not_valued_but_its_cost_is_told() -> None:
    holdings = [held("A", (2, "10", "50"), (3, "20", "110"), (5, "0", "0"))]
    assert closing(holdings, market([price("A", 4, "6")])) == [
        (0, 0),
        (0, 50),
        (0, 110),
        (120, 0),
        (0, 0),
    ]


def test_what_never_has_a_price_is_unpriced_while_it_is_held() -> None:
    holdings = [held("A", (2, "10", "50"), (4, "0", "0"))]
    assert closing(holdings, market()) == [(0, 0), (0, 50), (0, 50), (0, 0), (0, 0)]


def test_cash_is_worth_its_amount_and_needs_no_price() -> None:
    cash = held("CASH_USD", (2, "100", "100"), (3, "-40", "-40"), cash=True)
    assert closing([cash], market()) == [(0, 0), (100, 0), (-40, 0), (-40, 0), (-40, 0)]


def test_foreign_holdings_are_converted_at_the_rate_of_each_day() -> None:
    holdings = [
        held("A", (1, "10", "50"), currency="EUR"),
        held("CASH_EUR", (1, "5", "5"), currency="EUR", cash=True),
    ]
    rates = [Rate("EUR", "USD", day(1), D("1.1")), Rate("EUR", "USD", day(3), D("1.2"))]
    values = closing(holdings, market([price("A", 1, "6", "EUR")], rates))
    assert values == [(D("71.5"), 0), (D("71.5"), 0), (78, 0), (78, 0), (78, 0)]


def test_an_inverse_quote_serves_when_it_is_the_only_one() -> None:
    holdings = [held("A", (1, "10", "50"), currency="EUR")]
    rates = [Rate("USD", "EUR", day(1), D("0.8"))]
    assert closing(holdings, market([price("A", 1, "6", "EUR")], rates))[0] == (75, 0)


def test_a_price_in_another_currency_goes_through_the_instruments() -> None:
    holdings = [held("A", (1, "10", "50"), currency="EUR")]
    rates = [Rate("GBP", "EUR", day(1), D("1.2")), Rate("EUR", "USD", day(1), D("1.1"))]
    assert closing(holdings, market([price("A", 1, "5", "GBP")], rates))[0] == (66, 0)


def test_a_security_whose_price_changes_currency_is_valued_day_by_day() -> None:
    holdings = [held("A", (1, "10", "50"), (3, "0", "0"), (4, "1", "9"))]
    prices = [price("A", 1, "5", "EUR"), price("A", 2, "7"), price("A", 5, "8", "CHF")]
    rates = [Rate("EUR", "USD", day(1), D("1.1"))]
    assert closing(holdings, market(prices, rates)) == [
        (55, 0),
        (70, 0),
        (0, 0),
        (7, 0),
        (0, 9),
    ]


def test_without_a_rate_yet_the_cost_is_unpriced() -> None:
    holdings = [held("A", (1, "10", "50"), currency="EUR"), held("B", (1, "1", "4"))]
    prices = [price("A", 1, "6", "EUR"), price("B", 1, "3")]
    rates = [Rate("EUR", "USD", day(3), D("1.1"))]
    assert closing(holdings, market(prices, rates)) == [
        (3, 50),
        (3, 50),
        (69, 0),
        (69, 0),
        (69, 0),
    ]


def test_what_lacks_both_price_and_rate_is_unpriced_once() -> None:
    holdings = [
        held("A", (1, "10", "50"), currency="EUR"),
        held("B", (1, "1", "4"), currency="EUR"),
    ]
    prices = [price("A", 1, "6", "EUR"), price("B", 2, "3", "EUR")]
    assert closing(holdings, market(prices))[:2] == [(0, 54), (0, 54)]


def test_holdings_whose_values_cancel_are_unpriced_all_the_same_without_a_rate() -> None:
    holdings = [
        held("A", (1, "10", "50"), currency="EUR"),
        held("B", (1, "-10", "-30"), currency="EUR"),
    ]
    prices = [price("A", 1, "6", "EUR"), price("B", 1, "6", "EUR")]
    assert closing(holdings, market(prices))[0] == (0, 20)


def test_flows_count_on_their_day_at_their_hour() -> None:
    flows = [
        DatedFlow(day(2), D(60), Timing.BOD, is_cost=False),
        DatedFlow(day(2), D(40), Timing.BOD, is_cost=False),
        DatedFlow(day(2), D(-30), Timing.EOD, is_cost=False),
        DatedFlow(day(2), D(-5), Timing.EOD, is_cost=True),
    ]
    row = daily_series(DAYS, [], flows, market())[1]
    assert (row.bod_cashflow, row.eod_cashflow, row.fees) == (100, -35, 5)


def test_a_flow_between_two_valuation_days_belongs_to_the_next() -> None:
    flows = [DatedFlow(day(3), D(100), Timing.BOD, is_cost=False)]
    rows = daily_series([day(2), day(4), day(5)], [], flows, market())
    assert [row.bod_cashflow for row in rows] == [0, 100, 0]


def test_a_flow_after_the_last_day_is_not_in_the_series_yet() -> None:
    flows = [DatedFlow(day(9), D(100), Timing.BOD, is_cost=False)]
    assert [row.bod_cashflow for row in daily_series(DAYS, [], flows, market())] == [0] * 5


def test_steps_made_earlier_serve_in_place_of_prices() -> None:
    quotes = price_table([price("A", 1, "6")])
    ready = Market({}, rate_table([]), "USD", {"A": priced_steps(quotes["A"])})
    assert closing([held("A", (1, "10", "50"))], ready)[0] == (60, 0)


def test_a_held_key_changes_once_a_day_whatever_happened_inside_it() -> None:
    facts = [
        trade("a", "BUY", "A", "2025-01-01", quantity="10", gross="100"),
        trade("b", "BUY", "A", "2025-01-02T09:00:00+00:00", quantity="10", gross="200"),
        trade("s", "SELL", "A", "2025-01-02T15:00:00+00:00", quantity="20", gross="500"),
        trade("d", "DIVIDEND", "A", "2025-01-03", gross="7"),
    ]
    book = keep_book(facts, portfolio(), [security("A")])
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    assert steps == [
        held("A", (1, "10", "100"), (2, "0", "0")),
        held("CASH_USD", (1, "-100", "-100"), (2, "200", "200"), (3, "207", "207"), cash=True),
    ]


def test_a_key_that_only_paid_income_holds_nothing() -> None:
    facts = [trade("d", "DIVIDEND", "A", "2025-01-03", gross="7")]
    book = keep_book(facts, portfolio(), [security("A")])
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    assert [step.security_id for step in steps] == ["CASH_USD"]


def test_changes_of_days_accumulate() -> None:
    changes = {day(3): (D(-4), D(-20)), day(1): (D(10), D(50))}
    assert cumulated("A", "USD", False, changes) == held("A", (1, "10", "50"), (3, "6", "30"))  # noqa: FBT003


def test_cash_that_never_moved_is_worth_nothing() -> None:
    empty = HeldSteps("CASH_USD", "USD", True, (), (), ())  # noqa: FBT003
    assert closing([empty], market())[0] == (0, 0)


@pytest.mark.parametrize(
    ("type_", "amount", "timing", "is_cost"),
    [
        ("DEPOSIT", "110", Timing.BOD, False),
        ("WITHDRAWAL", "-110", Timing.EOD, False),
        ("FEE", "-110", Timing.EOD, True),
        ("TAX", "-110", Timing.EOD, True),
    ],
)
def test_flows_across_the_border_are_in_base_currency_at_the_booked_rate(
    type_: str, amount: str, timing: Timing, is_cost: bool
) -> None:
    fact = trade("t", type_, "CASH", "2025-01-01", gross="100", currency="EUR", fx_rate="1.1")
    book = keep_book([fact], portfolio())
    assert portfolio_flows(book.entries) == [DatedFlow(day(1), D(amount), timing, is_cost)]


def test_trades_and_income_cross_no_border() -> None:
    facts = [
        trade("b", "BUY", "A", "2025-01-01", quantity="1", gross="100"),
        trade("s", "SELL", "A", "2025-01-02", quantity="1", gross="100"),
        trade("d", "DIVIDEND", "A", "2025-01-02", gross="100"),
        trade("i", "INTEREST", "CASH", "2025-01-02", gross="100"),
    ]
    assert portfolio_flows(keep_book(facts, portfolio(), [security("A")]).entries) == []


def test_the_rate_of_each_day_is_the_tables_and_none_before_the_first() -> None:
    rates = rate_table(
        [
            Rate("EUR", "USD", day(2), D("1.1")),
            Rate("USD", "EUR", day(4), D("0.8")),
            Rate("EUR", "USD", day(5), D("1.3")),
        ]
    )
    found = rates_by_day(rates, "EUR", "USD", DAYS)
    assert found == [None, D("1.1"), D("1.1"), D("1.25"), D("1.3")]
    assert rates_by_day(rates, "EUR", "EUR", DAYS) == [1] * 5


def test_a_contract_is_valued_by_its_multiplier() -> None:
    calls = contract_steps(held("C", (2, "3", "600")), D(100))
    prices = market([price("C", 3, "2"), price("C", 5, "2.5")])
    assert closing([calls], prices) == [(0, 0), (0, 600), (600, 0), (600, 0), (750, 0)]


def futures(currency: str = "USD") -> HeldSteps:
    """Return 2 futures of 50 each from day 2, marked to 4010 on day 4: their cost is their value.

    They cost 2 x 50 x 4000 = 400,000 and from then on 401,000.
    """
    steps = held("F", (2, "2", "320000"), (4, "2", "320800"), currency=currency)
    return contract_steps(steps, D(50), [D(400_000), D(401_000)])


def test_on_margin_the_gain_since_the_last_settlement_counts() -> None:
    prices = market([price("F", 2, "4000"), price("F", 3, "4005"), price("F", 5, "4020")])
    # On day 4 the price is still 4005, the settlement was at 4010: 100 x -5.
    assert closing([futures()], prices) == [(0, 0), (0, 0), (500, 0), (-500, 0), (1000, 0)]


def test_margin_without_a_price_is_worth_nothing_and_leaves_nothing_unpriced() -> None:
    late = market([price("F", 5, "4020")])
    assert closing([futures()], late) == [(0, 0)] * 4 + [(1000, 0)]
    assert closing([futures()], market()) == [(0, 0)] * 5


def test_margin_in_another_currency_is_converted_gain_by_gain() -> None:
    prices = [price("F", 2, "4005", "EUR")]
    # 100 x 5 = 500 euros; then settled at 4010, a loss of 500 against the last price.
    rates = [Rate("EUR", "USD", day(3), D("1.1")), Rate("EUR", "USD", day(4), D("1.2"))]
    assert closing([futures("EUR")], market(prices, rates)) == [
        (0, 0),
        (0, 0),
        (550, 0),
        (-600, 0),
        (-600, 0),
    ]


def test_margin_quoted_in_two_currencies_is_valued_day_by_day() -> None:
    prices = [price("F", 2, "4005"), price("F", 5, "2010", "EUR")]
    rates = [Rate("EUR", "USD", day(1), D(2))]
    assert closing([futures()], market(prices, rates)) == [
        (0, 0),
        (500, 0),
        (500, 0),
        (-500, 0),
        (1000, 0),
    ]
