"""One request, followed by its id through the door, Kafka and the book, and what roles tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer
from prometheus_client.parser import text_string_to_metric_families

import tidebook
from tests.fixtures.kafka_broker import running_broker
from tests.fixtures.patience import until
from tests.fixtures.roles import Playing, until_ready

if TYPE_CHECKING:
    from tests.fixtures.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_ROLES = ("ingest", "book", "series", "query")
_PATIENCE_SECONDS = 90.0


def _start(role: str, environment: dict[str, str], log: Path) -> subprocess.Popen[str]:
    with log.open("w", encoding="utf-8") as lines:
        return subprocess.Popen(
            [sys.executable, "-m", "tidebook", "serve", "--role", role, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
            env=environment,
        )


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _of_request(log: Path) -> list[str]:
    return [line["event"] for line in _lines(log) if line.get("correlation_id") == _TRACE]


def _value(playing: Playing, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(playing.get("/metrics").decode())
    samples = (each for family in families for each in family.samples if each.name == name)
    return sum(each.value for each in samples if labels.items() <= each.labels.items())


def _headers(broker: KafkaBroker, topic: str) -> dict[str, str]:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": "onlooker",
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([topic])
        (message,) = consumer.consume(1, _PATIENCE_SECONDS)
        given = message.headers() or []
        return {name: str(value, "utf-8") for name, value in given if isinstance(value, bytes)}
    finally:
        consumer.close()


def test_a_request_keeps_its_name_from_the_door_to_the_book_in_every_role(
    database_url: str, tmp_path: Path
) -> None:
    with running_broker() as broker, ExitStack() as stack:
        environment = os.environ | {
            "PYTHONPATH": str(Path(tidebook.__file__).parent.parent),
            "DATABASE_URL": database_url,
            "TIDEBOOK_BUS": "kafka",
            "TIDEBOOK_KAFKA_BOOTSTRAP": broker.bootstrap,
        }
        logs = {role: tmp_path / f"{role}.log" for role in _ROLES}
        started = {role: _start(role, environment, logs[role]) for role in _ROLES}
        for process in started.values():
            stack.enter_context(process)
            stack.callback(process.terminate)
        roles = {role: Playing(each, _address(each)) for role, each in started.items()}
        for playing in roles.values():
            told = until_ready(playing)
            assert told["dependencies"] == {"database": "ok", "schema": "ok", "broker": "ok"}
        body = {"portfolios": [_PORTFOLIO]}
        sent = urllib.request.Request(  # noqa: S310 - the address is our own
            roles["ingest"].address + "/ingest/portfolios",
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "traceparent": f"00-{_TRACE}-00f067aa0ba902b7-01",
            },
        )
        with urllib.request.urlopen(sent, timeout=90) as answer:  # noqa: S310
            assert answer.headers["X-Correlation-ID"] == _TRACE
        until(lambda: "reference took 1 records" in _of_request(logs["book"]))
        assert "POST /ingest/portfolios answered 202" in _of_request(logs["ingest"])
        headers = _headers(broker, "raw_portfolios")
        assert headers["correlation_id"] == _TRACE
        assert headers["traceparent"].startswith(f"00-{_TRACE}-")
        # Whichever process leads the shipping counts what it ships too.
        taken = _value(roles["book"], "tidebook_batch_records_sum", consumer="reference")
        assert taken == 1
        assert _value(roles["ingest"], "tidebook_http_requests_total") >= 1
        for role, playing in roles.items():
            assert _value(playing, "tidebook_database_up") == 1
            assert _value(playing, "tidebook_build_info") == 1
            assert {line["role"] for line in _lines(logs[role])} == {role}
        until(lambda: _value(roles["query"], "tidebook_outbox_records") == 0)
    assert {process.returncode for process in started.values()} == {0}


_PORTFOLIO = {
    "portfolioId": "P-1",
    "baseCurrency": "USD",
    "openDate": "2024-01-02",
}
