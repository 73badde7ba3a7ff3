"""The event log: gapless offsets in the order of commits, and one owner per partition."""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tidebook.engine.batches import Done
from tidebook.engine.signals import NO_NEWS, News
from tidebook.engine.topics import PARTITIONS, partition
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.records import Record

pytestmark = pytest.mark.cluster

_TOPIC = "raw_transactions"
_NOW = datetime(2024, 6, 1, tzinfo=UTC)
_PARTS = [(_TOPIC, part) for part in range(PARTITIONS)]


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    yield made
    made.close()


def _append(book: Book, keyed: Sequence[tuple[str, Record]], request: str = "r") -> None:
    with book.store.unit() as unit:
        unit.append(_TOPIC, keyed, request, _NOW)


def _append_in_vain(book: Book, keyed: Sequence[tuple[str, Record]]) -> None:
    with book.store.unit() as unit:
        unit.append(_TOPIC, keyed, "r", _NOW)
        raise ArithmeticError


def _numbered(key: str, first: int, count: int) -> list[tuple[str, Record]]:
    return [(key, {"n": str(number)}) for number in range(first, first + count)]


def _read(book: Book, limit: int, parts: Sequence[tuple[str, int]] = _PARTS) -> list[LogBatch]:
    with book.store.unit() as unit:
        return unit.read_log("reader", parts, limit)


def _complete(book: Book, batch: LogBatch, fence: int) -> None:
    with book.store.unit() as unit:
        unit.complete("reader", batch, fence, 0, _NOW)


def test_offsets_have_no_gaps_whoever_appends(book: Book) -> None:
    def appender(worker: int) -> None:
        for turn in range(25):
            keyed = [(f"K{(worker + turn + n) % 9}", {"n": f"{worker}-{turn}-{n}"}) for n in (0, 1)]
            _append(book, keyed)  # pyright: ignore[reportArgumentType]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(appender, range(4)))
    rows = book.rows(
        "SELECT part, first_offset, count, payload FROM event_log ORDER BY part, first_offset"
    )
    expected: dict[int, int] = defaultdict(int)
    said: list[str] = []
    for part, first_offset, count, payload in rows:
        assert first_offset == expected[part]
        expected[part] += count
        said.extend(record["n"] for record in json.loads(payload))
    assert sorted(said) == sorted(
        f"{worker}-{turn}-{n}" for worker in range(4) for turn in range(25) for n in (0, 1)
    )
    ends = dict(book.rows("SELECT part, next_offset FROM log_partitions WHERE next_offset > 0"))  # pyright: ignore[reportArgumentType]
    assert ends == dict(expected)


def test_a_reader_never_sees_an_offset_before_the_ones_below_it(book: Book) -> None:
    book.store.take_partitions("reader", _PARTS)
    with book.store.unit() as first:
        first.append(_TOPIC, _numbered("K", 0, 3), "r", _NOW)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(_append, book, _numbered("K", 3, 2))
            # The second appender waits for the first to commit: nothing is to be seen meanwhile.
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            assert _read(book, 100) == []
            # The first one ends here, and so lets the second one go on.
            first._cursor.connection.commit()  # pyright: ignore[reportAttributeAccessIssue]
            second.result(timeout=90)
    (batch,) = _read(book, 100)
    assert [record["n"] for record in batch.records] == ["0", "1", "2", "3", "4"]


def test_an_append_that_is_rolled_back_leaves_no_gap(book: Book) -> None:
    _append(book, _numbered("K", 0, 2))
    with pytest.raises(ArithmeticError):
        _append_in_vain(book, _numbered("K", 2, 2))
    _append(book, _numbered("K", 4, 1))
    assert book.rows("SELECT first_offset, count FROM event_log ORDER BY 1") == [(0, 2), (2, 1)]


def test_reading_begins_anywhere_inside_a_row(book: Book) -> None:
    fences = book.store.take_partitions("reader", _PARTS)
    part = (_TOPIC, partition("K"))
    _append(book, _numbered("K", 0, 5), "one")
    _append(book, _numbered("K", 5, 5), "two")
    seen: list[tuple[str, str]] = []
    offset = 0
    for size in (3, 1, 4, 2):
        (batch,) = _read(book, 100)
        assert batch.first_offset == offset
        taken = batch._replace(
            records=batch.records[:size], correlation_ids=batch.correlation_ids[:size]
        )
        seen += zip((each["n"] for each in taken.records), taken.correlation_ids, strict=True)
        _complete(book, taken, fences[part])
        offset += size
    assert seen == [(str(n), "one" if n < 5 else "two") for n in range(10)]
    assert _read(book, 100) == []


def test_the_backlog_is_what_lies_unread(book: Book) -> None:
    fences = book.store.take_partitions("reader", _PARTS)
    part = (_TOPIC, partition("K"))
    _append(book, _numbered("K", 0, 7))
    with book.store.unit() as unit:
        assert unit.backlog("reader", _PARTS) == {part: 7}
    (batch,) = _read(book, 100)
    _complete(book, batch._replace(records=batch.records[:4]), fences[part])
    with book.store.unit() as unit:
        assert unit.backlog("reader", _PARTS) == {part: 3}
        assert unit.backlog("reader", [(_TOPIC, (part[1] + 1) % PARTITIONS)]) == {}


