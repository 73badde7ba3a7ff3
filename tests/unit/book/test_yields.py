"""Yields on cost and the rhythm of payments."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.fixtures.booking import D, keep_book, portfolio, security, trade
from tidebook.book.yields import (
    Payment,
    Periodicity,
    payments,
    periodicity,
    yearly_yield_on_cost,
)
from tidebook.model.facts import Rate
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import Settlement

BY_HAND = portfolio("EUR", settlement=Settlement.EXPLICIT)


def test_a_payment_is_told_over_the_cost_held_when_it_was_paid() -> None:
    facts = [
        trade("buy", "BUY", "ACME", "2025-01-10", quantity="10", price="100"),
        trade("first", "DIVIDEND", "ACME", "2025-02-05", gross="50", tax="10"),
        trade("more", "BUY", "ACME", "2025-03-10", quantity="10", price="100"),
        trade("second", "INTEREST", "ACME", "2025-04-05", gross="50"),
        trade("sell", "SELL", "ACME", "2025-05-10", quantity="20", price="110"),
        trade("late", "DIVIDEND", "ACME", "2025-06-05", gross="5"),
    ]
    # The dollar doubles between both: amount and cost are in dollars, so that no rate matters.
    rates = rate_table(
        [
            Rate("USD", "EUR", date(2025, 1, 1), D("0.5")),
            Rate("USD", "EUR", date(2025, 2, 1), D(1)),
        ]
    )
    book = keep_book(facts, BY_HAND, [security("ACME")], rates)
    assert payments(book.entries) == (
        Payment(date(2025, 2, 5), D(40), D(1000), D("0.04")),
        Payment(date(2025, 4, 5), D(50), D(2000), D("0.025")),
        Payment(date(2025, 6, 5), D(5), D(0), None),
    )


def paid(on: str, rate: str | None) -> Payment:
    return Payment(date.fromisoformat(on), D(1), D(1), None if rate is None else D(rate))


def test_the_payments_of_a_year_add_up_and_years_are_averaged() -> None:
    found = [paid("2023-03-01", "0.01"), paid("2023-09-01", "0.02"), paid("2025-03-01", "0.05")]
    assert yearly_yield_on_cost(found) == D("0.04")


def test_payments_without_a_cost_do_not_count() -> None:
    assert yearly_yield_on_cost([paid("2023-03-01", "0.01"), paid("2024-03-01", None)]) == D("0.01")
    assert yearly_yield_on_cost([paid("2024-03-01", None)]) is None
    assert yearly_yield_on_cost([]) is None


@pytest.mark.parametrize(
    ("gap_days", "rhythm"),
    [
        (30, Periodicity.MONTHLY),
        (91, Periodicity.QUARTERLY),
        (182, Periodicity.SEMIANNUAL),
        (365, Periodicity.ANNUAL),
        (7, Periodicity.IRREGULAR),
        (730, Periodicity.IRREGULAR),
    ],
)
def test_the_rhythm_follows_from_the_days_between(gap_days: int, rhythm: Periodicity) -> None:
    days = [date(2020, 1, 15) + timedelta(days=gap_days * number) for number in range(4)]
    assert periodicity(days) is rhythm


def test_a_missed_or_an_extra_payment_does_not_change_the_rhythm() -> None:
    quarters = [date(2020, 1, 15) + timedelta(days=91 * number) for number in range(8)]
    missed = [*quarters[:3], *quarters[4:]]
    assert periodicity(missed) is Periodicity.QUARTERLY
    assert periodicity([*quarters, date(2020, 2, 1)]) is Periodicity.QUARTERLY


def test_fewer_than_two_days_have_no_rhythm() -> None:
    assert periodicity([]) is None
    assert periodicity([date(2020, 1, 15), date(2020, 1, 15)]) is None
