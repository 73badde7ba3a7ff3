"""What becomes of a record whose unit is refused, by the kind of refusal."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

from tidebook.engine.batches import Effect, LogBatch
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.telemetry import Untold
from tidebook.errors import ContendedError, FencedError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_TOPIC, _PART = "raw_transactions", 3
_BATCH = LogBatch(_TOPIC, _PART, 7, ({"transaction_id": "t1"},), ("request-1",))


class _Unit:
    """Keeps what is set apart."""

    def __init__(self, apart: list[str]) -> None:
        self._apart = apart

    def append(self, topic: str, records: Sequence[tuple[str, Any]], *_: object) -> None:
        self._apart.extend(f"{topic}: {record['original_offset']}" for _, record in records)

    def complete(self, *_: object) -> None:
        """Move the offsets past what was set apart."""


class _Store:
    def __init__(self) -> None:
        self.apart: list[str] = []

    @contextmanager
    def unit(self) -> Generator[_Unit]:
        yield _Unit(self.apart)


class _Feed:
    """One batch, until it is done."""

    backlog = 0

    def __init__(self) -> None:
        self.left = [_BATCH]

    def look(self) -> bool:
        return bool(self.left)

    again = look

    def read(self, _: object) -> list[LogBatch]:
        return self.left

    def done(self) -> None:
        self.left = []

    def refused(self) -> None:
        """Own the same as before."""


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


def _run(stage: _Refused, stopping: Event) -> _Store:
    store = _Store()
    consumption = Consumption(
        cast("Any", store),
        _Clock(),
        consumer="book",
        feed=cast("Any", _Feed()),
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
