"""Batches of records: what a stage is handed, and the place that the consumer reaches with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Passage(NamedTuple):
    """Where the records of a batch lie with a broker, when they came through one.

    ``first`` is the place that the consumer had reached before, ``after`` the one that it reaches
    with the batch; both are kept in the store with the output, so that the broker's own offsets
    only tell how far behind a consumer is. ``marks`` has, for each record, the place after it and
    the next offset of the log; repeats that were dropped on the way have no mark. ``headers`` are
    those that each record came with.
    """

    first: int
    after: int
    marks: tuple[tuple[int, int], ...]
    headers: tuple[Mapping[str, str], ...] = ()


class Effect(NamedTuple):
    """What the processing of batches came to, told when it is committed.

    ``duplicates`` are facts that were known already, ``restated`` keys whose history came out
    different.
    """

    duplicates: int = 0
    restated: int = 0


class LogBatch(NamedTuple):
    """Records of one partition as they lie in the log."""

    topic: str
    part: int
    first_offset: int
    records: tuple[Mapping[str, str], ...]
    correlation_ids: tuple[str, ...]
    passage: Passage | None = None

    @property
    def next_offset(self) -> int:
        """The offset of the log that is next when the batch is done."""
        if self.passage is None:
            return self.first_offset + len(self.records)
        return self.passage.marks[-1][1] if self.passage.marks else self.first_offset

    def singles(self) -> Iterator[LogBatch]:
        """Yield every record as a batch of its own; together they pass what this one passes."""
        offset, place = self.first_offset, self.passage.first if self.passage else 0
        for i, record in enumerate(self.records):
            passage = None
            after = offset + 1
            if self.passage is not None:
                mark = self.passage.marks[i]
                last = i == len(self.records) - 1
                said = self.passage.headers[i : i + 1]
                passage = Passage(place, self.passage.after if last else mark[0], (mark,), said)
                place, after = passage.after, mark[1]
            ids = self.correlation_ids[i : i + 1]
            yield LogBatch(self.topic, self.part, offset, (record,), ids, passage)
            offset = after


class Done(NamedTuple):
    """A batch that is processed: by whom, and how many of its records were known already."""

    batch: LogBatch
    fence: int
    duplicates: int = 0


class Owned(NamedTuple):
    """What the store keeps of a consumer's partition: whose it is, and how far it was read."""

    fence: int
    sequence: int
    """The next offset of the log."""
    place: int
    """The next place in the partition of the bus."""
