"""The express lane answers as the ordinary way does, and takes only what is plain."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.testclient import TestClient

from tests.edges.memory_book import AN_ID, MemoryCommands, MemoryReader, StoppedClock
from tests.edges.test_http_ingestion import BOUGHT, BUY, IN_CAMEL_CASE
from tidebook.api import create_app
from tidebook.errors import OverloadedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from httpx2 import Response

    from tidebook.engine.gathering import GroupCommit, Sent

SINGLE, SEVERAL = "/ingest/transaction", "/ingest/transactions"
JSON = {"Content-Type": "application/json"}


class Commit:
    """Keeps what is sent, group by group; ``fault`` is what it comes to, ``unfit`` by whom."""

    def __init__(self) -> None:
        self.groups: list[list[Sent]] = []
        self.fault: Exception | None = None
        self.unfit = ""
        self.pause_seconds = 0.0

    def take(self, sent: Sequence[Sent]) -> None:
        time.sleep(self.pause_seconds)
        if any(one.transactions[0].transaction_id == self.unfit for one in sent):
            raise ArithmeticError(self.unfit)
        if self.fault is not None:
            raise self.fault
        self.groups.append(list(sent))


class Told:
    """Keeps what is told of requests."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str, int]] = []

    def began(self) -> None:
        """Take note of a request that is worked on."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.answers.append((method, route, status))

    def exposition(self) -> bytes:
        return b""


class Both:
    """The same application with the lane and without."""

    def __init__(self) -> None:
        self.commit = Commit()
        self.ordinary = MemoryCommands()
        self.passed_on = MemoryCommands()
        self.with_lane = self._app(self.passed_on, self.commit)
        self.without = self._app(self.ordinary, None)

    def _app(self, commands: MemoryCommands, commit: Commit | None) -> FastAPI:
        return create_app(
            cast("Any", commands),
            cast("Any", MemoryReader()),
            clock=StoppedClock(),
            new_id=lambda: AN_ID,
            commit=cast("GroupCommit | None", commit),
        )

    def answers(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Response, Response]:
        said = [
            TestClient(app, raise_server_exceptions=False).post(
                path, content=body, headers=dict(headers)
            )
            for app in (self.with_lane, self.without)
        ]
        return said[0], said[1]


@pytest.fixture
def both() -> Both:
    return Both()


def _body(*rows: object) -> bytes:
    return json.dumps({"transactions": rows}).encode()


def _alike(found: Response, expected: Response) -> None:
    assert found.status_code == expected.status_code
    assert found.json() == expected.json()
    assert dict(found.headers) == dict(expected.headers)


PLAIN = [
    (SINGLE, json.dumps(BUY).encode(), JSON),
    (SINGLE, json.dumps(IN_CAMEL_CASE).encode(), JSON),
    (SEVERAL, _body(BUY), JSON),
    (SEVERAL, _body(BUY, BUY | {"transaction_id": "T-2"}), JSON | {"X-Correlation-ID": "mine"}),
    (SINGLE, json.dumps(BUY).encode(), {"Content-Type": "application/json; charset=UTF-8"}),
]

_HUGE = json.dumps(BUY | {"note": "n" * 1_900}).encode() + b" " * 20_000
OTHERS = [
    (SINGLE, json.dumps(BUY).encode(), JSON | {"Prefer": "wait=5"}),
    (SINGLE, json.dumps(BUY).encode(), JSON | {"Prefer": "respond-async"}),
    (SINGLE, json.dumps(BUY).encode(), {"Content-Type": "text/plain"}),
    (SINGLE, json.dumps(BUY | {"quantity": "-1"}).encode(), JSON),
    (SINGLE, json.dumps(BUY | {"createdAt": "2024-01-02"}).encode(), JSON),
    (SINGLE, json.dumps([BUY]).encode(), JSON),
    (SINGLE, b'{"transaction_id": ', JSON),
    (SINGLE, json.dumps(BUY).encode() + b"]}", JSON),
    (SINGLE, b"", JSON),
    (SINGLE, _HUGE, JSON),
    (SEVERAL, _body(), JSON),
    (SEVERAL, _body(BUY, BUY | {"trade_currency": "usd"}), JSON),
    (f"{SINGLE}?expect=any", json.dumps(BUY).encode(), JSON),
    ("/ingest/portfolios", _body(BUY), JSON),
]


@pytest.mark.parametrize(("path", "body", "headers"), PLAIN)
def test_a_plain_body_takes_the_lane_and_is_answered_alike(
    both: Both, path: str, body: bytes, headers: dict[str, str]
) -> None:
    found, expected = both.answers(path, body, headers)
    assert expected.is_success
    _alike(found, expected)
    assert not both.passed_on.facts
    (group,) = both.commit.groups
    assert list(group[0].transactions) == both.ordinary.facts["transactions"]
    assert group[0].transactions[0] == BOUGHT
    assert [group[0].correlation_id] == both.ordinary.correlation_ids


@pytest.mark.parametrize(("path", "body", "headers"), OTHERS)
def test_whatever_is_not_plain_takes_the_ordinary_way(
    both: Both, path: str, body: bytes, headers: dict[str, str]
) -> None:
    found, expected = both.answers(path, body, headers)
    _alike(found, expected)
    assert both.commit.groups == []
    assert both.passed_on.facts == both.ordinary.facts


@pytest.mark.parametrize(
    "fault",
    [
        StoreUnavailableError("the database is away", hint="wait"),
        OverloadedError("the queue", retry_after_seconds=5),
    ],
    ids=["away", "full"],
)
def test_what_is_not_durable_is_refused_alike(both: Both, fault: Exception) -> None:
    both.commit.fault = both.ordinary.fault = fault
    found, expected = both.answers(SINGLE, json.dumps(BUY).encode(), JSON)
    assert expected.headers["Retry-After"]
    _alike(found, expected)


def test_a_fault_inside_is_no_secret_told(both: Both) -> None:
    both.commit.fault = both.ordinary.fault = ArithmeticError("a secret")
    found, expected = both.answers(SINGLE, json.dumps(BUY).encode(), JSON)
    assert expected.status_code == 500
    _alike(found, expected)
    assert "secret" not in found.text


def test_a_request_is_told_under_its_route() -> None:
    told = Told()
    app = create_app(
        cast("Any", MemoryCommands()),
        cast("Any", MemoryReader()),
        clock=StoppedClock(),
        metrics_told=told,
        commit=cast("GroupCommit", Commit()),
    )
    TestClient(app).post(SINGLE, json=BUY)
    assert told.answers == [("POST", SINGLE, 201)]


def test_a_type_that_is_told_twice_takes_the_ordinary_way(both: Both) -> None:
    headers = [("Content-Type", "text/plain"), ("Content-Type", "application/json")]
    for app in (both.with_lane, both.without):
        answer = TestClient(app).post(SINGLE, content=json.dumps(BUY).encode(), headers=headers)
        assert answer.status_code == 415
    assert both.commit.groups == []


def test_requests_at_the_same_time_share_commits_and_none_is_lost(both: Both) -> None:
    count = 40
    both.commit.pause_seconds = 0.01
    bodies = [BUY | {"transaction_id": f"T-{number}"} for number in range(count)]
    answers = _sent_together(both, bodies)
    assert [each.json()["transaction_id"] for each in answers] == [f"T-{n}" for n in range(count)]
    assert {each.status_code for each in answers} == {201}
    assert sorted(_taken(both)) == sorted(f"T-{n}" for n in range(count))
    assert len(both.commit.groups) < count


def test_what_one_request_causes_does_not_meet_the_others(both: Both) -> None:
    both.commit.pause_seconds = 0.01
    both.commit.unfit = "T-7"
    answers = _sent_together(both, [BUY | {"transaction_id": f"T-{n}"} for n in range(16)])
    assert [each.status_code for each in answers] == [201] * 7 + [500] + [201] * 8
    assert sorted(_taken(both)) == sorted(f"T-{n}" for n in range(16) if n != 7)


def _sent_together(both: Both, bodies: Sequence[Mapping[str, str]]) -> list[Response]:
    client = TestClient(both.with_lane, raise_server_exceptions=False)

    def send(body: Mapping[str, str]) -> Response:
        return client.post(SINGLE, json=dict(body))

    with client, ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, bodies))


def _taken(both: Both) -> list[str]:
    return [one.transactions[0].transaction_id for group in both.commit.groups for one in group]
