"""The express lane for reads answers as the ordinary way does, and takes only what is plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.testclient import TestClient

from tests.edges.memory_book import AN_ID, MemoryCommands, MemoryReader, StoppedClock
from tests.edges.test_http_express import Told
from tidebook.api import create_app, express_reads
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tidebook.engine.ports import Reader


class NoLane:
    """In the place of the lane, and passes everything on."""

    def __init__(self, app: ASGIApp, reader: Reader) -> None:
        del reader
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _app(reader: MemoryReader, told: Told) -> FastAPI:
    return create_app(
        cast("Any", MemoryCommands()),
        cast("Any", reader),
        clock=StoppedClock(),
        new_id=lambda: AN_ID,
        metrics_told=told,
    )


def _both(monkeypatch: pytest.MonkeyPatch, reader: MemoryReader) -> list[tuple[TestClient, Told]]:
    """Return clients of the same application with the lane and without."""
    with_lane, without = Told(), Told()
    first = _app(reader, with_lane)
    monkeypatch.setattr("tidebook.api.app.ExpressReads", NoLane)
    second = _app(reader, without)
    return [
        (TestClient(app, raise_server_exceptions=False), told)
        for app, told in ((first, with_lane), (second, without))
    ]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/transactions/T-1", {}),
        ("/transactions/T-1", {"X-Correlation-ID": "mine"}),
        ("/transactions/T-1", {"Accept": "text/csv"}),
        ("/transactions/T%2F1", {}),
        ("/transactions/T/1", {}),
        ("/transactions/nobody's", {}),
        ("/transactions/T-1?known_at=2024-03-11T10:00:00Z", {}),
        ("/transactions/T-1?unknown=1", {}),
        ("/transactions/", {}),
        ("/transactions", {}),
    ],
)
def test_a_transaction_is_told_alike_either_way(
    monkeypatch: pytest.MonkeyPatch, path: str, headers: dict[str, str]
) -> None:
    (lane, seen), (ordinary, expected_seen) = _both(monkeypatch, MemoryReader())
    found, expected = lane.get(path, headers=headers), ordinary.get(path, headers=headers)
    assert found.status_code == expected.status_code
    assert found.content == expected.content
    assert dict(found.headers) == dict(expected.headers)
    assert seen.answers == expected_seen.answers


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
def test_other_methods_are_refused_alike(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    (lane, _), (ordinary, _) = _both(monkeypatch, MemoryReader())
    found, expected = (each.request(method, "/transactions/T-1") for each in (lane, ordinary))
    assert (found.status_code, found.content) == (expected.status_code, expected.content)


class Away(MemoryReader):
    """A reader that fails as ``failure`` says."""

    failure: Exception = StoreUnavailableError("no answer", hint="wait")

    def transaction(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - it only fails
        raise self.failure


@pytest.mark.parametrize(
    "fault",
    [StoreUnavailableError("no answer", hint="wait"), ArithmeticError("inside")],
    ids=["the store is away", "an error inside"],
)
def test_what_fails_is_told_alike(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    reader = Away()
    reader.failure = fault
    (lane, seen), (ordinary, expected_seen) = _both(monkeypatch, reader)
    found, expected = (each.get("/transactions/T-1") for each in (lane, ordinary))
    assert (found.status_code, found.content) == (expected.status_code, expected.content)
    assert dict(found.headers) == dict(expected.headers)
    assert seen.answers == expected_seen.answers


def test_the_lane_answers_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    told = express_reads.told_transaction

    def seen(reader: Reader, transaction_id: str, known_at: None) -> Any:  # noqa: ANN401 - passed on
        asked.append(transaction_id)
        return told(reader, transaction_id, known_at)

    monkeypatch.setattr(express_reads, "told_transaction", seen)
    client = TestClient(_app(MemoryReader(), Told()))
    client.get("/transactions/T-1")
    client.get("/transactions/T-1?known_at=2024-03-11T10:00:00Z")
    assert asked == ["T-1"]
