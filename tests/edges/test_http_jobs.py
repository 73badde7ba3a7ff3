"""``GET /jobs``: what is scheduled, how it went, and when it is due next."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient

from tests.edges.test_http_queries import shape
from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tests.unit.engine.memory_jobs import MemoryJobs
from tidebook.api import create_app
from tidebook.api.samples import examples
from tidebook.engine.jobs import Job, JobBoard, JobStatus

if TYPE_CHECKING:
    from datetime import datetime

_HOUR = timedelta(hours=1)


def test_a_job_is_told_with_its_last_run() -> None:
    now = StoppedClock().now()
    due = now.replace(minute=0, second=0, microsecond=0)
    store = MemoryJobs()
    begun = store.begin("sweep", due, due)
    assert begun is not None
    ended = due + timedelta(seconds=2)
    store.end(begun._replace(status=JobStatus.DONE, ended_at=ended, counts={"rows": 3}))
    jobs = [Job(name, "does a thing", _HOUR, dict) for name in ("sweep", "other")]
    book: Any = MemoryBook()
    app = create_app(book, book, clock=StoppedClock(), jobs=JobBoard(jobs, store, lambda: False))
    answer = TestClient(app).get("/jobs").json()
    assert answer["leading"] is False
    swept, never = answer["jobs"]
    assert swept["every_seconds"] == 3600
    assert swept["next_at"] == _text(due + _HOUR)
    assert swept["overdue_seconds"] == 0
    assert swept["last_done_at"] == _text(ended)
    assert swept["last_run"] == {
        "scheduled_for": _text(due),
        "status": "done",
        "attempts": 1,
        "started_at": _text(due),
        "ended_at": _text(ended),
        "counts": {"rows": 3},
        "error": None,
    }
    assert never["last_run"] is never["last_done_at"] is None
    assert never["overdue_seconds"] == (now - due).total_seconds()
    sample: Any = examples()["jobs"]
    assert shape({**answer, "jobs": [swept]}) == shape(
        {**sample, "jobs": [sample["jobs"][0] | {"last_run": swept["last_run"]}]}
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
