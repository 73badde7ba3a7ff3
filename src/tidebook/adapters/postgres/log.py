"""The event log: record batches with gapless offsets per partition, in commit order.

Appending locks the rows of the touched partitions, in order, until the transaction commits; so
offsets are given in the order of commits, and a reader that has seen offset n has seen all before.
"""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Final, cast

import msgspec

from tidebook.adapters.postgres.attentive import this_process
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.batches import LogBatch, Owned
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.engine.topics import SNAPSHOT_PERSISTED, TRANSACTIONS_COMPLETED, partition
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.engine.batches import Done
    from tidebook.engine.records import Record

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
# No worker waits for these; the first comes with PROCESSED_TRANSACTIONS, in the same commit.
_UNHEARD: Final = frozenset({TRANSACTIONS_COMPLETED, SNAPSHOT_PERSISTED})


def append(
    cursor: Cursor[tuple[object, ...]],
    topic: str,
    records: Sequence[tuple[str, Record]],
    correlation_id: str,
    at: datetime,
) -> list[tuple[int, int]]:
    """Append keyed records; return (partition, next offset) for each partition touched."""
    reached = append_each(cursor, [topic], [(records, correlation_id)], at)
    return sorted((part, offset) for (_, part), offset in reached.items())


def append_each(
    cursor: Cursor[tuple[object, ...]],
    topics: Sequence[str],
    requests: Sequence[tuple[Sequence[tuple[str, Record]], str]],
    at: datetime,
) -> dict[tuple[str, int], int]:
    """Append the keyed records of several requests, each with its correlation id, to each topic.

    Returns:
        The next offset of each (topic, partition) touched.
    """
    runs: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for number, (records, _) in enumerate(requests):
        for key, record in records:
            runs[partition(key), number].append(record)
    if not runs:
        return {}
    run = statements("log")
    touched = sorted({part for part, _ in runs})
    next_offsets = hold(cursor, [(topic, part) for topic in sorted(topics) for part in touched])
    rows: list[tuple[str, int, int, int, str, bytes]] = []
    for (part, number), of_run in sorted(runs.items(), key=itemgetter(0)):
        payload, count = _encode(of_run), len(of_run)
        for topic in topics:
            first = next_offsets[topic, part]
            rows.append((topic, part, first, count, requests[number][1], payload))
            next_offsets[topic, part] = first + count
    names, parts, offsets, counts, correlation_ids, payloads = map(list, zip(*rows, strict=True))
    cursor.execute(
        run["append"],
        {
            "topics": names,
            "at": at,
            "parts": parts,
            "offsets": offsets,
            "counts": counts,
            "correlation_ids": correlation_ids,
            "payloads": payloads,
        },
    )
    for topic in topics:
        if topic not in _UNHEARD:
            # A hint to whoever listens; readers poll as well, so a lost one costs only time.
            cursor.execute(run["notify"], {"hint": f"{topic} {this_process()}"})
    return next_offsets


