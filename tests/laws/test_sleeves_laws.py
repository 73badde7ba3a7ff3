"""What holds for the parts of a portfolio: together they are the portfolio, whatever happened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.fixtures import eventful_book
from tests.laws.strategies import DAYS, FIRST, price_facts
from tests.laws.test_whole_laws import worlds
from tidebook.book.whole import Facts
from tidebook.engine.book_facts import BookFacts, rebuilt, rebuilt_series
from tidebook.engine.measuring.parts import Dimension, holdings
from tidebook.model.actions import ActionTable
from tidebook.model.markets import price_table, rate_table
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.book.series import PortfolioDay
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.model.facts import Price

EVERY_DAY = tuple(FIRST + timedelta(days=number) for number in range(DAYS))
JANUARY = tuple(date(2024, 1, day) for day in range(1, 32))


def made_of(facts: Facts, prices: Sequence[Price], days: tuple[date, ...]) -> Rebuilt:
    return rebuilt(BookFacts(facts, price_table(prices), days, {}, {}))


def sums(parts: Sequence[tuple[PortfolioDay, ...]]) -> list[PortfolioDay]:
    """Add up the rows of each day."""
    with exact():
        return [
            day[0]._replace(
                **{
                    name: sum((getattr(row, name) for row in day), ZERO)
                    for name in day[0]._fields
                    if name != "on"
                }
            )
            for day in zip(*parts, strict=True)
        ]


def check(made: Rebuilt, portfolio_id: str) -> None:
    whole = rebuilt_series(made, portfolio_id)
    found = holdings(made, portfolio_id)
    assert found.series(frozenset(found.instruments)) == whole
    for dimension in Dimension:
        groups = found.groups(dimension).values()
        assert sums([found.series(keys) for keys in groups]) == list(whole)


@given(worlds(), price_facts(("A", "B", "C"), "USD"))
def test_the_parts_of_a_portfolio_are_the_portfolio(facts: Facts, prices: list[Price]) -> None:
    made = made_of(facts, prices, EVERY_DAY)
    for portfolio_id in made.keys:
        check(made, portfolio_id)


@pytest.mark.parametrize("method", CostMethod)
def test_so_they_are_whatever_event_happens(method: CostMethod) -> None:
    kept = {each.portfolio_id: each for each in eventful_book.portfolios(method, method)}
    facts = Facts(
        kept,
        {each.security_id: each for each in eventful_book.INSTRUMENTS},
        eventful_book.transactions(),
        rate_table(eventful_book.RATES),
        ActionTable(tuple(eventful_book.actions())),
    )
    made = made_of(facts, eventful_book.PRICES, JANUARY)
    for portfolio_id in kept:
        check(made, portfolio_id)
