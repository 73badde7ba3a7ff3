"""The same facts in any order of arrival give the same book, to the digit.

Every case is a world of facts that is delivered twice: once in random order, cut into random
batches with corrections, repeats and half-done work between them, and once in business order. Both
books must be equal, and equal to a fold of the final facts in memory.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.fixtures.engine_book import Book, by_topic
from tests.fixtures.engine_cases import deliveries, expected, world
from tidebook.engine import topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.engine_book import Held
    from tests.fixtures.engine_cases import World

_SEEDS = int(os.environ.get("TIDEBOOK_LAW_CASES", "40"))
_ORDER = (
    topics.RAW_PORTFOLIOS,
    topics.RAW_INSTRUMENTS,
    topics.RAW_FX_RATES,
    topics.RAW_MARKET_PRICES,
    topics.RAW_BUSINESS_DATES,
    topics.RAW_CORPORATE_ACTIONS,
    topics.RAW_TRANSACTIONS,
)


@pytest.fixture(scope="module")
def books(module_database_url: str) -> Iterator[Book]:
    book = Book(module_database_url)
    yield book
    book.close()


@pytest.mark.cluster
@pytest.mark.parametrize("seed", range(_SEEDS))
def test_any_order_of_arrival_gives_the_same_book(books: Book, seed: int) -> None:
    _check(books, Random(seed))  # noqa: S311 - the seed is the case


@pytest.mark.cluster
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False))
def test_no_drawn_order_of_arrival_changes_the_book(books: Book, random: Random) -> None:
    _check(books, random)


def _check(books: Book, random: Random) -> None:
    given_world = world(random)
    books.clear()
    for topic, batch in deliveries(random, given_world):
        books.take(topic, batch)
        _interleave(books, random)
        _no_overlap(books)
    books.settle()
    shuffled = books.held()
    books.clear()
    _deliver_at_once(books, given_world)
    ordered = books.held()
    assert _figures(ordered) == expected(given_world)
    assert shuffled.transactions == ordered.transactions
    assert shuffled.entries == ordered.entries
    assert shuffled.states == ordered.states
    assert shuffled.findings == ordered.findings
    assert shuffled.days == ordered.days


def _interleave(books: Book, random: Random) -> None:
    for _ in range(random.choice((0, 0, 1, 2))):
        if random.random() < 0.5:
            books.fold_again(random.choice((1, 2, 50)))
        else:
            books.round_of_series(random.choice((1, 100)))


def _no_overlap(books: Book) -> None:
    """No two rows of one thing are ever believed at the same instant."""
    overlapping = books.rows(
        """
        SELECT a.portfolio_id, a.security_id, a.transaction_id, a.leg FROM entries a
        JOIN entries b USING (portfolio_id, security_id, transaction_id, leg)
        WHERE a.ctid <> b.ctid AND a.recorded_at < b.superseded_at
          AND b.recorded_at < a.superseded_at
        """
    )
    assert overlapping == []


def _deliver_at_once(books: Book, given_world: World) -> None:
    facts = by_topic(given_world.final())
    for topic in _ORDER:
        if topic in facts:
            books.take(topic, sorted(facts[topic], key=_business_order))
    books.settle()


def _business_order(fact: object) -> tuple[str, ...]:
    day = getattr(fact, "trade_date", None) or getattr(fact, "traded_at", None) or ""
    return (str(day), str(fact))


def _figures(held: Held) -> tuple[list[tuple[Any, ...]], ...]:
    """Return what a book holds in the form of ``engine_cases.Expected``."""
    entries = [(*row[:4], row[5], *row[9:16], row[24]) for row in held.entries]
    positions = [(*row[:2], *row[3:8]) for row in held.states]
    findings = [row[:3] for row in held.findings]
    return entries, positions, findings, held.days
