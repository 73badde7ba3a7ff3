"""What scheduled jobs there are, how their last run went, and when they are due next."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import EdgeHere
from tidebook.api.replies import Json, instant, instant_or_null, reply
from tidebook.engine.jobs import overdue_seconds, states

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.engine.jobs import JobBoard, JobRun, JobState

router = APIRouter(tags=["health"])


@router.get("/jobs", **samples.answer("jobs"))
def jobs(request: Request, edge: EdgeHere) -> Response:
    """List the scheduled jobs: how often each is due, how its last run went, when it is due next.

    Every process with the role tells the same runs. Leading is the one that runs them; the others
    stand by.
    """
    board, now = cast("JobBoard", request.app.state.jobs), edge.clock.now()
    told = [_job(state, now) for state in states(board.jobs, board.store, now)]
    return reply({"leading": board.is_leading(), "jobs": told})


def _job(state: JobState, now: datetime) -> Json:
    return {
        "job": state.job.name,
        "tells": state.job.tells,
        "every_seconds": int(state.job.every.total_seconds()),
        "next_at": instant(state.next_at),
        "overdue_seconds": round(overdue_seconds(state, now)),
        "last_run": None if state.last is None else _run(state.last),
        "last_done_at": None
        if state.last_done is None
        else instant_or_null(state.last_done.ended_at),
    }


def _run(run: JobRun) -> Json:
    return {
        "scheduled_for": instant(run.scheduled_for),
        "status": run.status.value,
        "attempts": run.attempts,
        "started_at": instant(run.started_at),
        "ended_at": instant_or_null(run.ended_at),
        "counts": dict(run.counts),
        "error": run.error,
    }
