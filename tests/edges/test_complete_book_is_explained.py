"""Every number of a book to which every kind of event happens follows from its tree."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.fixtures.eventful_book import (
    INSTRUMENTS,
    LAST,
    PRICES,
    RATES,
    actions,
    portfolios,
    transactions,
)
from tests.fixtures.figure_walk import disputed, fields_of, unexplained
from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.api import create_app
from tidebook.book.gains import GainKind
from tidebook.book.postings import Leg
from tidebook.book.trees.steps import AS_BOOKED
from tidebook.model.actions import ActionType
from tidebook.model.portfolios import CostMethod, TaxRates

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = [
    (CostMethod.FIFO, CostMethod.AVCO),
    (CostMethod.MIN_TAX, CostMethod.HIFO),
    (CostMethod.LIFO, CostMethod.AVCO_POOLED),
]


def book_of(method: CostMethod, later: CostMethod) -> MemoryBook:
    book = MemoryBook()
    book.today = LAST
    book.ingest_portfolios(portfolios(method, later), "test")
    book.ingest_instruments(INSTRUMENTS, "test")
    book.ingest_rates(RATES, "test")
    book.ingest_prices(PRICES, "test")
    book.ingest_actions(actions(), "test")
    book.ingest_transactions(transactions(), "test")
    return book


def door(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


@pytest.mark.parametrize(("method", "later"), METHODS)
def test_every_position_and_lot_follows_from_its_tree(
    method: CostMethod, later: CostMethod
) -> None:
    book = book_of(method, later)
    client = door(book)
    assert not book.whole().findings
    for portfolio_id in ("P1", "P2"):
        found = fields_of(client, portfolio_id, LAST.isoformat())
        assert unexplained(found) == []
        told = [field for field in found if field.route in {"/positions", "/lots"}]
        assert disputed(client, portfolio_id, told, LAST.isoformat()) == []


def test_every_number_that_a_transaction_did_follows_from_its_tree() -> None:
    client = door(book_of(CostMethod.LIFO, CostMethod.AVCO_POOLED))
    for portfolio_id in ("P1", "P2"):
        found = fields_of(client, portfolio_id, LAST.isoformat())
        told = [field for field in found if field.route == "/transactions"]
        assert disputed(client, portfolio_id, told, LAST.isoformat()) == []


def test_every_line_and_sum_of_gains_follows_from_its_tree() -> None:
    book = book_of(CostMethod.LIFO, CostMethod.AVCO_POOLED)
    for name, owner in book.owners.items():
        book.owners[name] = owner._replace(tax_rates=TaxRates(Decimal("0.4"), Decimal("0.2"), 1))
    client, kinds = door(book), set[str]()
    for portfolio_id in ("P1", "P2"):
        found = fields_of(client, portfolio_id, LAST.isoformat())
        told = [field for field in found if field.route == "/gains"]
        kinds |= {field.around["kind"] for field in told if "kind" in field.around}
        assert disputed(client, portfolio_id, told, LAST.isoformat()) == []
    assert kinds == set(GainKind)


def test_the_last_days_of_the_series_follow_from_their_trees() -> None:
    client = door(book_of(CostMethod.FIFO, CostMethod.AVCO))
    found = fields_of(client, "P1", LAST.isoformat())
    days = [field for field in found if field.route == "/series" and field.path[1] in {9, 15, 20}]
    assert len(days) > 15
    assert disputed(client, "P1", days, LAST.isoformat()) == []


def labels(tree: dict[str, Any]) -> Iterator[str]:
    yield tree["label"]
    for child in tree["children"]:
        yield from labels(child)


def told(client: TestClient, portfolio_id: str, figure: str) -> list[str]:
    asked = {"figure": figure, "portfolio_id": portfolio_id, "depth": 100, "width": 10_000}
    found = client.get("/explain", params=asked).json()
    assert found["agrees"]
    return list(labels(found["tree"]))


@pytest.mark.parametrize(("method", "later"), METHODS)
def test_no_cost_is_taken_as_it_was_booked(method: CostMethod, later: CostMethod) -> None:
    client = door(book_of(method, later))
    for portfolio_id in ("P1", "P2"):
        for figure in ("portfolio.cost", "portfolio.realised"):
            said = told(client, portfolio_id, figure)
            assert [label for label in said if AS_BOOKED in label] == []


def test_a_lot_that_was_carried_names_where_it_came_from() -> None:
    client = door(book_of(CostMethod.MIN_TAX, CostMethod.HIFO))
    came = [
        label
        for figure in ("portfolio.cost", "portfolio.realised")
        for label in told(client, "P2", figure)
        if "carried here from" in label
    ]
    assert any("COIN of portfolio P1" in label for label in came)
    assert any(label.startswith("lot ") and "AAA of portfolio P1" in label for label in came)


def test_a_match_names_the_rule_and_what_it_ranked_by() -> None:
    client = door(book_of(CostMethod.MIN_TAX, CostMethod.HIFO))
    said = " ".join(told(client, "P1", "portfolio.realised"))
    assert "named by the transaction" in said
    assert "MIN_TAX, the least tax first: " in said
    assert "HIFO, the dearest first: " in said


def test_the_book_holds_every_leg_and_every_kind_of_action() -> None:
    entries = [
        entry
        for folded in book_of(CostMethod.LIFO, CostMethod.AVCO_POOLED).whole().keys.values()
        for entry in folded.entries
    ]
    assert {entry.posting.leg for entry in entries} == set(Leg)
    assert {entry.posting.type for entry in entries} >= set(ActionType)
