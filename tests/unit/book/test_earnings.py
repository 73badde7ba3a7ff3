"""What changed a portfolio's value over a period, line by line."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import D, keep_book, portfolio, security, trade
from tidebook.book.earnings import KeptBook, period_earnings
from tidebook.book.series import Market
from tidebook.errors import UnusableSeriesError
from tidebook.model.facts import Price, Rate
from tidebook.model.markets import price_table, rate_table
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tidebook.book.earnings import PeriodEarnings
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio

JANUARY = Span(date(2025, 1, 1), date(2025, 1, 31))
FEBRUARY = Span(date(2025, 2, 1), date(2025, 2, 28))
HOME = portfolio("USD", allow_short=True)


def acme(*prices: tuple[str, str], currency: str = "USD") -> list[Price]:
    return [Price("ACME", date.fromisoformat(on), D(price), currency) for on, price in prices]


def rates_of(*rates: tuple[str, str, str, str]) -> list[Rate]:
    return [Rate(source, to, date.fromisoformat(on), D(rate)) for source, to, on, rate in rates]


def earned_over(
    span: Span,
    facts: list[Transaction],
    prices: list[Price],
    rates: list[Rate] | None = None,
    home: Portfolio = HOME,
) -> PeriodEarnings:
    table = rate_table(rates or [])
    book = keep_book(facts, home, [security("ACME")], table)
    assert not book.findings
    known = {fact.transaction_id: fact for fact in facts}
    kept = KeptBook(book.entries, known, book.instruments)
    market = Market(price_table(prices), table, home.base_currency, {})
    return period_earnings(kept, span, market)


TWO_MONTHS = [
    trade("in", "DEPOSIT", "CASH", "2025-01-02", gross="1000"),
    trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="50", fee="5"),
    trade("dividend", "DIVIDEND", "ACME", "2025-02-05", gross="20", tax="3"),
    trade("sell", "SELL", "ACME", "2025-02-10", quantity="4", price="65", fee="2", tax="1"),
    trade("more", "BUY", "ACME", "2025-02-20", quantity="2", price="70", fee="1"),
    trade("out", "WITHDRAWAL", "CASH", "2025-02-25", gross="100"),
    trade("custody", "FEE", "CASH", "2025-02-27", gross="10"),
]
MONTH_ENDS = acme(("2025-01-31", "60"), ("2025-02-28", "75"))


def test_the_first_month_starts_from_nothing_and_gains_before_costs() -> None:
    found = earned_over(JANUARY, TWO_MONTHS, MONTH_ENDS)
    assert (found.initial, found.transfers, found.final) == (0, 1000, 1095)
    assert (found.realised, found.unrealised, found.fees) == (0, 100, 5)
    assert found.unexplained == 0


def test_the_second_month_counts_from_the_values_at_the_end_of_the_first() -> None:
    found = earned_over(FEBRUARY, TWO_MONTHS, MONTH_ENDS)
    # 495 in cash and ten shares at 60; at the end 518 and eight at 75.
    assert (found.initial, found.final) == (1095, 1118)
    # Four shares went at 65 and six stand at 75, all from 60; two came at 70.
    assert (found.realised, found.unrealised) == (20, 6 * 15 + 2 * 5)
    assert (found.income, found.fees, found.taxes) == (20, 2 + 1 + 10, 3 + 1)
    assert found.transfers == -100
    assert found.unexplained == 0
    shares = next(key for key in found.keys if key.security_id == "ACME")
    assert (shares.initial, shares.final, shares.cost) == (600, 600, 6 * 60 + 2 * 70)


def test_a_day_of_the_period_before_is_not_counted_again() -> None:
    first = Span(date(2025, 1, 10), date(2025, 1, 31))
    assert earned_over(first, TWO_MONTHS, MONTH_ENDS).fees == 5
    after = Span(date(2025, 1, 11), date(2025, 1, 31))
    assert earned_over(after, TWO_MONTHS, MONTH_ENDS).fees == 0


def test_average_cost_mixes_what_was_held_with_what_came() -> None:
    facts = [
        trade("old", "BUY", "ACME", "2025-01-10", quantity="10", price="50"),
        trade("new", "BUY", "ACME", "2025-02-05", quantity="10", price="80"),
        trade("sell", "SELL", "ACME", "2025-02-10", quantity="5", price="90"),
    ]
    # Ten at 60 and ten at 80 average 70; in order of age the five would have come at 60.
    pooled = earned_over(
        FEBRUARY, facts, MONTH_ENDS, home=HOME._replace(cost_method=CostMethod.AVCO)
    )
    assert (pooled.realised, pooled.unrealised) == (5 * 20, 15 * 5)
    in_order = earned_over(FEBRUARY, facts, MONTH_ENDS)
    assert (in_order.realised, in_order.unrealised) == (5 * 30, 5 * 15 - 10 * 5)


def test_a_gain_abroad_is_split_into_price_and_currency() -> None:
    facts = [
        trade("in", "DEPOSIT", "CASH", "2025-01-02", gross="1000"),
        trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="100"),
        trade("sell", "SELL", "ACME", "2025-02-10", quantity="5", price="110"),
    ]
    rates = rates_of(
        ("USD", "EUR", "2025-01-01", "0.90"),
        ("USD", "EUR", "2025-02-10", "0.95"),
        ("USD", "EUR", "2025-02-28", "0.92"),
    )
    prices = acme(("2025-01-10", "100"), ("2025-02-28", "120"))
    found = earned_over(FEBRUARY, facts, prices, rates, portfolio("EUR"))
    shares = next(key for key in found.keys if key.security_id == "ACME")
    # 550 dollars at 0.95 less five shares at 90 euros each; a cent five times on each 100 dollars.
    assert (shares.realised, shares.realised_currency) == (D("72.5"), 25)
    # 600 dollars at 0.92 less 450 euros; two cents on each of 500 dollars.
    assert (shares.unrealised, shares.unrealised_currency) == (102, 10)
    # 550 dollars fell from 0.95 to 0.92.
    assert found.currency == D("-16.5")
    assert (found.initial, found.final) == (900, 552 + 506)
    assert found.unexplained == 0


def test_a_short_position_gains_when_the_price_falls() -> None:
    facts = [
        trade("short", "SELL", "ACME", "2025-01-10", quantity="10", price="100"),
        trade("cover", "BUY", "ACME", "2025-02-10", quantity="4", price="95"),
    ]
    found = earned_over(FEBRUARY, facts, acme(("2025-01-31", "90"), ("2025-02-28", "80")))
    assert (found.realised, found.unrealised) == (-4 * 5, 6 * 10)
    assert found.unexplained == 0


def test_what_crosses_zero_closes_one_side_and_opens_the_other() -> None:
    facts = [
        trade("short", "SELL", "ACME", "2025-01-10", quantity="10", price="100"),
        trade("turn", "BUY", "ACME", "2025-02-10", quantity="15", price="95", fee="3"),
    ]
    found = earned_over(FEBRUARY, facts, acme(("2025-01-31", "90"), ("2025-02-28", "100")))
    assert (found.realised, found.unrealised, found.fees) == (-10 * 5, 5 * 5, 3)
    assert found.unexplained == 0


def test_a_delivery_crosses_the_border_at_its_value_and_brings_its_costs() -> None:
    facts = [
        trade(
            "come", "TRANSFER_IN", "ACME", "2025-02-05", quantity="1", gross="80", fee="10", tax="5"
        )
    ]
    found = earned_over(FEBRUARY, facts, MONTH_ENDS)
    assert (found.transfers, found.fees, found.taxes) == (95, 10, 5)
    assert (found.unrealised, found.final, found.unexplained) == (-5, 75, 0)


def test_a_delivery_out_realises_against_its_stated_value() -> None:
    facts = [
        trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="50"),
        trade("go", "TRANSFER_OUT", "ACME", "2025-02-05", quantity="10", gross="640"),
    ]
    found = earned_over(FEBRUARY, facts, MONTH_ENDS)
    assert (found.realised, found.transfers, found.unexplained) == (40, -640, 0)


def test_a_delivery_out_without_a_value_leaves_at_cost() -> None:
    facts = [
        trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="50"),
        trade("go", "TRANSFER_OUT", "ACME", "2025-02-05", quantity="10", gross="0"),
    ]
    found = earned_over(FEBRUARY, facts, MONTH_ENDS)
    assert (found.realised, found.transfers, found.unexplained) == (0, -600, 0)


def test_what_cannot_be_valued_is_named_and_left_out() -> None:
    facts = [
        trade("in", "DEPOSIT", "CASH", "2025-02-03", gross="1000"),
        trade("buy", "BUY", "ACME", "2025-02-05", quantity="10", price="30", fee="1"),
    ]
    found = earned_over(FEBRUARY, facts, [])
    assert found.unpriced == ("ACME",)
    assert (found.into_unpriced, found.final, found.unrealised) == (300, 699, 0)
    assert found.unexplained == 0


def test_what_had_no_value_at_the_opening_has_no_gain_either() -> None:
    facts = [
        trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="30"),
        trade("sell", "SELL", "ACME", "2025-02-05", quantity="10", price="40"),
    ]
    found = earned_over(FEBRUARY, facts, [])
    assert found.unpriced == ("ACME",)
    assert (found.into_unpriced, found.realised, found.unexplained) == (-400, 0, 0)


def test_two_rates_for_one_trade_are_a_gain_by_currency() -> None:
    # Bought at 0.90 euros a dollar as recorded; the pounds that paid for it stand at 920 euros.
    facts = [
        trade(
            "buy",
            "BUY",
            "ACME",
            "2025-02-05",
            quantity="10",
            price="100",
            settles_in="GBP",
            fx_rate="0.90",
        )
    ]
    rates = rates_of(
        ("USD", "EUR", "2025-02-01", "0.90"),
        ("USD", "GBP", "2025-02-01", "0.80"),
        ("GBP", "EUR", "2025-02-01", "1.15"),
    )
    found = earned_over(FEBRUARY, facts, acme(("2025-02-05", "100")), rates, portfolio("EUR"))
    assert (found.unrealised, found.currency, found.final) == (0, -20, -20)
    assert found.unexplained == 0


def test_cash_that_nobody_booked_stays_unexplained() -> None:
    facts = [trade("buy", "BUY", "ACME", "2025-02-05", quantity="10", price="50")]
    by_hand = HOME._replace(settlement=Settlement.EXPLICIT)
    found = earned_over(FEBRUARY, facts, MONTH_ENDS, home=by_hand)
    assert (found.unrealised, found.final, found.unexplained) == (250, 750, 500)


def test_a_tax_is_a_tax_and_the_fee_on_a_fee_is_a_fee() -> None:
    facts = [
        trade("charge", "FEE", "CASH", "2025-02-05", gross="10", fee="1", tax="2"),
        trade("tax", "TAX", "CASH", "2025-02-06", gross="30"),
    ]
    found = earned_over(FEBRUARY, facts, [])
    assert (found.fees, found.taxes, found.final) == (11, 32, -43)
    assert found.unexplained == 0


WORTHLESS = [
    trade("buy", "BUY", "ACME", "2025-01-10", quantity="1", price="50", fx_rate="0.9"),
    trade("sell", "SELL", "ACME", "2025-02-05", quantity="1", price="5", fee="4", tax="1"),
]
DOLLAR = rates_of(("USD", "EUR", "2025-01-01", "0.90"))


def test_a_sale_that_its_costs_eat_up_converts_them_at_the_rate_of_the_day() -> None:
    found = earned_over(FEBRUARY, WORTHLESS, MONTH_ENDS, DOLLAR, portfolio("EUR"))
    # Sixty dollars at the opening, five at the sale, of which nothing is left.
    assert (found.realised, found.fees, found.taxes) == (D("-49.5"), D("3.6"), D("0.9"))
    assert found.unexplained == 0


def test_a_rate_that_the_book_had_and_the_market_lost_is_refused() -> None:
    home, table = portfolio("EUR"), rate_table(DOLLAR)
    book = keep_book(WORTHLESS, home, [security("ACME")], table)
    known = {fact.transaction_id: fact for fact in WORTHLESS}
    kept = KeptBook(book.entries, known, book.instruments)
    market = Market(price_table(MONTH_ENDS), rate_table([]), "EUR", {})
    with pytest.raises(UnusableSeriesError, match="USD/EUR on 2025-02-05"):
        period_earnings(kept, FEBRUARY, market)


def test_parts_of_a_value_sum_to_the_value() -> None:
    # Three lots share a value of 0.1 euros: a third of it has no end, and the last takes the rest.
    facts = [
        trade(f"buy{number}", "BUY", "ACME", "2025-01-10", quantity="1", price="1")
        for number in range(3)
    ]
    third = rates_of(("USD", "EUR", "2025-01-01", "0.333333333333333333"))
    price = acme(("2025-01-31", "0.1"))
    found = earned_over(FEBRUARY, facts, price, third, portfolio("EUR"))
    shares = next(key for key in found.keys if key.security_id == "ACME")
    assert shares.cost == shares.initial == D("0.1")
    assert found.unexplained == 0
