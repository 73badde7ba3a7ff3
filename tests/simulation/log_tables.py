"""The event log and the offsets of its consumers (see ``adapters/postgres/sql/log.sql``)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.simulation.database import LogRow, OffsetRow, ProcessedRow
from tidebook.engine.batches import LogBatch, Owned
from tidebook.engine.topics import partition
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from tests.simulation.database import Part
    from tests.simulation.session import Session
    from tidebook.engine.records import Record


class LogTables:
    """The log as one transaction sees it."""

    def __init__(self, session: Session) -> None:
        """Work through a session."""
        self._session = session
        database = session.database
        self._partitions = session.of(database.partitions)
        self._log = session.of(database.log)
        self._offsets = session.of(database.offsets)
        self._processed = session.of(database.processed)

    def append(
        self, topic: str, records: Sequence[tuple[str, Record]], correlation_id: str, at: datetime
    ) -> list[tuple[int, int]]:
        """Append keyed records, the partitions in order and locked until the end."""
        by_part: dict[int, list[Mapping[str, str]]] = defaultdict(list)
        for key, record in records:
            by_part[partition(key)].append(dict(record))  # type: ignore[arg-type]
        reached: list[tuple[int, int]] = []
        if by_part:
            self._session.statement()
        for part in sorted(by_part):
            first = self._next_offset(topic, part)
            row = LogRow(tuple(by_part[part]), correlation_id, at)
            self._log.insert((topic, part, first), row)
            after = first + len(row.records)
            self._partitions.put((topic, part), after)
            reached.append((part, after))
        return reached

    def _next_offset(self, topic: str, part: int) -> int:
        return self._partitions.locked((topic, part)) or 0

    def backlog(self, consumer: str, parts: Sequence[Part]) -> dict[Part, int]:
        """Return how many records lie unread in each partition where any do."""
        self._session.statement()
        found: dict[Part, int] = {}
        for part in parts:
            offset = self._offsets.get((consumer, *part))
            end = self._partitions.get(part)
            if offset is not None and end is not None and end > offset.next_offset:
                found[part] = end - offset.next_offset
        return found

    def read(self, consumer: str, parts: Sequence[Part], limit: int) -> list[LogBatch]:
        """Return what lies unread, about ``limit`` records at the most."""
        self._session.statement()
        found: list[LogBatch] = []
        taken = 0
        for topic, part in sorted(parts):
            offset = self._offsets.get((consumer, topic, part))
            if offset is None or taken >= limit:
                continue
            start = offset.next_offset
            records: list[Mapping[str, str]] = []
            correlation_ids: list[str] = []
            rows = sorted(self._log.where("part", (topic, part)))
            for (_, _, first), row in rows:
                if taken >= limit or first >= start + limit:
                    break
                fresh = row.records[max(0, start + len(records) - first) :]
                records.extend(fresh)
                correlation_ids.extend([row.correlation_id] * len(fresh))
                taken += len(fresh)
            if records:
                batch = LogBatch(topic, part, start, tuple(records), tuple(correlation_ids))
                found.append(batch)
        return found

    def take_partitions(self, consumer: str, parts: Sequence[Part]) -> dict[Part, int]:
        """Become the owner of partitions."""
        self._session.statement()
        fences: dict[Part, int] = {}
        for part in parts:
            key = (consumer, *part)
            before = self._offsets.locked(key)
            fence = (before.fence if before else 0) + 1
            row = OffsetRow(before.next_offset if before else 0, fence, self._session.process)
            self._offsets.put(key, row)
            fences[part] = fence
        return fences

    def own(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Become the owner of partitions of a bus."""
        self._session.statement()
        found: dict[Part, Owned] = {}
        for part in sorted(parts):
            key = (consumer, *part)
            before = self._offsets.locked(key) or OffsetRow(0, 0, None)
            row = before._replace(fence=before.fence + 1, owner=self._session.process)
            self._offsets.put(key, row)
            found[part] = Owned(row.fence, row.next_offset, row.place)
        return found

    def owned(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Return how far partitions of a bus were read, and the fence of their owner."""
        self._session.statement()
        rows = {part: self._offsets.get((consumer, *part)) for part in parts}
        return {
            part: Owned(row.fence, row.next_offset, row.place)
            for part, row in rows.items()
            if row is not None
        }

    def rewind(self, consumer: str, offsets: Mapping[Part, int]) -> None:
        """Set a consumer back to these offsets, where it is beyond them."""
        self._session.statement()
        for part, offset in sorted(offsets.items()):
            row = self._offsets.locked((consumer, *part))
            if row is not None and row.next_offset > offset:
                self._offsets.put((consumer, *part), row._replace(next_offset=offset))

    def hold_fence(self, consumer: str, part: Part, fence: int) -> None:
        """Keep a partition until the end."""
        self._session.statement()
        key = (consumer, *part)
        self._offsets.lock(key, shared=True)
        row = self._offsets.get(key)
        if row is None or row.fence != fence:
            raise FencedError(f"{part[0]}-{part[1]}")

    def complete(
        self, consumer: str, batch: LogBatch, audited: tuple[int, int], at: datetime
    ) -> None:
        """Move an offset over a batch, if it is where the batch begins and still one's own.

        ``audited`` is the fence and how many records were duplicates.
        """
        fence, duplicates = audited
        self._session.statement()
        key = (consumer, batch.topic, batch.part)
        row = self._offsets.locked(key)
        if row is None or not self._may_move(row, batch, fence):
            raise FencedError(f"offset {batch.first_offset} of {batch.topic}-{batch.part}")
        after = batch.next_offset
        place = row.place if batch.passage is None else batch.passage.after
        self._offsets.put(key, row._replace(next_offset=after, place=place))
        if after > batch.first_offset:
            audit = ProcessedRow(after - 1, fence, duplicates, at)
            self._processed.put((*key, batch.first_offset), audit)

    @staticmethod
    def _may_move(row: OffsetRow, batch: LogBatch, fence: int) -> bool:
        is_there = batch.passage is None or row.place == batch.passage.first
        return row.fence == fence and row.next_offset == batch.first_offset and is_there

    def progress(self, consumer: str) -> dict[Part, int]:
        """Return the consumer's next offsets."""
        self._session.statement()
        return {
            (topic, part): row.next_offset
            for (name, topic, part), row in self._offsets.all()
            if name == consumer
        }
