"""Runs of jobs in the database: begun by one process, taken up when left, and forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tidebook.adapters.postgres.job_store import PostgresJobs
from tidebook.engine.jobs import AGAIN_AFTER, GIVEN_UP_AFTER, RUNS_MAX, JobStatus

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

pytestmark = pytest.mark.cluster

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def jobs(pool: ConnectionPool[Any]) -> PostgresJobs:
    with pool.connection() as connection:
        connection.execute("TRUNCATE job_runs")
    return PostgresJobs(pool)


def test_one_process_begins_a_run_and_its_end_is_kept(jobs: PostgresJobs) -> None:
    begun = jobs.begin("sweep", NOON, NOON)
    assert begun is not None
    assert jobs.begin("sweep", NOON, NOON + SECOND) is None
    assert jobs.begin("other", NOON, NOON) is not None
    ended = begun._replace(status=JobStatus.DONE, ended_at=NOON + SECOND, counts={"rows": 3})
    jobs.end(ended)
    assert jobs.begin("sweep", NOON, NOON + timedelta(days=1)) is None
    assert jobs.last()["sweep"] == (ended, ended)
    assert jobs.last()["other"][1] is None


def test_a_run_that_failed_is_tried_again_after_a_while_and_not_for_ever(
    jobs: PostgresJobs,
) -> None:
    at = NOON
    for attempt in range(1, RUNS_MAX + 1):
        begun = jobs.begin("sweep", NOON, at)
        assert begun is not None
        assert begun.attempts == attempt
        jobs.end(begun._replace(status=JobStatus.FAILED, ended_at=at, error="shut"))
        assert jobs.begin("sweep", NOON, at + AGAIN_AFTER) is None
        at += AGAIN_AFTER + SECOND
    assert jobs.begin("sweep", NOON, at) is None
    last, well = jobs.last()["sweep"]
    assert (last.status, last.error, well) == (JobStatus.FAILED, "shut", None)


def test_a_run_that_was_left_is_taken_up_and_its_late_end_changes_nothing(
    jobs: PostgresJobs,
) -> None:
    left = jobs.begin("sweep", NOON, NOON)
    assert left is not None
    assert jobs.begin("sweep", NOON, NOON + GIVEN_UP_AFTER) is None
    taken = jobs.begin("sweep", NOON, NOON + GIVEN_UP_AFTER + SECOND)
    assert taken is not None
    jobs.end(left._replace(status=JobStatus.FAILED, ended_at=NOON, error="late"))
    assert jobs.last()["sweep"][0] == taken


def test_old_runs_are_forgotten(jobs: PostgresJobs, pool: ConnectionPool[Any]) -> None:
    with pool.connection() as connection:
        connection.execute(
            "INSERT INTO job_runs (job, scheduled_for, status, attempts, started_at, ended_at)"
            " SELECT 'sweep', %(at)s - n * interval '1 hour', 'done', 1, %(at)s, %(at)s"
            " FROM generate_series(1, 600) AS n",
            {"at": NOON},
        )
    begun = jobs.begin("sweep", NOON, NOON)
    assert begun is not None
    jobs.end(begun._replace(status=JobStatus.DONE, ended_at=NOON))
    with pool.connection() as connection:
        row = connection.execute("SELECT count(*), min(scheduled_for) FROM job_runs").fetchone()
    assert row == (500, NOON - timedelta(hours=499))


def test_of_many_who_begin_at_once_one_does(jobs: PostgresJobs) -> None:
    with ThreadPoolExecutor(8) as threads:
        begun = [threads.submit(jobs.begin, "sweep", NOON, NOON) for _ in range(16)]
    assert sum(each.result() is not None for each in begun) == 1
