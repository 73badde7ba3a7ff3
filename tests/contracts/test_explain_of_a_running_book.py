"""Every figure of a book that the stages keep themselves follows from the facts in the store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.fixtures import eventful_book
from tests.fixtures.figure_walk import disputed, fields_of, unexplained
from tidebook.api import create_app
from tidebook.config import Settings
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Portfolio
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

SECONDS = 90.0
LAST = "2024-01-12"


@pytest.fixture(name="system")
def running(database_url: str, tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        yield system


@pytest.fixture(name="client")
def door(system: System) -> TestClient:
    return TestClient(create_app(system.commands, system.reader, clock=system.clock))


def trade(identity: str, kind: T, day: int, terms: str, currency: str = "USD") -> Transaction:
    """Return a transaction in ACME, or in cash, from "quantity price fee"."""
    quantity, price, fee = map(Decimal, terms.split())
    security_id = "ACME" if kind in {T.BUY, T.SELL, T.DIVIDEND} else f"CASH_{currency}"
    return Transaction(
        identity,
        "P1",
        security_id,
        kind,
        datetime(2024, 1, day, 10, tzinfo=UTC),
        None,
        Decimal(0) if kind is T.DIVIDEND else quantity,
        price,
        quantity * price,
        currency,
        currency,
        fee=fee,
    )


def settle(system: System, *receipts: Receipt) -> None:
    for receipt in receipts:
        assert system.commands.wait(receipt, timeout_seconds=SECONDS)


def fill(system: System) -> None:
    """Book three trades in dollars for a portfolio in euros, whose rate is a cross through GBP."""
    commands = system.commands
    on = {day: date(2024, 1, day) for day in range(1, 13)}
    settle(
        system,
        commands.ingest_portfolios([Portfolio("P1", "EUR", on[1], allow_short=True)], "test-1"),
        commands.ingest_instruments([Instrument("ACME", "Acme Corp.", "USD", "Equity")], "test-1"),
        commands.ingest_rates(
            [
                Rate("GBP", "USD", on[1], Decimal("1.27")),
                Rate("GBP", "EUR", on[1], Decimal("1.15")),
                Rate("GBP", "EUR", on[9], Decimal("1.17")),
            ],
            "test-1",
        ),
        commands.ingest_prices(
            [
                Price("ACME", on[day], Decimal(price), "USD")
                for day, price in ((2, "100"), (8, "103.3"), (12, "98.7"))
            ],
            "test-1",
        ),
        commands.ingest_transactions(
            [
                trade("D1", T.DEPOSIT, 1, "5000 1 0", "EUR"),
                trade("B1", T.BUY, 2, "7 100 3"),
                trade("B2", T.BUY, 4, "5 101 0"),
                trade("V1", T.DIVIDEND, 5, "1 17 0"),
                trade("S1", T.SELL, 9, "9 104 2"),
                trade("F1", T.FEE, 10, "4 1 0", "EUR"),
            ],
            "test-2",
        ),
    )


def explained(client: TestClient, **asked: object) -> dict[str, Any]:
    answer = client.get("/explain", params={key: str(value) for key, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def leaves(tree: dict[str, Any]) -> list[dict[str, Any]]:
    below = [leaf for child in tree["children"] for leaf in leaves(child)]
    return below or [tree]


def test_every_number_follows_from_the_facts_in_the_store(
    system: System, client: TestClient
) -> None:
    fill(system)
    found = fields_of(client, "P1", LAST)
    assert unexplained(found) == []
    assert disputed(client, "P1", found, LAST) == []


def test_every_kind_of_event_follows_from_the_facts_in_the_store(
    system: System, client: TestClient
) -> None:
    commands = system.commands
    owners = eventful_book.portfolios(CostMethod.LIFO, CostMethod.AVCO_POOLED)
    settle(
        system,
        commands.ingest_portfolios(owners, "test"),
        commands.ingest_instruments(eventful_book.INSTRUMENTS, "test"),
        commands.ingest_rates(eventful_book.RATES, "test"),
        commands.ingest_prices(eventful_book.PRICES, "test"),
        commands.ingest_actions(eventful_book.actions(), "test"),
        commands.ingest_transactions(eventful_book.transactions(), "test"),
    )
    for portfolio_id in ("P1", "P2"):
        found = fields_of(client, portfolio_id, eventful_book.LAST.isoformat())
        assert unexplained(found) == []
        told = [field for field in found if field.route in {"/positions", "/lots"}]
        assert disputed(client, portfolio_id, told, eventful_book.LAST.isoformat()) == []


def test_a_what_if_is_explained_beside_the_facts_in_the_store(
    system: System, client: TestClient
) -> None:
    fill(system)
    sale = {
        "transaction_id": "S2",
        "portfolio_id": "P1",
        "security_id": "ACME",
        "transaction_date": "2024-01-11T10:00:00Z",
        "transaction_type": "SELL",
        "quantity": "2",
        "price": "110",
        "trade_currency": "USD",
    }
    dearer = sale | {
        "transaction_id": "B1",
        "transaction_date": "2024-01-02T10:00:00Z",
        "transaction_type": "BUY",
        "quantity": "7",
        "price": "100",
        "trade_fee": "10",
    }
    body = {"transactions": [sale, dearer], "figure": "realised_local", "security_id": "ACME"}
    answer = client.post("/portfolios/P1/what-if/explain", json=body).json()
    # 2 of B2 at 101 go at 110, and B1, sold whole by S1, had cost 7 more: 18 - 7.
    assert (answer["change"], answer["agrees"], answer["reason"]) == ("11", True, None)
    stored = explained(client, figure="realised_local", portfolio_id="P1", security_id="ACME")
    assert answer["before"]["tree"] == stored["tree"]
    sources = [leaf["source"] for leaf in leaves(answer["after"]["tree"]) if leaf["source"]]
    told = {(one["id"], one["version"], one["recorded_at"] is None) for one in sources}
    assert {("S2", 1, True), ("B1", 2, True), ("S1", 1, False)} <= told
    for figure in ("portfolio.value", "portfolio.coverage", "portfolio.income"):
        asked = body | {"figure": figure, "security_id": None}
        assert client.post("/portfolios/P1/what-if/explain", json=asked).json()["agrees"]


def test_leaves_say_when_and_by_which_request_their_facts_came(
    system: System, client: TestClient
) -> None:
    fill(system)
    before = system.clock.now() - timedelta(minutes=1)
    found = explained(client, figure="value", portfolio_id="P1", security_id="ACME")
    sources = {
        (leaf["source"]["kind"], leaf["source"]["id"], leaf["source"]["day"]): leaf["source"]
        for leaf in leaves(found["tree"])
        if leaf["source"]
    }
    bought = sources["transaction", "B1", None]
    assert (bought["version"], bought["correlation_id"]) == (1, "test-2")
    assert datetime.fromisoformat(bought["recorded_at"]) > before
    priced = sources["price", "ACME", "2024-01-12"]
    assert (priced["version"], priced["correlation_id"]) == (1, None)
    assert {key[1:] for key in sources if key[0] == "rate"} == {
        ("GBP/EUR", "2024-01-09"),
        ("GBP/USD", "2024-01-01"),
    }


def test_a_figure_is_explained_by_what_was_known_then(system: System, client: TestClient) -> None:
    fill(system)
    then = system.clock.now()
    cost = explained(client, figure="cost", portfolio_id="P1", security_id="ACME")
    amended = trade("B2", T.BUY, 4, "5 111 0")
    later = date(2024, 1, 12)
    settle(
        system,
        system.commands.ingest_transactions([amended], "test-3"),
        system.commands.ingest_prices([Price("ACME", later, Decimal(99), "USD")], "test-3"),
    )
    question = {"figure": "cost", "portfolio_id": "P1", "security_id": "ACME"}
    now = explained(client, **question)
    believed = explained(client, **question, known_at=then.isoformat())
    assert (believed["value"], believed["agrees"]) == (cost["value"], True)
    # Three of the five are left: 3/5 of 5 x 111 USD instead of 5 x 101.
    assert now["agrees"]
    assert now["value"] != cost["value"]
    versions = [leaf["source"]["version"] for leaf in leaves(now["tree"]) if leaf["source"]]
    assert 2 in versions
    worth = explained(
        client, **question | {"figure": "value"}, known_at=then.isoformat(), as_of=LAST
    )
    (price,) = [leaf for leaf in leaves(worth["tree"]) if leaf["label"].startswith("price")]
    assert (price["value"], price["source"]["version"]) == ("98.7", 1)


def test_a_leaf_names_the_file_and_line_that_its_fact_was_read_from(
    system: System, client: TestClient
) -> None:
    fill(system)
    commands, on = system.commands, date(2024, 1, 12)
    corrected = trade("B1", T.BUY, 2, "7 100 4")
    settle(
        system,
        commands.ingest_transactions(
            [trade("B2", T.BUY, 4, "5 101 0"), corrected], "test-4", ["t.csv:2", "t.csv:3"]
        ),
        commands.ingest_prices([Price("ACME", on, Decimal(97), "USD")], "test-4", ["p.csv:12"]),
        commands.ingest_rates([Rate("USD", "EUR", on, Decimal("0.9"))], "test-4", ["r.csv:4"]),
    )
    found = explained(client, figure="unrealised", portfolio_id="P1", security_id="ACME")
    rows = {
        (leaf["source"]["id"], leaf["source"]["version"]): leaf["source"]["row"]
        for leaf in leaves(found["tree"])
        if leaf["source"]
    }
    # What was the same came from elsewhere before, and what was new is of that line.
    assert rows["B2", 1] is None
    assert rows["B1", 2] == "t.csv:3"
    assert rows["ACME", 2] == "p.csv:12"
    assert rows["USD/EUR", 1] == "r.csv:4"
