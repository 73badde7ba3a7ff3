"""Every event over HTTP on a real database: figures worked out by hand, in any order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.fixtures import every_event
from tests.fixtures.every_event import CASH, GAINS, LOTS, POSITIONS
from tidebook.config import Settings
from tidebook.model.actions import ActionType
from tidebook.model.facts import TransactionType
from tidebook.wiring import application, open_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.fixtures.every_event import Row

pytestmark = pytest.mark.cluster

_WAIT_SECONDS = 30
_ROUTES = (
    ("portfolios", "portfolios", every_event.PORTFOLIOS),
    ("instruments", "instruments", every_event.INSTRUMENTS),
    ("corporate-actions", "corporate_actions", every_event.ACTIONS),
    ("transactions", "transactions", every_event.TRANSACTIONS),
)


class Door:
    """A client that waits until what it sent is booked."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def send(self, route: str, name: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Send rows in one request, and return the findings about them."""
        answer = self.client.post(
            f"/ingest/{route}",
            json={name: list(rows)},
            headers={"Prefer": f"wait={_WAIT_SECONDS}"},
        )
        assert answer.status_code == 201, answer.text
        return answer.json().get("findings", [])

    def cancel(self, *rows: Row) -> None:
        """Cancel facts."""
        self.send("cancellations", "cancellations", rows)

    def read(self, portfolio_id: str, what: str, **asked: str | int) -> Any:  # noqa: ANN401 - JSON
        """Return what the book answers about a portfolio."""
        answer = self.client.get(f"/portfolios/{portfolio_id}/{what}", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(name="door")
def a_door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    with (
        open_system(Settings(tmp_path, database_url=database_url)) as system,
        TestClient(application(system)) as client,
    ):
        yield Door(client)


def by_position(door: Door) -> dict[tuple[str, str], tuple[str, str, str]]:
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for portfolio_id in ("MAIN", "OTHER"):
        for one in door.read(portfolio_id, "positions", include_closed=True)["positions"]:
            figures = (one["quantity"], one["cost_basis"], one["realized_gain_loss"])
            found[portfolio_id, one["security_id"]] = figures
    return found


def by_lot(door: Door) -> set[tuple[str, ...]]:
    names = ("security_id", "lot_id", "opened_on", "quantity", "cost_basis")
    return {
        (portfolio_id, *(lot[name] for name in names))
        for portfolio_id in ("MAIN", "OTHER")
        for lot in door.read(portfolio_id, "lots")["lots"]
        if lot["security_id"] != "CASH_USD"
    }


def gains(door: Door) -> dict[str, str]:
    listed = door.read("MAIN", "transactions", limit=100)["transactions"]
    found: dict[str, str] = {}
    for one in listed:
        for entry in one["entries"]:
            if entry["leg"] != "cash" and entry["realized_gain_loss"] is not None:
                found[one["transaction_id"]] = entry["realized_gain_loss"]
    return found


def cash_on(door: Door, on: str) -> str:
    (account,) = [
        one["quantity"]
        for one in door.read("MAIN", "positions", as_of=on)["positions"]
        if one["security_id"] == "CASH_USD"
    ]
    return account


def check(door: Door) -> None:
    """Compare all that the book says with what was worked out by hand."""
    for portfolio_id in ("MAIN", "OTHER"):
        assert door.read(portfolio_id, "findings")["findings"] == []
    assert by_position(door) == POSITIONS
    assert by_lot(door) == LOTS
    assert gains(door) == GAINS
    assert {on: cash_on(door, on) for on in CASH} == CASH


def test_the_world_holds_every_type() -> None:
    sent = {row["transaction_type"] for row in every_event.TRANSACTIONS}
    assert sent == {kind.value for kind in TransactionType if kind is not TransactionType.CANCELLED}
    assert {row["action_type"] for row in every_event.ACTIONS} == {
        kind.value for kind in ActionType
    }


def test_every_event_does_what_was_worked_out_by_hand(door: Door) -> None:
    for route, name, rows in _ROUTES:
        assert door.send(route, name, rows) == []
    check(door)


def test_a_transaction_shows_the_side_that_it_counts_on(door: Door) -> None:
    for route, name, rows in _ROUTES:
        door.send(route, name, rows)
    [arrived] = door.read("OTHER", "transactions")["transactions"]
    assert (arrived["transaction_id"], arrived["net_cost"]) == ("T17", "1180")
    assert arrived["cashflow"]["amount"] == "1640"
    listed = door.read("MAIN", "transactions", limit=100)["transactions"]
    moved = {one["transaction_id"]: one["cashflow"] for one in listed}
    # What left was worth 1,640; the exercise paid 8,000 for the shares under the call.
    assert moved["T17"]["amount"] == "-1640"
    assert (moved["T30"]["amount"], moved["T30"]["position_flow"]) == ("-8000", "8000")


def test_the_gain_of_an_assignment_is_that_of_the_shares_delivered(door: Door) -> None:
    for route, name, rows in _ROUTES:
        door.send(route, name, rows)
    written = {
        **every_event.TRANSACTIONS[26],
        "transaction_id": "T90",
        "portfolio_id": "OTHER",
        "security_id": "CALL",
        "quantity": "1",
        "price": "3",
        "trade_fee": "0",
    }
    assigned = {
        **every_event.TRANSACTIONS[28],
        "transaction_id": "T91",
        "portfolio_id": "OTHER",
        "security_id": "CALL",
        "to_quantity": "40",
        "gross_transaction_amount": "3200",
    }
    assert door.send("transactions", "transactions", [written, assigned]) == []
    listed = door.read("OTHER", "transactions")["transactions"]
    [shown] = [one for one in listed if one["transaction_id"] == "T91"]
    # 3,200 and the premium of 300, for shares that cost 1,062.
    assert shown["realized_gain_loss"] == "2438"
    assert shown["cashflow"]["amount"] == "3200"


def test_one_by_one_in_reverse_and_twice_comes_to_the_same(door: Door) -> None:
    for route, name, rows in reversed(_ROUTES):
        for row in reversed(rows):
            found = door.send(route, name, [row])
            waits = [each["code"] for each in found]
            assert waits == (["portfolio.unknown"] if name == "transactions" else [])
    check(door)
    generation = door.read("MAIN", "positions")["freshness"]["generation"]
    for route, name, rows in _ROUTES:
        assert door.send(route, name, rows) == []
    check(door)
    assert door.read("MAIN", "positions")["freshness"]["generation"] == generation


def test_everything_cancelled_leaves_nothing_and_sent_again_stands_again(door: Door) -> None:
    for route, name, rows in _ROUTES:
        door.send(route, name, rows)
    known = [row["transaction_id"] for row in every_event.TRANSACTIONS]
    door.cancel(*({"kind": "transaction", "transaction_id": each} for each in known))
    door.cancel(*({"kind": "corporate_action", **_named(row)} for row in every_event.ACTIONS))
    for portfolio_id in ("MAIN", "OTHER"):
        assert door.read(portfolio_id, "lots")["lots"] == []
        assert door.read(portfolio_id, "positions")["positions"] == []
        assert door.read(portfolio_id, "findings")["findings"] == []
        assert door.read(portfolio_id, "series")["days"] == []
    for route, name, rows in reversed(_ROUTES):
        door.send(route, name, rows)
    check(door)


def _named(action: Row) -> Row:
    return {"action_id": action["action_id"]}


def test_a_split_that_never_was_is_taken_out_of_all_that_followed(door: Door) -> None:
    for route, name, rows in _ROUTES:
        door.send(route, name, rows)
    door.cancel({"kind": "corporate_action", "action_id": "A1"})
    # 10 of T02's 50 go out (491), 40 of T03's 100 to OTHER (2,360); then a tenth of the cost is
    # spun off, one NEWCO for ten, and half as many again.
    assert {lot for lot in by_lot(door) if lot[1] in {"ACME", "NEWCO"}} == {
        ("MAIN", "ACME", "T02", "2024-01-03", "40", "1767.6"),
        ("MAIN", "ACME", "T03", "2024-01-04", "60", "3186"),
        ("MAIN", "ACME", "T13", "2024-01-15", "2", "133.2"),
        ("MAIN", "ACME", "T15", "2024-01-18", "6", "216"),
        ("MAIN", "ACME", "T29", "2024-02-26", "100", "8601"),
        ("MAIN", "ACME", "T30", "2024-02-27", "100", "8501"),
        ("MAIN", "NEWCO", "T02", "2024-01-03", "6", "196.4"),
        ("MAIN", "NEWCO", "T03", "2024-01-04", "9", "354"),
        ("MAIN", "NEWCO", "T13", "2024-01-15", "0.3", "14.8"),
        ("MAIN", "NEWCO", "T15", "2024-01-18", "0.9", "24"),
        ("OTHER", "ACME", "T03", "2024-01-04", "40", "2124"),
        ("OTHER", "NEWCO", "T03", "2024-01-04", "6", "236"),
    }
    assert gains(door) == GAINS
    door.send("corporate-actions", "corporate_actions", every_event.ACTIONS[:1])
    check(door)
