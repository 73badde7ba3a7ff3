"""Consuming: a batch in one unit, and what becomes of a record that cannot be processed.

A batch that fails is tried again, and then taken apart: its records are processed one by one, and
the one that fails is set apart in the topic's dead letters with the reason. The others are booked
and the offsets move on, all in the same transactions as the output.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine.correlating import correlated
from tidebook.engine.dead_letters import Unprocessed
from tidebook.engine.envelope import SEQUENCE, UNREADABLE, WHY, headers
from tidebook.engine.topics import DEAD_LETTERS
from tidebook.errors import (
    BusUnavailableError,
    ContendedError,
    FencedError,
    StoreUnavailableError,
    UnreadableMessageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from tidebook.engine.batches import Effect, LogBatch
    from tidebook.engine.ports import Clock
    from tidebook.engine.runner.feeds import Feed
    from tidebook.engine.store import Store, Unit
    from tidebook.engine.telemetry import Telemetry

    Process = Callable[["Unit", "Sequence[LogBatch]", "datetime"], "Effect"]

_log = logging.getLogger("tidebook.runner")

_ATTEMPTS: Final = 3
_PAUSES_SECONDS: Final = (0.02, 0.1, 0.5)
_REFUSALS_MAX: Final = 5
# That a record is the cause itself is believed late.
_REFUSED_PAUSES_SECONDS: Final = (*_PAUSES_SECONDS, *(0.5,) * 3)

Part = tuple[str, int]


class Took(NamedTuple):
    """A batch that was processed: its records, the requests they came from, and its time."""

    records: int
    requests: int
    seconds: float


_NOTHING: Final = Took(0, 0, 0.0)


class Consumption:
    """One worker's consumption of its partitions.

    Args:
        store: Where the output goes, and the dead letters.
        clock: Tells when a batch was processed.
        consumer: On whose behalf, and so which offsets move.
        feed: Where batches come from.
        fences: What this worker presents for each (consumer, partition).
        process: What is done with a batch; it moves the offsets.
        stopping: Set when the process is to end.
        telemetry: Told of batches, and of records that were set apart.
    """

    def __init__(  # noqa: PLR0913 - what a consumption is made of, by name
        self,
        store: Store,
        clock: Clock,
        *,
        consumer: str,
        feed: Feed,
        fences: Mapping[tuple[str, Part], int],
        process: Process,
        stopping: Event,
        telemetry: Telemetry,
    ) -> None:
        """Begin with nothing refused."""
        self._store = store
        self._clock = clock
        self.consumer = consumer
        self._feed = feed
        self._fences = fences
        self._process = process
        self._stopping = stopping
        self._telemetry = telemetry
        self._refusals = 0
        self._took = _NOTHING

    @property
    def backlog(self) -> int:
        """How many records lay unread at the last look."""
        return self._feed.backlog

    @property
    def took(self) -> Took:
        """What the last batch was that was processed whole."""
        return self._took

    def close(self) -> None:
        """Give up what is owned."""
        self._feed.close()

    def step(self) -> bool:
        """Process what lies unread, in one unit; tell whether there was anything."""
        if not self._feed.look():
            return False
        for attempt in range(_ATTEMPTS):
            try:
                found = self._together()
            except (StoreUnavailableError, BusUnavailableError):
                raise
            except FencedError:
                # Mostly another worker was first. If it goes on, one record may be the cause.
                self._refusals += 1
                self._feed.refused()
                if self._refusals < _REFUSALS_MAX:
                    raise
                break
            except Exception:  # noqa: BLE001 - whatever a record does, the others must go on
                _log.exception("%s: attempt %s failed", self.consumer, attempt + 1)
                self._stopping.wait(_PAUSES_SECONDS[attempt])
            else:
                self._refusals = 0
                self._feed.done()
                return found
        self._one_by_one()
        self._refusals = 0
        return True

    def _together(self) -> bool:
        """Process what is read, in one unit; tell whether that was anything."""
        began = time.perf_counter()
        with self._store.unit() as unit:
            batches = self._feed.read(unit)
            effect = self._processed(unit, batches) if batches else None
        if effect is not None:
            self._tell(batches, effect, time.perf_counter() - began)
        return effect is not None

    def _tell(self, batches: Sequence[LogBatch], effect: Effect, seconds: float) -> None:
        """Tell of batches when they are committed; what is rolled back has not happened."""
        records = sum(len(batch.records) for batch in batches)
        self._took = Took(records, len(set(_requests_of(batches))), seconds)
        if effect.duplicates:
            self._telemetry.duplicates(self.consumer, effect.duplicates)
        if effect.restated:
            self._telemetry.keys_restated(effect.restated)
        with correlated(_requests_of(batches)):
            self._telemetry.batch(self.consumer, records=records, seconds=seconds)
            _log.info(
                "%s took %s records",
                self.consumer,
                records,
                extra={
                    "consumer": self.consumer,
                    "records": records,
                    "seconds": round(seconds, 6),
                },
            )

    def _processed(self, unit: Unit, batches: Sequence[LogBatch]) -> Effect:
        refuse_unreadable(batches)
        with correlated(_requests_of(batches)):
            return self._process(unit, batches, self._clock.now())

    def _one_by_one(self) -> None:
        if not self._feed.again():
            return
        with self._store.unit() as unit:
            batches = self._feed.read(unit)
        for batch in batches:
            for single in batch.singles():
                if self._stopping.is_set():
                    return
                self._alone_if_mine(single)
        self._feed.done()

    def _alone_if_mine(self, single: LogBatch) -> None:
        """Process one record; where the offset has moved on, have all of them read again.

        It does so when the store went away while a batch was taken apart: a part of what is at hand
        is done, and nobody else would say so.
        """
        try:
            self._alone(single)
        except FencedError:
            self._feed.refused()
            raise

    def _alone(self, single: LogBatch) -> None:
        """Process one record, or set it apart."""
        # Whoever was refused for having been replaced must not set apart as the owner once more.
        fence = self._fences[self.consumer, (single.topic, single.part)]
        pauses = iter(_REFUSED_PAUSES_SECONDS)
        while True:
            began = time.perf_counter()
            try:
                with self._store.unit() as unit:
                    effect = self._processed(unit, [single])
            except (StoreUnavailableError, BusUnavailableError):
                raise
            except FencedError as error:
                if self._stopping.is_set():
                    raise
                pause = _pause_after(error, pauses)
                if pause is not None:
                    self._stopping.wait(pause)
                    continue
                self._set_apart(single, error, fence)
            except Exception as error:  # noqa: BLE001 - this record, and its reason, are kept
                with correlated(single.correlation_ids):
                    _log.exception(
                        "record %s of %s was set apart", single.first_offset, single.topic
                    )
                self._set_apart(single, error, fence)
            else:
                self._tell([single], effect, time.perf_counter() - began)
            return

    def _set_apart(self, single: LogBatch, error: Exception, fence: int) -> None:
        """Keep a record with the dead letters; who no longer owns the partition cannot."""
        at = self._clock.now()
        place, said = _origin(single)
        request = single.correlation_ids[0]
        given = single.topic, single.part, place, single.records[0], said
        apart = Unprocessed(*given, request, _reason(error), at)
        with self._store.unit() as unit:
            topic = f"{single.topic}{DEAD_LETTERS}"
            unit.append(topic, [(apart.key, apart.letter)], request, at)
            unit.complete(self.consumer, single, fence, 0, at)
        self._telemetry.set_apart(single.topic)


def _origin(single: LogBatch) -> tuple[int, Mapping[str, str]]:
    """Return where a record lies and the headers that it came with.

    What another system sent to the bus has no offset in the log, but a place with the bus.
    """
    passage, offset = single.passage, single.first_offset
    if passage is None or not passage.headers:
        request = single.correlation_ids[0]
        return offset, headers(single.topic, single.part, offset, request)
    said = passage.headers[0]
    return (offset if SEQUENCE in said else passage.marks[0][0] - 1), said


def _pause_after(error: FencedError, pauses: Iterator[float]) -> float | None:
    """Return how long to wait before the next try, in seconds; None when there is to be none.

    Who was refused because two waited for each other is tried until it is let through: no record
    is the cause of that.
    """
    return _PAUSES_SECONDS[-1] if isinstance(error, ContendedError) else next(pauses, None)


def _requests_of(batches: Sequence[LogBatch]) -> Iterator[str]:
    """Yield the request of every record."""
    return (one for batch in batches for one in batch.correlation_ids)


def refuse_unreadable(batches: Sequence[LogBatch]) -> None:
    """Refuse records of which it is known already why they cannot be read.

    Raises:
        UnreadableMessageError: When there is one.
    """
    for batch in batches:
        for record in batch.records:
            if UNREADABLE in record and WHY in record:
                raise UnreadableMessageError(record[WHY])


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the record has no field, or no known value, {error.args[0]!r}"
    return f"{type(error).__name__}: {error}"
