"""Each role answers its own routes, and says truly whether it is ready."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tests.unit.engine.live_fixture import followed
from tests.unit.engine.memory_jobs import MemoryJobs
from tidebook.api import Dependency, Doors, create_app
from tidebook.engine.jobs import Job, JobBoard
from tidebook.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_LIVE = ("snapshot", "pnl", "exposure", "drawdown", "health", "events", "stream")
_ALWAYS = {"/health/live", "/health/ready", "/health/startup", "/version"}


def _client(doors: Doors | None = None, *dependencies: Dependency) -> TestClient:
    book: Any = MemoryBook()
    sweep = Job("sweep", "does a thing", timedelta(hours=1), dict)
    board = JobBoard([sweep], MemoryJobs(), lambda: True)
    app = create_app(
        book,
        book,
        clock=StoppedClock(),
        doors=doors,
        dependencies=dependencies,
        jobs=board,
        live=followed(),
    )
    return TestClient(app, raise_server_exceptions=False)


def _paths(client: TestClient) -> set[str]:
    return set(client.get("/openapi.json").json()["paths"])


def test_the_routes_of_the_roles_are_all_there_are_and_none_is_answered_twice() -> None:
    everything = _paths(_client())
    taking = _paths(_client(Doors(takes=True, answers=False, schedules=False, watches=False)))
    answering = _paths(_client(Doors(takes=False, answers=True, schedules=False, watches=False)))
    scheduling = _paths(_client(Doors(takes=False, answers=False, watches=False)))
    watching = _paths(_client(Doors(takes=False, answers=False, schedules=False)))
    working = _paths(_client(Doors(takes=False, answers=False, schedules=False, watches=False)))
    assert working == _ALWAYS
    assert scheduling == {*_ALWAYS, "/jobs"}
    assert watching - _ALWAYS == {
        "/health",
        *(f"/api/portfolio/{name}" for name in _LIVE),
    }
    assert taking | answering | scheduling | watching == everything
    for one, other in combinations((taking, answering, scheduling, watching), 2):
        assert one & other == _ALWAYS
    assert "/ingest/transactions" in taking
    assert "/portfolios/{portfolio_id}/what-if/commit" in taking
    assert "/portfolios/{portfolio_id}/what-if" in answering


def test_what_another_role_answers_is_not_here() -> None:
    client = _client(Doors(takes=False, answers=True))
    assert client.post("/ingest/portfolios", json={"portfolios": []}).status_code == 404
    assert client.get("/portfolios/").status_code == 200
    client = _client(Doors(takes=True, answers=False))
    assert client.get("/portfolios/").json()["code"] == "route.unknown"


def _away() -> None:
    raise BusUnavailableError("nobody listens")


def _there() -> None:
    return None


@pytest.mark.parametrize(
    ("ask", "needed", "status"),
    [(_there, True, 200), (_there, False, 200), (_away, False, 200), (_away, True, 503)],
)
def test_readiness_tells_of_the_broker(ask: Callable[[], None], needed: bool, status: int) -> None:
    client = _client(Doors(roles=("book",)), Dependency("broker", ask, needed=needed))
    answer = client.get("/health/ready")
    assert answer.status_code == status
    if status == 503:
        assert answer.json()["code"] == "bus.unavailable"
        assert answer.headers["Retry-After"] == "5"
    else:
        told = "ok" if ask is _there else "away"
        assert answer.json()["dependencies"] == {"database": "ok", "broker": told}
        assert answer.json()["roles"] == ["book"]
