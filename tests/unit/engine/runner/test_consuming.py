"""What becomes of a record whose unit is refused, by the kind of refusal."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

from tidebook.engine.batches import Effect, LogBatch, Passage
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.telemetry import Untold
from tidebook.errors import ContendedError, FencedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

_TOPIC, _PART = "raw_transactions", 3
_BATCH = LogBatch(_TOPIC, _PART, 7, ({"transaction_id": "t1"},), ("request-1",))


class _Unit:
    """Keeps what is set apart."""

    def __init__(self, apart: list[str], letters: list[Any]) -> None:
        self._apart = apart
        self._letters = letters

    def append(self, topic: str, records: Sequence[tuple[str, Any]], *_: object) -> None:
        self._apart.extend(f"{topic}: {record['original_offset']}" for _, record in records)
        self._letters.extend(record for _, record in records)

    def complete(self, *_: object) -> None:
        """Move the offsets past what was set apart."""


class _Store:
    def __init__(self) -> None:
        self.apart: list[str] = []
        self.letters: list[Any] = []

    @contextmanager
    def unit(self) -> Generator[_Unit]:
        yield _Unit(self.apart, self.letters)


class _Feed:
    """One batch, until it is done."""

    backlog = 0

    def __init__(self, batch: LogBatch = _BATCH) -> None:
        self.left = [batch]
        self.refusals = 0

    def look(self) -> bool:
        return bool(self.left)

    again = look

    def read(self, _: object) -> list[LogBatch]:
        return self.left

    def done(self) -> None:
        self.left = []

    def refused(self) -> None:
        """Own the same as before."""
        self.refusals += 1


class _Clock:
    def now(self) -> datetime:
        return datetime(2024, 5, 1, tzinfo=UTC)


class _Impatient(Event):
    """Counts the waits instead of waiting."""

    def __init__(self, *, ends_after: int | None = None) -> None:
        super().__init__()
        self.waits = 0
        self._ends_after = ends_after

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self.waits += 1
        if self.waits == self._ends_after:
            self.set()
        return self.is_set()


class _Refused:
    """A stage that is refused a number of times before it is let through."""

    def __init__(self, error: type[FencedError], times: int) -> None:
        self._error, self.left, self.processed = error, times, 0

    def __call__(self, *_: object) -> Effect:
        if self.left:
            self.left -= 1
            raise self._error("what this unit wrote")
        self.processed += 1
        return Effect()


def _run(
    stage: Callable[..., Effect],
    stopping: Event,
    *,
    feed: _Feed | None = None,
    store: _Store | None = None,
) -> _Store:
    store = store or _Store()
    consumption = Consumption(
        cast("Any", store),
        _Clock(),
        consumer="book",
        feed=cast("Any", feed or _Feed()),
        fences={("book", (_TOPIC, _PART)): 1},
        process=stage,
        stopping=stopping,
        telemetry=Untold(),
    )
    for _ in range(20):
        try:
            if not consumption.step():
                break
        except FencedError:
            if stopping.is_set():
                raise
    return store


def test_who_is_refused_a_lock_is_tried_until_it_is_let_through() -> None:
    stage = _Refused(ContendedError, 100)
    store = _run(stage, _Impatient())
    assert store.apart == []
    assert stage.processed == 1


def test_a_record_that_is_fenced_without_end_is_set_apart_once() -> None:
    stage = _Refused(FencedError, 1_000_000)
    store = _run(stage, _Impatient())
    assert store.apart == [f"{_TOPIC}.dlq: 7"]
    assert stage.processed == 0


@pytest.mark.parametrize("error", [FencedError, ContendedError])
def test_who_stops_sets_nothing_apart(error: type[FencedError]) -> None:
    stopping = _Impatient(ends_after=2)
    stage = _Refused(error, 1_000_000)
    with pytest.raises(FencedError):
        _run(stage, stopping)
    assert stage.processed == 0


class _Empty(_Feed):
    """A feed that has to read before it knows that there is nothing."""

    def look(self) -> bool:
        return True

    def read(self, _: object) -> list[LogBatch]:
        return []


def test_where_nothing_is_read_no_stage_is_run() -> None:
    feed, stage = _Empty(), _Refused(FencedError, 0)
    store = _run(stage, _Impatient(), feed=feed)
    assert (stage.processed, store.apart, feed.left) == (0, [], [])


def test_a_message_of_another_system_is_kept_with_its_own_headers_and_place() -> None:
    said = {"schema": "raw_transactions/1", "x-desk": "Zürich"}
    passage = Passage(40, 41, ((41, 7),), (said,))
    batch = _BATCH._replace(passage=passage)
    (letter,) = _run(_failing, _Impatient(), feed=_Feed(batch)).letters
    assert json.loads(letter["original_headers"]) == said
    assert letter["original_offset"] == "40"


def test_a_message_of_the_log_is_kept_with_its_headers_and_its_offset_in_the_log() -> None:
    said = {"source": "ours", "source_sequence": "7", "event_id": "raw_transactions-3-7"}
    batch = _BATCH._replace(passage=Passage(40, 41, ((41, 8),), (said,)))
    (letter,) = _run(_failing, _Impatient(), feed=_Feed(batch)).letters
    assert json.loads(letter["original_headers"]) == said
    assert letter["original_offset"] == "7"


def test_what_was_done_before_the_store_went_away_is_not_begun_again_for_ever() -> None:
    """The first of two records is processed already, and the second cannot be."""

    class Half(_Store):
        @contextmanager
        def unit(self) -> Generator[_Unit]:
            written: list[str] = []
            yield _Moved(written, self.letters)
            self.apart += written

    class _Moved(_Unit):
        def complete(self, *given: object) -> None:
            single = cast("LogBatch", given[1])
            if single.first_offset == 7:
                raise FencedError("offset 7")

    class Feed(_Feed):
        def refused(self) -> None:
            self.refusals += 1
            self.left = list(both.singles())[1:]

    def stage(unit: _Unit, batches: Sequence[LogBatch], *_: object) -> Effect:
        for batch in batches:
            if any("spoilt" in record for record in batch.records):
                raise ValueError(batch.first_offset)
            unit.complete("book", batch, 1, 0, None)
        return Effect()

    both = _BATCH._replace(
        records=({"transaction_id": "t1"}, {"spoilt": "t2"}), correlation_ids=("r1", "r2")
    )
    feed = Feed(both)
    store = _run(stage, _Impatient(), feed=feed, store=Half())
    assert store.apart == [f"{_TOPIC}.dlq: 8"]
    assert feed.refusals == 1
    assert feed.left == []


def _failing(*_: object) -> Effect:
    raise ValueError("no such record")
