"""The loop that runs scheduled jobs when they are due (see ``engine.jobs``)."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from tidebook.engine.jobs import JobStatus, due_at
from tidebook.errors import StoreUnavailableError, TidebookError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidebook.engine.jobs import Job, JobRun, JobStore, JobTelemetry, Lease
    from tidebook.engine.ports import Clock

_log = logging.getLogger("tidebook.jobs")

_LOOK_SECONDS: Final = 10.0


class Scheduler:
    """Runs jobs when they are due, one after the other, while this process leads.

    Args:
        jobs: What there is to do.
        store: Where runs are kept.
        lease: Who runs them.
        clock: What time it is.
        telemetry: Told of runs; None tells nobody.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        store: JobStore,
        lease: Lease,
        clock: Clock,
        telemetry: JobTelemetry | None = None,
    ) -> None:
        """Keep what is needed; nothing runs before :meth:`start`."""
        self._jobs = jobs
        self._store = store
        self._lease = lease
        self._clock = clock
        self._telemetry = telemetry
        self._stopping = Event()
        self._thread = Thread(target=self._loop, name="tidebook-jobs", daemon=True)
        self._is_leading = False

    def is_leading(self) -> bool:
        """Tell whether it was this process that ran jobs when it last looked."""
        return self._is_leading

    def start(self) -> None:
        """Begin to run in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the job at hand and return when the thread has ended."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> None:
        """Run what is due, if this process may.

        Raises:
            StoreUnavailableError: When the store cannot be asked.
        """
        self._is_leading = self._lease.try_lead()
        if not self._is_leading:
            return
        for job in self._jobs:
            if self._stopping.is_set():
                return
            now = self._clock.now()
            begun = self._store.begin(job.name, due_at(job.every, now), now)
            if begun is not None:
                self._run(job, begun)

    def _loop(self) -> None:
        # Not at once: a process that starts has better things to do.
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self.step()
            except StoreUnavailableError as error:
                self._is_leading = False
                _log.warning("jobs: %s; trying again in %s s", error, _LOOK_SECONDS)
            except Exception:  # noqa: BLE001 - see below
                # A thread that ends would leave every job undone until the process is replaced.
                _log.exception("jobs failed")

    def _run(self, job: Job, begun: JobRun) -> None:
        began = time.perf_counter()
        counts: Mapping[str, int] = {}
        error: str | None = None
        try:
            counts = job.run()
        except TidebookError as refused:
            error = str(refused)
        except Exception as failure:  # noqa: BLE001 - see below
            # One job that fails must not keep the others from running.
            _log.exception("job %s failed", job.name)
            error = f"{type(failure).__name__}: {failure}"
        status = JobStatus.DONE if error is None else JobStatus.FAILED
        seconds = time.perf_counter() - began
        if self._telemetry is not None:
            self._telemetry.job_ended(job.name, status.value, seconds)
        told = ", ".join(f"{name} {count}" for name, count in counts.items()) or error or "nothing"
        level = logging.INFO if error is None else logging.WARNING
        _log.log(level, "job %s is %s after %.3f s: %s", job.name, status.value, seconds, told)
        ended = self._clock.now()
        self._store.end(begun._replace(status=status, ended_at=ended, counts=counts, error=error))
