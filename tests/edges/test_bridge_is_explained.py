"""Every line of a bridge has a tree down to entries, prices and rates, which comes to the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import (
    LAST,
    average_book,
    explicit_book,
    wide_book,
)
from tests.fixtures.figure_walk import fault_of, numbers_of, unexplained
from tests.unit.cli.memory_book import StoppedClock, worked_book
from tidebook.api import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.memory_book import MemoryBook

PERIODS = ("SI", "2024-01-05:2024-01-10")


def client_of(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("make", [worked_book, wide_book, average_book, explicit_book])
def test_every_line_follows_from_its_tree(make: Callable[[], MemoryBook], period: str) -> None:
    client = client_of(make())
    asked = {"period": period, "as_of": LAST}
    answer = client.get("/portfolios/P1/bridge", params=asked).json()
    found = numbers_of("/bridge", answer)
    assert unexplained(found) == []
    lines = [field for field in found if (field.figure or "").startswith("bridge")]
    assert len({field.figure for field in lines}) == 16
    for field in lines:
        more = {"security_id": field.around["security_id"]} if "securities" in field.path else {}
        question = {**asked, "figure": field.figure, "portfolio_id": "P1", **more}
        assert fault_of(client, field.value, question) is None, field


def leaves(tree: dict[str, Any]) -> list[dict[str, Any]]:
    below = [leaf for child in tree["children"] for leaf in leaves(child)]
    return below if tree["children"] else [tree]


def test_the_leaves_lead_on_to_facts_and_to_the_figures_of_entries() -> None:
    client = client_of(wide_book())
    asked = {"figure": "bridge_line.realised", "security_id": "ACME", "period": PERIODS[1]}
    question = {**asked, "portfolio_id": "P1", "as_of": LAST, "depth": 100, "width": 1000}
    tree = client.get("/explain", params=question).json()["tree"]
    sources = [leaf["source"] for leaf in leaves(tree) if leaf["source"] is not None]
    assert {source["kind"] for source in sources} == {"transaction", "entry", "price", "rate"}
    (sale,) = [
        leaf
        for leaf in leaves(tree)
        if leaf["source"]
        and (leaf["source"]["id"], leaf["source"]["figure"]) == ("A3", "entry.realised")
    ]
    onward = {"figure": "entry.realised", "portfolio_id": "P1", "transaction_id": "A3"}
    further = client.get("/explain", params={**onward, "security_id": "ACME"}).json()
    # 4 sold for 4 x 104.5 - 2 - 1 = 415 USD at 0.91 = 377.65; 4 / 7 of 640.6309 had been paid.
    assert sale["value"] == further["value"] == "11.5752"


def test_a_line_of_what_was_never_held_is_refused() -> None:
    asked = {"figure": "bridge_line.start", "portfolio_id": "P1", "period": "SI", "as_of": LAST}
    answer = client_of(wide_book()).get("/explain", params={**asked, "security_id": "NOTHING"})
    assert (answer.status_code, answer.json()["code"]) == (404, "position.unknown")
