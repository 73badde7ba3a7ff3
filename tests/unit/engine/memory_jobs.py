"""Runs of jobs in memory, which begin once for each instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.engine.jobs import JobRun, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class MemoryJobs:
    """Keeps what was begun (see ``engine.jobs.JobStore``)."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, datetime], JobRun] = {}

    def begin(self, job: str, scheduled_for: datetime, at: datetime) -> JobRun | None:
        if (job, scheduled_for) in self.runs:
            return None
        run = JobRun(job, scheduled_for, JobStatus.RUNNING, 1, at, None, {}, None)
        self.runs[job, scheduled_for] = run
        return run

    def end(self, run: JobRun) -> None:
        self.runs[run.job, run.scheduled_for] = run

    def last(self) -> Mapping[str, tuple[JobRun, JobRun | None]]:
        found: dict[str, tuple[JobRun, JobRun | None]] = {}
        for run in self.runs.values():
            done = run if run.status is JobStatus.DONE else found.get(run.job, (run, None))[1]
            found[run.job] = run, done
        return found