def hold(
    cursor: Cursor[tuple[object, ...]], parts: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Lock partitions until the transaction ends, in order; return the next offset of each."""
    named = {"topics": [topic for topic, _ in parts], "parts": [part for _, part in parts]}
    offsets = dict(_locked(cursor, named))
    if len(offsets) < len(parts):
        cursor.execute(statements("log")["open_partitions"], named)
        offsets = dict(_locked(cursor, named))
    return offsets


def _locked(
    cursor: Cursor[tuple[object, ...]], named: Mapping[str, object]
) -> list[tuple[tuple[str, int], int]]:
    rows = cursor.execute(statements("log")["lock_partitions"], named).fetchall()
    return [((str(topic), int(str(part))), int(str(offset))) for topic, part, offset in rows]


def backlog(
    cursor: Cursor[tuple[object, ...]], consumer: str, parts: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Return how many records lie unread in each of these partitions, where any do."""
    rows = cursor.execute(
        statements("log")["backlog"],
        {
            "consumer": consumer,
            "topics": [topic for topic, _ in parts],
            "parts": [part for _, part in parts],
        },
    ).fetchall()
    return {(str(row[0]), int(str(row[1]))): int(str(row[2])) for row in rows}


def read(
    cursor: Cursor[tuple[object, ...]],
    consumer: str,
    parts: Sequence[tuple[str, int]],
    limit: int,
) -> list[LogBatch]:
    """Return what lies unread, about ``limit`` records at the most, one batch per partition."""
    rows = cursor.execute(
        statements("log")["unread"],
        {
            "consumer": consumer,
            "topics": [topic for topic, _ in parts],
            "parts": [part for _, part in parts],
            "limit": limit,
        },
    ).fetchall()
    return batches_of(rows, limit)


def batches_of(rows: Sequence[Sequence[object]], limit: int) -> list[LogBatch]:
    """Return rows of the log, in order, as one batch per partition, about ``limit`` records."""
    found: dict[tuple[str, int], _Unread] = {}
    taken = 0
    for topic, part, next_offset, first_offset, count, correlation_id, payload in rows:
        if taken >= limit:
            break
        key = (str(topic), int(str(part)))
        unread = found.setdefault(key, _Unread(int(str(next_offset))))
        place = (int(str(first_offset)), int(str(count)))
        taken += unread.add(*place, _bytes(payload), str(correlation_id))
    return [unread.batch(*key) for key, unread in found.items()]


class _Unread:
    """The unread records of one partition, gathered from consecutive rows."""

    def __init__(self, next_offset: int) -> None:
        self.next_offset = next_offset
        self.records: list[Mapping[str, str]] = []
        self.correlation_ids: list[str] = []

    def add(self, first_offset: int, count: int, payload: bytes, correlation_id: str) -> int:
        records = _records(payload, count)
        fresh = records[max(0, self.next_offset + len(self.records) - first_offset) :]
        self.records.extend(fresh)
        self.correlation_ids.extend([correlation_id] * len(fresh))
        return len(fresh)

    def batch(self, topic: str, part: int) -> LogBatch:
        return LogBatch(
            topic, part, self.next_offset, tuple(self.records), tuple(self.correlation_ids)
        )


def _records(payload: bytes, count: int) -> list[Mapping[str, str]]:
    """Return the records of a row of the log.

    Where they cannot be read each place of the row holds the raw text instead, so that what is
    after it stays in its place and what is wrong with it is found like any other fault.
    """
    try:
        records = _decode(payload)
    except ValueError:
        records = None
    if isinstance(records, list) and len(records) == count:  # pyright: ignore[reportUnknownArgumentType]
        return records  # pyright: ignore[reportUnknownVariableType]
    text = payload.decode("utf-8", "backslashreplace")
    return [{"unreadable": text} for _ in range(count)]


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    msg = f"a payload of the log arrived as {type(value).__name__}"
    raise TypeError(msg)


def hold_fence(
    cursor: Cursor[tuple[object, ...]], consumer: str, part: tuple[str, int], fence: int
) -> None:
    """Keep a partition in this worker's hands until the transaction ends.

    Raises:
        FencedError: When another worker owns the partition now.
    """
    named = {"consumer": consumer, "topic": part[0], "part": part[1], "fence": fence}
    if not cursor.execute(statements("log")["hold_fence"], named).fetchall():
        raise FencedError(f"{part[0]}-{part[1]}")


def complete(
    cursor: Cursor[tuple[object, ...]], consumer: str, done: Sequence[Done], at: datetime
) -> None:
    """Move the consumer's offsets over batches, each of another partition, and write audit rows.

    All of them came from the log, or all of them through a broker.

    Raises:
        FencedError: When another worker owns one of the partitions now, or its offset has moved.
    """
    if not done:
        return
    if consumer == SHIPPING:
        # What is forgotten of this when the server loses its power is sent again, and recognised.
        cursor.execute(statements("log")["hurry"])
    batches = [each.batch for each in done]
    passages = [batch.passage for batch in batches if batch.passage is not None]
    named = _named(consumer, [(batch.topic, batch.part) for batch in batches]) | {
        "firsts": [batch.first_offset for batch in batches],
        "afters": [batch.next_offset for batch in batches],
        "fences": [each.fence for each in done],
        "duplicates": [each.duplicates for each in done],
        "first_places": [passage.first for passage in passages],
        "places": [passage.after for passage in passages],
        "at": at,
    }
    moved = cursor.execute(statements("log")["pass" if passages else "complete"], named).fetchall()
    if len(moved) != len(done):
        said = ", ".join(f"{each.first_offset} of {each.topic}-{each.part}" for each in batches)
        raise FencedError(f"one of the offsets {said}" if len(done) > 1 else f"offset {said}")


def own(
    cursor: Cursor[tuple[object, ...]], consumer: str, parts: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Owned]:
    """Become the owner of partitions of a broker; return how far each was read."""
    cursor.execute(statements("log")["own"], _named(consumer, parts))
    return _states(cursor)


def owned(
    cursor: Cursor[tuple[object, ...]], consumer: str, parts: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Owned]:
    """Return how far partitions of a broker were read, and the fence of their owner."""
    cursor.execute(statements("log")["owned"], _named(consumer, parts))
    return _states(cursor)


def rewind(
    cursor: Cursor[tuple[object, ...]], consumer: str, offsets: Mapping[tuple[str, int], int]
) -> None:
    """Set a consumer back to these offsets, where it is beyond them."""
    named = _named(consumer, offsets) | {"offsets": list(offsets.values())}
    cursor.execute(statements("log")["rewind"], named)


def _named(consumer: str, parts: Collection[tuple[str, int]]) -> dict[str, object]:
    return {
        "consumer": consumer,
        "topics": [topic for topic, _ in parts],
        "parts": [part for _, part in parts],
    }


def _states(cursor: Cursor[tuple[object, ...]]) -> dict[tuple[str, int], Owned]:
    rows = cast("list[tuple[str, int, int, int, int]]", cursor.fetchall())
    return {(topic, part): Owned(*state) for topic, part, *state in rows}
