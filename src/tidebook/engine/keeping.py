"""Retention: for how long the log, its audit and what was replaced are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tidebook.engine.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tidebook.engine.ports import Clock


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


RETENTION: Final = "retention"


def retention_job(keeper: Keeper, clock: Clock, kept: Kept) -> Job:
    """Return the job that deletes what is kept for long enough, once an hour."""
    return Job(
        RETENTION,
        "deletes what is kept for long enough",
        timedelta(hours=1),
        lambda: keeper.retire(cut_of(kept, clock.now())),
    )
