"""Runs of scheduled jobs in PostgreSQL (see ``engine.jobs.JobStore``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from psycopg import OperationalError

from tidebook.adapters.postgres.rows import utc
from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.jobs import AGAIN_AFTER, GIVEN_UP_AFTER, RUNS_MAX, JobRun, JobStatus
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.snapshots import Pool

_SQL: Final = statements("jobs")
_RUNS_KEPT: Final = 500
"""How many runs of each job are kept."""


class PostgresJobs:
    """Keeps the runs of jobs."""

    def __init__(self, pool: Pool) -> None:
        """Keep the pool that connections are borrowed from."""
        self._pool = pool

    def begin(self, job: str, scheduled_for: datetime, at: datetime) -> JobRun | None:
        """Begin a run, or take up one that failed or was left; None when there is nothing to do."""
        named = {
            "job": job,
            "scheduled_for": scheduled_for,
            "at": at,
            "failed_before": at - AGAIN_AFTER,
            "left_before": at - GIVEN_UP_AFTER,
            "attempts_max": RUNS_MAX,
        }
        row = self._written("begin", named)
        return None if row is None else _run(row)

    def end(self, run: JobRun) -> None:
        """Keep how a run ended, unless another process has taken it up meanwhile."""
        named = {
            "job": run.job,
            "scheduled_for": run.scheduled_for,
            "started_at": run.started_at,
            "status": run.status.value,
            "ended_at": run.ended_at,
            "counts": json.dumps(dict(run.counts)),
            "error": run.error,
        }
        self._written("end", named)
        self._written("forget", {"job": run.job, "kept": _RUNS_KEPT})

    def last(self) -> Mapping[str, tuple[JobRun, JobRun | None]]:
        """Return the last run of each job, and the last that went well."""
        with snapshot(self._pool) as cursor:
            last = [_run(row) for row in cursor.execute(_SQL["last"]).fetchall()]
            done = [_run(row) for row in cursor.execute(_SQL["last_done"]).fetchall()]
        well = {run.job: run for run in done}
        return {run.job: (run, well.get(run.job)) for run in last}

    def _written(self, statement: str, named: Mapping[str, object]) -> TupleRow | None:
        try:
            with self._pool.connection() as connection, connection.transaction():
                cursor = connection.execute(_SQL[statement], named)
                return cursor.fetchone() if cursor.description else None
        except OperationalError as error:
            raise StoreUnavailableError(
                "the database did not answer when a job was to be noted",
                hint="check that it runs; the job is tried again by itself",
            ) from error


def _run(row: TupleRow) -> JobRun:
    job, scheduled_for, status, attempts, started_at, ended_at, counts, error = row
    return JobRun(
        job,
        utc(scheduled_for),
        JobStatus(status),
        attempts,
        utc(started_at),
        None if ended_at is None else utc(ended_at),
        cast("dict[str, Any]", counts),
        error,
    )