def test_a_limit_ends_a_batch_at_the_end_of_a_row(book: Book) -> None:
    book.store.take_partitions("reader", _PARTS)
    for first in (0, 10, 20):
        _append(book, _numbered("K", first, 10))
    (batch,) = _read(book, 12)
    assert len(batch.records) == 20


def test_who_lost_a_partition_moves_no_offset(book: Book) -> None:
    part = (_TOPIC, partition("K"))
    _append(book, _numbered("K", 0, 2))
    old = book.store.take_partitions("reader", _PARTS)[part]
    (batch,) = _read(book, 100)
    new = book.store.take_partitions("reader", _PARTS)[part]
    assert new > old
    with pytest.raises(FencedError):
        _complete(book, batch, old)
    assert book.store.progress("reader")[part] == 0
    _complete(book, batch, new)
    assert book.store.progress("reader")[part] == 2


def test_an_offset_that_has_moved_is_moved_only_once(book: Book) -> None:
    part = (_TOPIC, partition("K"))
    _append(book, _numbered("K", 0, 2))
    fence = book.store.take_partitions("reader", _PARTS)[part]
    (batch,) = _read(book, 100)
    _complete(book, batch, fence)
    with pytest.raises(FencedError):
        _complete(book, batch, fence)


def test_a_held_fence_keeps_the_next_owner_waiting(book: Book) -> None:
    part = ("book_work", 0)
    fence = book.store.take_partitions("stages", [part])[part]
    with ThreadPoolExecutor(1) as pool:
        with book.store.unit() as unit:
            unit.hold_fence("stages", part, fence)
            taking = pool.submit(book.store.take_partitions, "stages", [part])
            with pytest.raises(TimeoutError):
                taking.result(timeout=0.3)
        assert taking.result(timeout=90)[part] == fence + 1
    with pytest.raises(FencedError), book.store.unit() as unit:
        unit.hold_fence("stages", part, fence)


def test_requests_that_share_a_unit_keep_their_ids_and_their_order(book: Book) -> None:
    book.store.take_partitions("reader", _PARTS)
    requests = [
        ([*_numbered("K0", 0, 2), *_numbered("K1", 0, 1)], "a"),
        (_numbered("K0", 2, 1), "b"),
        ([], "nothing"),
        (_numbered("K0", 3, 2), "c"),
    ]
    with book.store.unit() as unit:
        unit.append_each([_TOPIC], requests, _NOW)
    _append(book, _numbered("K0", 5, 1), "d")
    by_part = {batch.part: batch for batch in _read(book, 100)}
    first = by_part[partition("K0")]
    assert [record["n"] for record in by_part[partition("K1")].records] == ["0"]
    assert [record["n"] for record in first.records] == list("012345")
    assert first.correlation_ids == ("a", "a", "b", "c", "c", "d")
    assert first.first_offset == 0


def test_the_same_lies_in_each_of_several_topics(book: Book) -> None:
    other = "processed_transactions_completed"
    book.store.take_partitions("reader", _PARTS)
    book.store.take_partitions("reader", [(other, part) for _, part in _PARTS])
    _append(book, _numbered("K0", 0, 1))
    with book.store.unit() as unit:
        keyed = [*_numbered("K0", 1, 2), *_numbered("K1", 0, 1)]
        unit.append_each([_TOPIC, other], [(keyed, "r")], _NOW)
    here, there = partition("K0"), partition("K1")
    with book.store.unit() as unit:
        found = unit.read_log("reader", [(other, here), (other, there)], 100)
    assert {b.part: [record["n"] for record in b.records] for b in found} == {
        here: ["1", "2"],
        there: ["0"],
    }
    assert {b.part: [record["n"] for record in b.records] for b in _read(book, 100)} == {
        here: ["0", "1", "2"],
        there: ["0"],
    }


def test_offsets_of_several_partitions_move_together_or_not_at_all(book: Book) -> None:
    fences = book.store.take_partitions("reader", _PARTS)
    _append(book, [*_numbered("K0", 0, 2), *_numbered("K1", 0, 3)])
    batches = _read(book, 100)
    done = [Done(batch, fences[batch.topic, batch.part], 1) for batch in batches]
    stale = [done[0], done[1]._replace(fence=done[1].fence - 1)]
    with pytest.raises(FencedError), book.store.unit() as unit:
        unit.complete_all("reader", stale, _NOW)
    assert _read(book, 100) == batches
    with book.store.unit() as unit:
        unit.complete_all("reader", done, _NOW)
    assert _read(book, 100) == []
    audited = book.rows(
        "SELECT part, first_offset, last_offset, duplicates FROM processed_events ORDER BY part"
    )
    assert [tuple(row) for row in audited] == [
        (partition("K1"), 0, 2, 1),
        (partition("K0"), 0, 1, 1),
    ]


def test_there_may_be_no_batches_to_complete(book: Book) -> None:
    with book.store.unit() as unit:
        unit.complete_all("reader", [], _NOW)


def test_a_leader_is_told_whether_others_have_appended(book: Book) -> None:
    assert book.store.try_lead()
    assert book.store.news(0.0) == NO_NEWS
    _append(book, _numbered("K1", 0, 1))
    assert book.store.news(5.0) == News(frozenset({_TOPIC}), from_others=False)
    # Another process signs with its own name, and one of an earlier release with none.
    for hint in (f"{_TOPIC} 0123456789ab", _TOPIC):
        book.rows("SELECT pg_notify('tidebook_log', %s)", hint)
        assert book.store.news(5.0) == News(frozenset({_TOPIC}), from_others=True)
