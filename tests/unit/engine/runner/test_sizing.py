"""How many records are asked for at once, as more of them wait."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from tidebook.engine.batches import LogBatch
from tidebook.engine.runner.feeds import LogFeed, Shares
from tidebook.engine.runner.sizing import after, sized, usual
from tidebook.engine.topics import RAW_TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tidebook.engine.bus import Part
    from tidebook.engine.store import Store

_PARTS = [(RAW_TRANSACTIONS, part) for part in range(4)]


class _Log:
    """Partitions in which records wait; keeps how many were asked for."""

    def __init__(self, waiting: Sequence[int]) -> None:
        self.waiting = waiting
        self.asked: list[tuple[list[Part], int]] = []
        self.looks = 0

    @contextmanager
    def unit(self) -> Generator[_Log]:
        yield self

    def backlog(self, _: str, parts: Sequence[Part]) -> dict[Part, int]:
        self.looks += 1
        return {part: count for part, count in zip(parts, self.waiting, strict=True) if count}

    def read_log(self, _: str, parts: Sequence[Part], limit: int) -> list[LogBatch]:
        self.asked.append((list(parts), limit))
        waiting = dict(zip(_PARTS, self.waiting, strict=True))
        return [
            LogBatch(*part, 0, ({},) * waiting[part], ("r",) * waiting[part])
            for part in parts
            if waiting[part]
        ]


def _asked(waiting: Sequence[int], batch_max: int = 8_000) -> tuple[int, int]:
    """Return of how many partitions, and for how many records, a look is followed."""
    log: Any = _Log(waiting)
    feed = LogFeed(cast("Store", log), "book", Shares(_PARTS), batch_max)
    assert feed.look()
    feed.read(log)
    ((parts, limit),) = log.asked
    return len(parts), limit


def test_while_few_wait_a_batch_is_as_long_as_usual_whatever_it_may_be_at_the_most() -> None:
    assert _asked([10, 10, 0, 10]) == (3, 2_000)
    assert _asked([4_000, 4_000, 4_000, 4_000]) == (1, 2_000)


def test_as_more_wait_a_batch_takes_an_eighth_of_them_up_to_its_most() -> None:
    assert _asked([10_000] * 4) == (1, 5_000)
    assert _asked([42_000, 2_000, 1_000, 2_000]) == (4, 5_875)
    assert _asked([500_000] * 4) == (1, 8_000)


def test_nobody_is_handed_more_than_the_setting_allows() -> None:
    assert _asked([500_000] * 4, batch_max=500) == (1, 500)
    assert (usual(500), sized(1_000_000, 500), after(500, 500, 500)) == (500, 500, 500)


def test_what_failed_together_is_read_again_in_a_batch_of_the_usual_length() -> None:
    log: Any = _Log([500_000] * 4)
    feed = LogFeed(cast("Store", log), "book", Shares(_PARTS), 8_000)
    assert feed.look()
    feed.read(log)
    assert feed.again()
    feed.read(log)
    assert [limit for _, limit in log.asked] == [8_000, 2_000]


@pytest.mark.parametrize(
    ("limit", "taken", "expected"),
    [(2_000, 2_000, 4_000), (4_000, 4_001, 8_000), (8_000, 8_000, 8_000), (8_000, 7_999, 2_000)],
)
def test_a_full_batch_off_a_bus_is_followed_by_one_of_twice_its_length(
    limit: int, taken: int, expected: int
) -> None:
    assert after(limit, taken, 8_000) == expected


def _two(waiting: Sequence[int]) -> tuple[_Log, LogFeed, LogFeed]:
    """Return a log, and the feeds of two workers that share its partitions."""
    log, shares = _Log(waiting), Shares(_PARTS)
    store = cast("Store", log)
    first = LogFeed(store, "book", shares, 8_000)
    return log, first, LogFeed(store, "book", shares, 8_000, tells=False)


def test_while_little_waits_one_worker_takes_all_of_it_and_what_comes_meanwhile() -> None:
    log, first, second = _two([10, 0, 0, 0])
    assert first.look()
    log.waiting = [10, 5, 5, 5]
    assert not second.look()
    first.done()
    assert second.look()


def test_as_more_waits_each_worker_takes_other_partitions() -> None:
    log, first, second = _two([1_500, 1_500, 1_500, 1_500])
    assert first.look()
    assert second.look()
    first.read(cast("Any", log))
    second.read(cast("Any", log))
    taken = [set(parts) for parts, _ in log.asked]
    assert [len(parts) for parts in taken] == [2, 2]
    assert not taken[0] & taken[1]


def test_what_waits_is_told_once_for_all_who_share_it() -> None:
    _, first, second = _two([1_500, 1_500, 1_500, 1_500])
    first.look()
    second.look()
    assert (first.backlog, second.backlog) == (6_000, 0)


def test_who_looks_again_gives_back_what_a_failure_left_in_hand() -> None:
    _, first, second = _two([10, 10, 10, 10])
    assert first.look()
    assert first.look()
    first.done()
    assert second.look()


def test_while_little_waits_it_is_read_without_being_asked_for_first() -> None:
    log, first, second = _two([10, 0, 0, 0])
    reading = cast("Any", log)
    assert first.look()
    first.read(reading)
    log.waiting = [0, 0, 0, 0]
    assert first.look()
    assert not second.look()
    assert first.read(reading) == []
    assert (log.looks, first.backlog) == (1, 0)
    log.waiting = [300, 300, 0, 0]
    assert first.look()
    assert sum(len(batch.records) for batch in first.read(reading)) == 600
    assert (log.looks, first.backlog) == (1, 600)
    # That was much: who looks now asks, and leaves what it does not read to the other.
    log.waiting = [1_500, 1_500, 1_500, 1_500]
    assert first.look()
    assert log.looks == 2
    assert second.look()
