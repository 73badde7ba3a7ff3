"""Scheduled work, put together: which jobs there are, and who runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.adapters.postgres.job_store import PostgresJobs
from tidebook.engine.benchmark_updates import BenchmarkUpdates, benchmark_job
from tidebook.engine.benchmarks import NoProvider
from tidebook.engine.jobs import JobBoard
from tidebook.engine.runner import Scheduler
from tidebook.wiring.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from tidebook.adapters.postgres.pool import ToldPool
    from tidebook.adapters.postgres.store import PostgresStore
    from tidebook.adapters.telemetry.metrics import Metrics
    from tidebook.engine.benchmarks import Benchmarks
    from tidebook.engine.jobs import Job


def benchmark_jobs(benchmarks: Benchmarks) -> list[Job]:
    """Return the job that fetches benchmarks, where there is somebody to fetch them from."""
    if isinstance(benchmarks.provider, NoProvider):
        return []
    from tidebook.api import random_id  # noqa: PLC0415 - reading the book must not pay for it

    updates = BenchmarkUpdates(benchmarks, benchmarks.clock, random_id)
    return [benchmark_job(updates, benchmarks.provider.name)]


def scheduled(
    jobs: Sequence[Job],
    pool: ToldPool,
    lease: PostgresStore,
    metrics: Metrics | None,
    stack: ExitStack,
) -> JobBoard:
    """Return the board of jobs that run from now on, one after the other, in one process of all."""
    kept, clock = PostgresJobs(pool), SystemClock()
    scheduler = Scheduler(jobs, kept, lease, clock, metrics)
    board = JobBoard(jobs, kept, scheduler.is_leading)
    if metrics is not None:
        metrics.tell_jobs(board, clock)
    stack.callback(scheduler.stop)
    scheduler.start()
    return board
