"""Retention: for how long the log, its audit and what was replaced are kept."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tidebook.engine.ports import Clock
    from tidebook.engine.store import Store

_log = logging.getLogger("tidebook.jobs")

_EVERY_SECONDS: Final = 3600.0
_STANDBY_SECONDS: Final = 30.0


class Kept(NamedTuple):
    """For how long things are kept.

    Attributes:
        log_days: Records of the log that everybody who needs them has read, and the audit of who
            read what.
        known_days: What was replaced or withdrawn, and is needed only to tell what was believed
            then; None keeps it for good.
        is_shipped: Whether the log is shipped to a bus, which must have happened before.
    """

    log_days: int
    known_days: int | None
    is_shipped: bool


class Cut(NamedTuple):
    """Up to which instants things are deleted; ``known_before`` is None where nothing is."""

    log_before: datetime
    known_before: datetime | None
    is_shipped: bool


class Keeper(Protocol):
    """Deletes what is kept for long enough."""

    def retire(self, cut: Cut) -> Mapping[str, int]:
        """Delete it; return how many rows of which table."""
        ...


def cut_of(kept: Kept, now: datetime) -> Cut:
    """Return up to which instants things are deleted now."""
    known = None if kept.known_days is None else now - timedelta(days=kept.known_days)
    return Cut(now - timedelta(days=kept.log_days), known, kept.is_shipped)


class RetentionJob:
    """Deletes once an hour, in one process of all: whoever holds the lead of the jobs.

    Args:
        store: Its lead is that of the jobs.
        keeper: Deletes.
        clock: What time it is.
        kept: For how long things are kept.
    """

    def __init__(self, store: Store, keeper: Keeper, clock: Clock, kept: Kept) -> None:
        """Keep what is needed; nothing runs before :meth:`start`."""
        self._store = store
        self._keeper = keeper
        self._clock = clock
        self._kept = kept
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="tidebook-retention", daemon=True)

    def start(self) -> None:
        """Begin to run in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Return when the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        # Not at once: a process that starts has better things to do.
        pause = _STANDBY_SECONDS
        while not self._stopping.wait(pause):
            pause = _STANDBY_SECONDS
            try:
                if self._store.try_lead():
                    self._retire()
                    pause = _EVERY_SECONDS
            except StoreUnavailableError as error:
                _log.warning("retention: %s; trying again in %s s", error, pause)

    def _retire(self) -> None:
        deleted = self._keeper.retire(cut_of(self._kept, self._clock.now()))
        for table, count in deleted.items():
            _log.info("retention: %s rows of %s deleted", count, table)
