"""Scheduled work: what is due, in one process of all, once for each time that it is due.

A job is due at fixed instants, whole multiples of its period since 1970. Whoever holds the lead of
the jobs runs them; beside that, a run is a row that only one process can begin, so that no job runs
twice for one instant even while the lead changes hands. What was missed is not made up for: a job
that comes back late runs for the last instant at which it was due.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
RUNS_MAX: Final = 3
"""How often a job is tried for one instant."""
AGAIN_AFTER: Final = timedelta(minutes=5)
"""How long after it has failed it is tried again."""
GIVEN_UP_AFTER: Final = timedelta(hours=1)
"""How long a run may take; one that is older was left by a process that ended."""


class JobStatus(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(NamedTuple):
    """Scheduled work.

    Attributes:
        name: What it is called.
        tells: What it does, in a sentence.
        every: How often it is due; a whole part of a day, so that it is due at midnight UTC.
        run: Does it, and returns what it came to: counts by name.
    """

    name: str
    tells: str
    every: timedelta
    run: Callable[[], Mapping[str, int]]


class JobRun(NamedTuple):
    """A run of a job for one instant at which it was due.

    Attributes:
        job: Its name.
        scheduled_for: When it was due.
        status: How far it has come.
        attempts: How often it was begun.
        started_at: When it was begun last.
        ended_at: When it ended; None while it runs.
        counts: What it came to.
        error: Why it failed; None where it did not.
    """

    job: str
    scheduled_for: datetime
    status: JobStatus
    attempts: int
    started_at: datetime
    ended_at: datetime | None
    counts: Mapping[str, int]
    error: str | None


class JobState(NamedTuple):
    """A job, its last run, the last run that went well, and when it is due next."""

    job: Job
    last: JobRun | None
    last_done: JobRun | None
    next_at: datetime


class JobStore(Protocol):
    """Keeps the runs of jobs."""

    def begin(self, job: str, scheduled_for: datetime, at: datetime) -> JobRun | None:
        """Begin a run, or take up one that failed or was left; None when there is nothing to do.

        A run that failed is taken up again after ``AGAIN_AFTER``, ``RUNS_MAX`` times in all; one
        that has run for longer than ``GIVEN_UP_AFTER`` was left by a process that ended.

        Raises:
            StoreUnavailableError: When the store cannot be asked.
        """
        ...

    def end(self, run: JobRun) -> None:
        """Keep how a run ended, unless another process has taken it up meanwhile."""
        ...

    def last(self) -> Mapping[str, tuple[JobRun, JobRun | None]]:
        """Return the last run of each job, and the last that went well."""
        ...


class Lease(Protocol):
    """Who may do what one process of all does."""

    def try_lead(self) -> bool:
        """Tell whether it is this process, which it stays until it ends."""
        ...


class JobBoard(NamedTuple):
    """What may be asked of scheduled work: the jobs, their runs, and whether this process leads."""

    jobs: Sequence[Job]
    store: JobStore
    is_leading: Callable[[], bool]


class JobTelemetry(Protocol):
    """Takes note of runs."""

    def job_ended(self, job: str, status: str, seconds: float) -> None:
        """Take note of a run that ended."""
        ...


def due_at(every: timedelta, now: datetime) -> datetime:
    """Return the last instant at which a job was due.

    >>> due_at(timedelta(hours=4), datetime(2026, 6, 1, 15, 30, tzinfo=UTC)).isoformat()
    '2026-06-01T12:00:00+00:00'
    """
    return now - (now - _EPOCH) % every


def states(jobs: Sequence[Job], store: JobStore, now: datetime) -> tuple[JobState, ...]:
    """Return how each job stands.

    Raises:
        StoreUnavailableError: When the store cannot be asked.
    """
    kept = store.last()
    return tuple(
        JobState(job, *kept.get(job.name, (None, None)), due_at(job.every, now) + job.every)
        for job in jobs
    )


def overdue_seconds(state: JobState, now: datetime) -> float:
    """Return for how long a job has been due and has not gone well since; 0 when it has.

    A job that never ran is overdue since it was due last.
    """
    done = state.last_done
    since = state.next_at - state.job.every
    if done is not None:
        if done.scheduled_for >= since:
            return 0.0
        since = done.scheduled_for + state.job.every
    return max(0.0, (now - since).total_seconds())
