"""Every number of a what-if has a tree without the supposed facts and one with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import wide_book
from tests.fixtures.figure_walk import numbers_of, same
from tests.fixtures.tree_sums import figure_of
from tests.unit.cli.memory_book import MemoryBook, StoppedClock, worked_book
from tidebook.api import create_app
from tidebook.api.samples import examples
from tidebook.api.wire.figure_fields import NO_FIGURES
from tidebook.model.facts import Price
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from httpx2 import Response

    from tests.fixtures.figure_walk import Field

SALE = {
    "transaction_id": "S9",
    "portfolio_id": "P1",
    "security_id": "ACME",
    "transaction_date": "2024-01-05",
    "transaction_type": "SELL",
    "quantity": "3",
    "price": "150",
    "trade_currency": "USD",
}
WIDE = {
    "transactions": [
        SALE | {"quantity": "5"},
        SALE
        | {"transaction_id": "N1", "security_id": "HOME", "transaction_date": "2024-01-04"}
        | {"transaction_type": "BUY", "trade_currency": "EUR"},
    ],
    "cancellations": [{"kind": "transaction", "transaction_id": "W1"}],
    "market_prices": [
        {"security_id": "ROCK", "price_date": "2024-01-11", "price": "14", "currency": "GBP"}
    ],
    "fx_rates": [
        {"from_currency": "USD", "to_currency": "EUR", "rate_date": "2024-01-10", "rate": "0.95"}
    ],
}


def client_of(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


def post(client: TestClient, address: str = "/explain", **body: Any) -> Response:  # noqa: ANN401
    return client.post(f"/portfolios/P1/what-if{address}", json=body)


def question_of(field: Field) -> dict[str, Any]:
    figure, around, name = field.figure or "", field.around, str(field.path[-1])
    asked: dict[str, Any] = {"figure": figure, "depth": 100, "width": 10_000}
    if "cash" in field.path:
        return asked | {"security_id": f"CASH_{around['currency']}"}
    if figure.startswith("period."):
        return asked | {"period": around["period"]}
    if figure.startswith(("position.", "lot.", "gains.")):
        asked["security_id"] = around["security_id"]
    if figure.startswith("lot."):
        asked["lot_id"] = around["lot_id"]
    if name in {"short_term", "long_term"}:
        asked["term"] = name.partition("_")[0].upper()
    return asked


@pytest.mark.parametrize(
    ("make", "facts"), [(worked_book, {"transactions": [SALE]}), (wide_book, WIDE)]
)
def test_every_number_of_a_preview_follows_from_its_trees(
    make: Any,  # noqa: ANN401 - a function without arguments
    facts: dict[str, Any],
) -> None:
    client = client_of(make())
    preview = post(client, "", **facts).json()
    found = numbers_of("/what-if", preview)
    figured = [field for field in found if field.figure is not None]
    named = {field.pattern for field in found if field.figure is None}
    assert {pattern.rpartition(".")[2] for pattern in named} <= NO_FIGURES
    assert len({field.pattern for field in figured}) > 30
    for field in figured:
        asked = question_of(field)
        answer = post(client, **facts, **asked).json()
        side = "change" if field.path[-1] == "change" else _side(field)
        told = answer[side] if side == "change" else (answer[side] or {}).get("value")
        if answer.get(side) is None and field.value == "0":
            # The book never held it: there is nothing to draw, and zero is what it amounts to.
            continue
        assert same(field.value, told), (field.path, field.value, asked, answer["reason"])
        assert answer["agrees"]
        assert answer["preview_hash"] == preview["preview_hash"]
        if side != "change" and told is not None:
            again = figure_of(answer[side]["tree"])
            text = repr(again) if isinstance(again, float) else format(again or Decimal(0), "f")
            assert same(field.value, text), (field.path, again)


def _side(field: Field) -> str:
    return next(str(name) for name in reversed(field.path) if name in {"before", "after"})


def test_a_change_is_the_one_figure_less_the_other() -> None:
    # 3 more of T2 are sold at 150 USD x 0.95; they had cost 88 EUR each: 427.5 - 264.
    answer = post(
        client_of(worked_book()), transactions=[SALE], figure="realised", security_id="ACME"
    ).json()
    assert (answer["figure"], answer["change"], answer["reason"]) == (
        "position.realised",
        "163.5",
        None,
    )
    assert Decimal(answer["after"]["value"]) - Decimal(answer["before"]["value"]) == Decimal(
        "163.5"
    )


def test_a_supposed_fact_is_told_from_one_that_was_taken_in() -> None:
    answer = post(
        client_of(worked_book()), transactions=[SALE], figure="quantity", security_id="ACME"
    ).json()
    leaves = {leaf["source"]["id"]: leaf["source"] for leaf in answer["after"]["tree"]["children"]}
    assert leaves["T1"]["recorded_at"] is not None
    assert (leaves["S9"]["version"], leaves["S9"]["recorded_at"]) == (1, None)


def test_what_neither_book_has_is_refused() -> None:
    client = client_of(worked_book())
    unknown = post(client, transactions=[SALE], figure="lot.cost", security_id="ACME", lot_id="T8")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "figure.subject-unknown")
    market = post(client, transactions=[SALE], figure="market.price", security_id="ACME")
    assert market.status_code == 422
    flat = post(client, transactions=[SALE], figure="portfolio.value", depth=0).json()
    assert [fault["code"] for fault in flat["errors"]] == ["number.not-positive"]
    nothing = post(client, figure="portfolio.value").json()
    assert [fault["code"] for fault in nothing["errors"]] == ["what-if.empty"]


def test_the_documented_explanation_is_what_the_route_answers() -> None:
    book = MemoryBook()
    book.ingest_portfolios([Portfolio("P-1", "USD", date(2024, 1, 1))], "test")
    book.ingest_instruments([Instrument("S-1", "First", "USD", "Equity")], "test")
    book.ingest_prices([Price("S-1", date(2024, 1, 3), Decimal(112), "USD")], "test")
    documented = examples()
    answer = client_of(book).post(
        "/portfolios/P-1/what-if/explain", json=documented["what_if_explain_request"]
    )
    found, shown = answer.json(), documented["what_if_explain"]
    assert isinstance(shown, dict)
    assert {**found, "preview_hash": ""} == {**shown, "preview_hash": ""}
