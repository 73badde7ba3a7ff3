"""The routes of the live book, asked for and pushed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tests.edges.test_http_queries import shape
from tests.fixtures.patience import until
from tests.unit.cli.memory_book import StoppedClock
from tests.unit.engine.live_fixture import followed, small_book
from tidebook.api import create_app
from tidebook.api.samples import examples

if TYPE_CHECKING:
    from collections.abc import Generator

    from tidebook.engine.live import LivePortfolios

AT = "2024-02-01T12:00:00Z"
OPENED = {
    "event": "trade.opened",
    "event_id": "e-1",
    "trade_id": "T-9",
    "symbol": "BTC",
    "side": "LONG",
    "quantity": 0.2,
    "entry_price": 42000,
    "timestamp": AT,
}
TICK = {"event": "market.tick", "symbol": "BTC", "price": "42741.13", "timestamp": AT}
STOP = {"event": "ess.tripped", "reason": "daily loss", "severity": "critical", "timestamp": AT}
EVENTS = "/api/portfolio/events"


@contextmanager
def _served(default: str = "P1") -> Generator[tuple[TestClient, LivePortfolios]]:
    book: Any = small_book()
    live = followed(book, default=default)
    app = create_app(book, book, clock=StoppedClock(), live=live)
    try:
        yield TestClient(app, raise_server_exceptions=False), live
    finally:
        live.stop()


def _sent(client: TestClient, live: LivePortfolios, *events: object) -> None:
    before = live.health().events
    answer = client.post(EVENTS, json={"events": events})
    assert answer.status_code == 202
    assert answer.json() == {"status": "accepted", "events": len(events)}
    until(lambda: live.health().events >= before + len(events))


def test_a_portfolio_now_in_the_shapes_that_are_documented() -> None:
    with _served() as (client, live):
        assert client.get("/api/portfolio/snapshot").json()["total_equity"] == 10_100.0
        _sent(client, live, OPENED, TICK, STOP)
        told = client.get("/api/portfolio/snapshot").json()
        assert told["total_equity"] == pytest.approx(10_248.226)
        assert told["cash_balance"] == 9_000.0
        assert told["stop"] == {"reason": "daily loss", "severity": "critical", "at": AT}
        booked, live_trade = told["positions"]
        assert (booked["symbol"], booked["booked"], booked["stale"]) == ("ACME", True, True)
        assert (live_trade["trade_id"], live_trade["entry_price"]) == ("T-9", 42_000.0)
        assert live_trade["unrealized_pnl"] == pytest.approx(148.226)
        assert live_trade["unrealized_pnl_pct"] == pytest.approx(100 * 148.226 / 8_400)
        documented: Any = examples()
        for name in ("exposure", "drawdown", "health"):
            answer = client.get(f"/api/portfolio/{name}").json()
            assert set(answer) == set(documented[f"live_{name}"])
            assert shape(answer["timestamp"]) == shape(documented[f"live_{name}"]["timestamp"])
        assert set(client.get("/api/portfolio/pnl").json()) == set(documented["live_pnl"])
        assert client.get("/health").json()["service"] == "portfolio-intelligence"
        sample = documented["live_snapshot"]
        assert set(told) == set(sample)
        assert set(live_trade) == set(sample["positions"][0])


def test_the_documented_events_are_taken() -> None:
    with _served() as (client, _):
        request: Any = examples()["live_events_request"]
        request["events"] = [each | {"portfolio_id": "P1"} for each in request["events"]]
        assert client.post(EVENTS, json=request).json() == examples()["live_events"]


def test_events_with_faults_are_refused_together() -> None:
    with _served() as (client, live):
        sent = [TICK, OPENED | {"quantity": "many"}, {"event": "trade.split"}, 3]
        answer = client.post(EVENTS, json={"events": sent})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [
            "/events/1",
            "/events/2",
            "/events/3",
        ]
        assert client.post(EVENTS, json={"events": []}).status_code == 422
        assert live.health().events == 0


def test_a_portfolio_must_be_named_where_none_is_set_and_must_be_known() -> None:
    with _served(default="") as (client, _):
        answer = client.get("/api/portfolio/pnl")
        assert answer.status_code == 422
        assert "TIDEBOOK_LIVE_PORTFOLIO" in answer.json()["errors"][0]["detail"]
        assert client.get("/api/portfolio/pnl?portfolio_id=P1").status_code == 200
        unknown = client.get("/api/portfolio/drawdown?portfolio_id=Z")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "portfolio.unknown")
        assert client.get("/api/portfolio/stream?portfolio_id=Z").status_code == 404


def test_a_stream_begins_with_a_snapshot_and_goes_on_with_what_changes() -> None:
    with _served() as (client, live):
        client.get("/api/portfolio/snapshot")
        until(lambda: live.health().is_caught_up)
        looked: list[int] = []

        def is_ending() -> bool:
            """Change something after the first snapshot, and end after the second."""
            looked.append(1)
            if len(looked) == 2:
                live.publish([("market.tick", {"symbol": "ACME", "price": "120"})])
            return len(frames) > 1 or len(looked) > 40

        frames: list[str] = []
        live.is_ending = is_ending
        with client.stream("GET", "/api/portfolio/stream?interval_ms=0") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            text = "".join(answer.iter_text())
        frames += [each for each in text.split("\n\n") if each.startswith("id: ")]
        first, *_, last = (json.loads(each.partition("data: ")[2]) for each in frames)
        assert (first["total_equity"], last["total_equity"]) == (10_100.0, 10_200.0)
        assert live.watchers() == 0


@pytest.mark.parametrize("interval", ["-1", "60001", "x"])
def test_an_interval_that_is_none_is_refused(interval: str) -> None:
    with _served() as (client, _):
        path = f"/api/portfolio/stream?interval_ms={interval}"
        assert client.get(path).status_code == 422
