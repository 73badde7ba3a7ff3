"""A server that answers and books is two processes: what becomes of one without the other.

And what both tell of one request.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import tidebook
from tests.fixtures.patience import until
from tests.fixtures.roles import Playing, until_ready
from tidebook.engine.traces import span_id_of, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

pytestmark = pytest.mark.cluster

_PATIENCE_SECONDS = 90.0
_TRADE = {
    "transaction_id": "T1",
    "portfolio_id": "P1",
    "security_id": "CASH_USD",
    "instrument_id": "CASH_USD",
    "transaction_type": "DEPOSIT",
    "transaction_date": "2024-03-11T10:00:00Z",
    "quantity": 100,
    "price": 1,
    "gross_transaction_amount": 100,
    "trade_currency": "USD",
    "currency": "USD",
}
_PORTFOLIO = {"portfolio_id": "P1", "base_currency": "USD", "open_date": "2024-01-01"}


@contextmanager
def _server(database_url: str, **settings: str) -> Generator[Playing]:
    environment = os.environ | {
        "PYTHONPATH": str(Path(tidebook.__file__).parent.parent),
        "DATABASE_URL": database_url,
        "TIDEBOOK_LOG_LEVEL": "error",
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tidebook", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        yield Playing(process, process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate(timeout=_PATIENCE_SECONDS)


def _stages_of(server: Playing) -> int:
    """Return the number of the process that a server has started (Linux)."""
    (found,) = (
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent_of(int(entry.name)) == server.process.pid
    )
    return found


def _parent_of(pid: int) -> int | None:
    """Return the number of the process that started another; None when it has ended."""
    try:
        after = Path("/proc", str(pid), "stat").read_text("utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if after[0] == "Z" else int(after[1])


def _refusal(server: Playing) -> HTTPError:
    """Return how a server that is not ready says so."""
    for _ in range(100):  # as fast as it can be asked: the pause before the next start is longer
        try:
            server.get("/health/ready")
        except HTTPError as refused:
            return refused
    raise AssertionError


def _quantity(server: Playing) -> str | None:
    try:
        found = json.loads(server.get("/portfolios/P1/positions"))["positions"]
    except HTTPError:
        return None
    return found[0]["quantity"] if found else None


def test_stages_that_die_are_away_until_they_are_started_again(database_url: str) -> None:
    with _server(database_url) as server:
        until_ready(server)
        server.post("/ingest/portfolios", {"portfolios": [_PORTFOLIO]})
        server.post("/ingest/transaction", _TRADE)
        until(lambda: _quantity(server) == "100")

        before = _stages_of(server)
        os.kill(before, signal.SIGKILL)
        until(lambda: _parent_of(before) is None)
        refused = _refusal(server)
        assert (refused.code, json.load(refused)["code"]) == (503, "stages.away")
        # The door takes facts in and answers meanwhile.
        server.post("/ingest/transaction", _TRADE | {"transaction_id": "T2"})
        assert _quantity(server) == "100"

        until_ready(server)
        until(lambda: _quantity(server) == "200")
        assert _stages_of(server) != before
        counted = 'tidebook_worker_failures_total{worker="stages"} 1.0'
        assert counted in server.get("/metrics").decode()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_stages_end_with_the_server(database_url: str, how: signal.Signals) -> None:
    with _server(database_url) as server:
        until_ready(server)
        stages = _stages_of(server)
        server.process.send_signal(how)
        status = server.process.wait(_PATIENCE_SECONDS)
        until(lambda: _parent_of(stages) is None)
    assert status == (0 if how is not signal.SIGKILL else -how)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_everybody_ends_both_in_order(database_url: str, how: signal.Signals) -> None:
    with _server(database_url) as server:
        until_ready(server)
        stages = _stages_of(server)
        os.kill(stages, how)
        server.process.send_signal(how)
        assert server.process.wait(_PATIENCE_SECONDS) == 0
        assert _parent_of(stages) is None


@contextmanager
def _collector() -> Generator[tuple[str, list[Span]]]:
    """Give the address of a collector of traces, and the spans that have come to it."""
    spans: list[Span] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for of_one in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in of_one.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as door:
        threading.Thread(target=door.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{door.server_port}/v1/traces", spans
        finally:
            door.shutdown()


def test_both_make_one_trace_of_a_request_and_each_batch_is_in_it_once(database_url: str) -> None:
    with _collector() as (address, spans):
        with _server(database_url, TIDEBOOK_TRACES_URL=address) as server:
            until_ready(server)
            server.post("/ingest/portfolios", {"portfolios": [_PORTFOLIO]})
            request = str(server.post("/ingest/transaction", _TRADE)["correlation_id"])
            until(lambda: _quantity(server) == "100")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(_PATIENCE_SECONDS) == 0
        trace, span = trace_id_of(request), span_id_of(request)
        assert sorted(
            (each.name, each.parent_span_id.hex()) for each in spans if each.trace_id.hex() == trace
        ) == [("POST /ingest/transaction", ""), ("book batch", span)]
        assert [each.name for each in spans if each.name == "book batch"] == ["book batch"]
