"""What a unit of work does with the event log that lies in the same store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tidebook.engine.batches import Done, LogBatch
    from tidebook.engine.records import Record


class LogUnit(Protocol):
    """The log, as one unit of work sees it."""

    def append(
        self, topic: str, records: Sequence[tuple[str, Record]], correlation_id: str, at: datetime
    ) -> list[tuple[int, int]]:
        """Append keyed records to the log; return (partition, next offset) for each touched."""
        ...

    def append_each(
        self,
        topics: Sequence[str],
        requests: Sequence[tuple[Sequence[tuple[str, Record]], str]],
        at: datetime,
    ) -> None:
        """Append the keyed records of requests, each with its correlation id, to each topic."""
        ...

    def backlog(
        self, consumer: str, parts: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Return how many records lie unread in each of these partitions, where any do."""
        ...

    def read_log(
        self, consumer: str, parts: Sequence[tuple[str, int]], limit: int
    ) -> list[LogBatch]:
        """Return what lies unread in these partitions, about ``limit`` records at the most."""
        ...

    def complete(
        self, consumer: str, batch: LogBatch, fence: int, duplicates: int, at: datetime
    ) -> None:
        """Move the consumer's offset over a batch.

        Raises:
            FencedError: When another worker owns the partition now, or the offset has moved.
        """
        ...

    def complete_all(self, consumer: str, done: Sequence[Done], at: datetime) -> None:
        """Move the consumer's offsets over batches of several partitions, over all or none.

        Raises:
            FencedError: As :meth:`complete`, of any of them.
        """
        ...
