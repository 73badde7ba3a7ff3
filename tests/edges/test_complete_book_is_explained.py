"""Every number of a book with every kind of event follows from its tree.

The worlds are those that the engine is held to: every type of transaction and corporate action,
lots carried between keys and portfolios, every cost method and its change, pools of a taxpayer,
contracts on margin, and facts that wait.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from starlette.testclient import TestClient

from tests.fixtures.engine_cases import world
from tests.fixtures.figure_walk import disputed, fields_of, unexplained
from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.api import create_app
from tidebook.book.postings import Leg
from tidebook.book.step_trees import AS_BOOKED
from tidebook.model.actions import CorporateAction
from tidebook.model.facts import Price, Rate, Transaction
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = date(2024, 3, 14)
Kind = TypeVar("Kind")


def book_of(seed: int) -> MemoryBook:
    """Return the book that a world comes to, with a price on the last day."""
    facts = world(Random(seed)).final()  # noqa: S311 - a drawn case, no secret

    def of(kind: type[Kind]) -> list[Kind]:
        return [fact for fact in facts if isinstance(fact, kind)]

    book = MemoryBook()
    book.today = LAST
    book.ingest_prices([Price("LAST", LAST, Decimal(1), "USD"), *of(Price)], "test")
    book.ingest_portfolios(of(Portfolio), "test")
    book.ingest_instruments(of(Instrument), "test")
    book.ingest_rates(of(Rate), "test")
    book.ingest_actions(of(CorporateAction), "test")
    book.ingest_transactions(of(Transaction), "test")
    return book


def door(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


@pytest.mark.parametrize("seed", [2, 3, 7, 11, 17, 22])
def test_every_number_of_a_drawn_book_follows_from_its_tree(seed: int) -> None:
    book = book_of(seed)
    client = door(book)
    for portfolio_id in sorted(book.owners):
        found = fields_of(client, portfolio_id, LAST.isoformat())
        assert unexplained(found) == []
        # Returns rest on the days of the series, which are walked here; their own walk is beside.
        told = [field for field in found if not field.route.startswith("/performance")]
        assert disputed(client, portfolio_id, told, LAST.isoformat()) == []


def labels(tree: dict[str, Any]) -> Iterator[str]:
    yield tree["label"]
    for child in tree["children"]:
        yield from labels(child)


@pytest.mark.parametrize("seed", range(24))
def test_no_cost_of_a_drawn_book_is_taken_as_it_was_booked(seed: int) -> None:
    book = book_of(seed)
    client = door(book)
    for portfolio_id in sorted(book.owners):
        for name in ("portfolio.cost", "portfolio.realised"):
            asked = {"figure": name, "portfolio_id": portfolio_id, "depth": 100, "width": 10_000}
            found = client.get("/explain", params=asked).json()
            assert found["agrees"], found
            assert [label for label in labels(found["tree"]) if AS_BOOKED in label] == []


def test_the_drawn_books_hold_every_leg_and_most_kinds_of_events() -> None:
    legs: set[str] = set()
    kinds: set[str] = set()
    for seed in range(24):
        for folded in book_of(seed).whole().keys.values():
            legs |= {str(entry.posting.leg) for entry in folded.entries}
            kinds |= {str(entry.posting.type) for entry in folded.entries}
    assert legs == {str(leg) for leg in Leg}
    assert len(kinds) > 25
