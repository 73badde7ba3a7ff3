"""Every figure of a user's answers has a tree down to entries, positions, days and rates."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import wide_book
from tests.fixtures.figure_walk import numbers_of, same, unexplained
from tests.unit.cli.memory_book import StoppedClock, worked_book
from tidebook.api import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.memory_book import MemoryBook

D = Decimal
USER = "/users/u1"


def one_portfolio() -> MemoryBook:
    """Return the worked book as that of a user."""
    book = worked_book()
    book.owners["P1"] = book.owners["P1"]._replace(cif_id="u1")
    return book


def two_portfolios() -> MemoryBook:
    """Return the wide book in euros and the same trades in a portfolio in dollars."""
    book = wide_book()
    first = book.owners["P1"]._replace(cif_id="u1")
    book.owners["P1"] = first
    book.owners["P2"] = first._replace(portfolio_id="P2", base_currency="USD")
    again = [
        fact._replace(transaction_id=f"{fact.transaction_id}-2", portfolio_id="P2")
        for _, fact in book.facts.values()
    ]
    book.ingest_transactions(again, "test")
    return book


def client_of(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


def explained(client: TestClient, **asked: object) -> dict[str, Any]:
    answer = client.get("/explain", params={"user_id": "u1", **asked})  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("route", ["metrics", "portfolio", "win-rate"])
@pytest.mark.parametrize("make", [one_portfolio, two_portfolios])
def test_every_figure_of_a_user_follows_from_its_tree(
    make: Callable[[], MemoryBook], route: str
) -> None:
    client = client_of(make())
    answer = client.get(f"{USER}/{route}").json()
    answer.pop("portfolios")
    found = numbers_of(f"/users/{{user_id}}/{route}", answer)
    assert unexplained(found) == []
    assert sum(field.figure is not None for field in found) > 6
    for field in found:
        if field.figure is None:
            continue
        more = {"security_id": field.around["symbol"]} if "_symbol" in field.figure else {}
        told = explained(client, figure=field.figure, width=1, **more)
        assert same(field.value, told["value"]), (field.path, field.value, told["value"])
        assert told["agrees"], field.path
        assert told["recomputed"] == told["value"]


def leaves(tree: dict[str, Any]) -> list[dict[str, Any]]:
    below = [leaf for child in tree["children"] for leaf in leaves(child)]
    return below if tree["children"] else [tree]


def test_the_leaves_name_the_figures_that_go_on_from_them() -> None:
    client = client_of(two_portfolios())
    tree = explained(client, figure="user.value", depth=100, width=1000)["tree"]
    sources = [leaf["source"] for leaf in leaves(tree) if leaf["source"]]
    figures = {source["figure"] for source in sources}
    assert figures >= {"position.value", "position.cost"}
    assert {source["portfolio_id"] for source in sources if source["figure"]} == {"P1", "P2"}
    for leaf in leaves(tree):
        source = leaf["source"]
        if source and source["figure"]:
            asked = {"portfolio_id": source["portfolio_id"], "security_id": source["id"]}
            onward = client.get("/explain", params={"figure": source["figure"], **asked})
            assert onward.json()["value"] == leaf["value"]


def test_a_mean_is_of_the_trades_that_ended() -> None:
    # The worked book closed two trades, which gained 44.50 and 269.30: 156.90 each.
    client = client_of(one_portfolio())
    found = explained(client, figure="closed.average_win")
    assert found["value"] == "156.9"
    assert (found["tree"]["formula"], found["unit"]) == ("quotient", "EUR")
    assert [child["value"] for child in found["tree"]["children"]] == ["313.8", "2"]


def test_a_user_or_a_security_that_is_not_there_is_refused() -> None:
    client = client_of(one_portfolio())
    asked = {"figure": "user_symbol.pnl", "user_id": "u1", "security_id": "NOTHING"}
    answer = client.get("/explain", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (404, "figure.subject-unknown")
    answer = client.get("/explain", params={"figure": "user.value", "user_id": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "user.unknown")
