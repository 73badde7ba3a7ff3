"""``GET /metrics``: requests are counted by their routes, and named in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.adapters.telemetry.metrics import Metrics
from tidebook.api import Doors, create_app
from tidebook.engine.correlating import correlation_ids

if TYPE_CHECKING:
    import pytest


def _client(doors: Doors | None = None, metrics: Metrics | None = None) -> TestClient:
    book: Any = MemoryBook()
    app = create_app(
        book,
        book,
        clock=StoppedClock(),
        doors=doors,
        metrics_told=metrics or Metrics(version="9", with_process=False),
        unbooked=lambda: {"book": 4},
    )
    return TestClient(app, raise_server_exceptions=False)


def _requests(client: TestClient) -> dict[tuple[str, str, str], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "tidebook_http_requests_total"
    }


def test_requests_are_counted_by_template_however_many_ids_are_asked_for() -> None:
    client = _client()
    for number in range(30):
        client.get(f"/portfolios/P-{number}/transactions")
        client.get(f"/no/such/path/{number}")
    counted = _requests(client)
    assert len(counted) == 2
    assert counted["GET", "unmatched", "404"] == 30
    ((method, route, _),) = [key for key in counted if key[1] != "unmatched"]
    assert (method, route) == ("GET", "/portfolios/{portfolio_id:path}/transactions")


def test_a_method_that_is_none_is_counted_with_all_such() -> None:
    client = _client()
    client.request("BREW", "/portfolios/")
    client.request("WHIP", "/portfolios/")
    assert {method for method, _, _ in _requests(client)} == {"OTHER"}


def test_a_failure_inside_is_counted_as_one() -> None:
    book: Any = MemoryBook()
    told = Metrics(version="9", with_process=False)
    app = create_app(book, book, clock=StoppedClock(), metrics_told=told)

    def fail() -> None:
        raise RuntimeError

    app.add_api_route("/fails", fail)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/fails").status_code == 500
    assert _requests(client)["GET", "/fails", "500"] == 1


def test_every_role_tells_its_metrics_and_readiness_how_much_is_unprocessed() -> None:
    for doors in (Doors(), Doors(takes=False, answers=False, roles=("series",))):
        client = _client(doors)
        assert client.get("/metrics").status_code == 200
        assert client.get("/health/ready").json()["unprocessed"] == {"book": 4}


def test_a_line_of_the_log_names_the_request_and_no_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[tuple[str, ...]] = []

    def naming(_: logging.LogRecord) -> bool:
        seen.append(correlation_ids())
        return True

    logging.getLogger("tidebook.http").addFilter(naming)
    try:
        with caplog.at_level(logging.INFO, "tidebook.http"):
            client = _client()
            client.get("/portfolios/?cif_id=C-9", headers={"X-Correlation-ID": "mine"})
            client.get("/health/live")
    finally:
        logging.getLogger("tidebook.http").removeFilter(naming)
    (record,) = caplog.records
    assert record.getMessage() == "GET /portfolios/ answered 200"
    assert (record.__dict__["route"], record.__dict__["status"]) == ("/portfolios/", 200)
    assert seen == [("mine",)]


def test_a_client_that_sends_a_trace_and_no_id_has_its_trace_for_a_name() -> None:
    client = _client()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert client.get("/portfolios/", headers=parent).headers["X-Correlation-ID"] == trace
    both = parent | {"X-Correlation-ID": "mine"}
    assert client.get("/portfolios/", headers=both).headers["X-Correlation-ID"] == "mine"
