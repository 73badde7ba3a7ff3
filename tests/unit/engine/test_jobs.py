"""Jobs run when they are due, once, in one process; and one that fails keeps no other from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.engine.memory_jobs import MemoryJobs
from tidebook.engine.jobs import (
    Job,
    JobRun,
    JobState,
    JobStatus,
    due_at,
    overdue_seconds,
    states,
)
from tidebook.engine.runner import Scheduler
from tidebook.errors import ProviderError

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Leading:
    def __init__(self, *, leads: bool = True) -> None:
        self.leads = leads

    def try_lead(self) -> bool:
        return self.leads


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


def _failing() -> dict[str, int]:
    raise ProviderError("nobody", "it is shut")


def _job(name: str, done: list[str], every: timedelta = HOUR) -> Job:
    def run() -> dict[str, int]:
        done.append(name)
        return {"rows": 7}

    return Job(name, "does a thing", every, run)


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        (HOUR, NOON, NOON),
        (HOUR, NOON + timedelta(minutes=59, seconds=59), NOON),
        (4 * HOUR, NOON - timedelta(microseconds=1), NOON - 4 * HOUR),
        (24 * HOUR, NOON, NOON - 12 * HOUR),
    ],
)
def test_a_job_is_due_at_whole_multiples_of_its_period(
    every: timedelta, now: datetime, expected: datetime
) -> None:
    assert due_at(every, now) == expected


def test_a_job_runs_once_for_each_time_that_it_is_due() -> None:
    done: list[str] = []
    clock, store = Hands(), MemoryJobs()
    scheduler = Scheduler([_job("sweep", done)], store, Leading(), clock)
    scheduler.step()
    scheduler.step()
    assert done == ["sweep"]
    clock.at += HOUR
    scheduler.step()
    assert done == ["sweep", "sweep"]
    run = store.runs["sweep", NOON]
    assert (run.status, run.counts, run.error) == (JobStatus.DONE, {"rows": 7}, None)


def test_what_was_missed_is_run_once_and_not_for_every_time() -> None:
    done: list[str] = []
    clock = Hands()
    scheduler = Scheduler([_job("sweep", done)], MemoryJobs(), Leading(), clock)
    scheduler.step()
    clock.at += 9 * HOUR
    scheduler.step()
    scheduler.step()
    assert done == ["sweep", "sweep"]


def test_of_two_processes_the_one_that_leads_runs_jobs() -> None:
    done: list[str] = []
    store, other = MemoryJobs(), Leading(leads=False)
    standing_by = Scheduler([_job("sweep", done)], store, other, Hands())
    standing_by.step()
    assert done == []
    assert not standing_by.is_leading()
    other.leads = True
    standing_by.step()
    assert done == ["sweep"]
    assert standing_by.is_leading()


def test_while_the_lead_changes_hands_no_job_runs_twice() -> None:
    done: list[str] = []
    store = MemoryJobs()
    for _ in range(2):
        Scheduler([_job("sweep", done)], store, Leading(), Hands()).step()
    assert done == ["sweep"]


def test_one_that_fails_says_why_and_keeps_no_other_from_running() -> None:
    done: list[str] = []
    store = MemoryJobs()
    refused = Job("refused", "is refused", HOUR, _failing)
    broken = Job("broken", "has a fault", HOUR, lambda: {"share": 1 // len(done[5:])})
    Scheduler([refused, broken, _job("sweep", done)], store, Leading(), Hands()).step()
    assert done == ["sweep"]
    kept = store.runs["refused", NOON]
    assert kept.status is JobStatus.FAILED
    assert kept.error is not None
    assert "it is shut" in kept.error
    assert store.runs["broken", NOON].error is not None
    assert "ZeroDivisionError" in str(store.runs["broken", NOON].error)


def test_a_job_is_overdue_from_when_it_was_due_until_it_has_gone_well() -> None:
    job = _job("sweep", [])
    never = JobState(job, None, None, NOON + HOUR)
    assert overdue_seconds(never, NOON + timedelta(minutes=5)) == 300.0
    early = JobRun("sweep", NOON - 2 * HOUR, JobStatus.DONE, 1, NOON, NOON, {}, None)
    # It went well for 10:00, so it is overdue since 11:00.
    assert overdue_seconds(JobState(job, early, early, NOON + HOUR), NOON) == 3600.0
    well = early._replace(scheduled_for=NOON)
    assert overdue_seconds(JobState(job, well, well, NOON + HOUR), NOON) == 0.0


def test_how_a_job_stands_is_told_with_its_last_run_and_its_next() -> None:
    store, clock = MemoryJobs(), Hands()
    Scheduler([_job("sweep", [])], store, Leading(), clock).step()
    swept, never = states([_job("sweep", []), _job("other", [], 4 * HOUR)], store, NOON)
    assert swept.last == swept.last_done == store.runs["sweep", NOON]
    assert swept.next_at == NOON + HOUR
    assert never[1:] == (None, None, NOON + 4 * HOUR)
