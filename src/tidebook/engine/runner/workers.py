"""The runner: the one loop that feeds batches to stages.

It owns batches, offsets, fences, transactions and retries; what becomes of a record that cannot be
processed is said in :mod:`tidebook.engine.runner.consuming`. A stage is handed an open unit of work
and what lies in it; whatever the stage does, the move of the offsets and the outgoing events commit
together or not at all.

Three kinds of workers share the loop. Book workers each own some partitions of the transactions;
when nothing new lies there they take keys to be folded again, a few at a time, so that a storm of
corrections never delays a new trade. One reference worker takes the facts that bookings and
valuations rest on. One series worker brings daily series up to date when the book has caught up,
or when it has been kept waiting for long enough. One compliance worker judges trades when their
portfolio's series is right again.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.records import transaction_from
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.runner.sparing import Sparing
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.engine.stages.compliance import judge_again
from tidebook.engine.stages.reference import take
from tidebook.engine.stages.series import bring_up_to_date
from tidebook.errors import FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from tidebook.engine.compliance.ports import VerdictStore
    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record
    from tidebook.engine.runner.consuming import Part, Process
    from tidebook.engine.signals import Signal
    from tidebook.engine.stages.book import BookOutcome
    from tidebook.engine.stages.series import SeriesOutcome
    from tidebook.engine.store import LogBatch, Store, Unit

_log = logging.getLogger("tidebook.runner")

_POLL_SECONDS: Final = 0.25
_BACKOFF_SECONDS: Final = (0.02, 0.1, 0.5, 1.0, 2.0, 5.0)
_WORK_AT_ONCE: Final = 50
_SERIES_AT_ONCE: Final = 500
_JUDGED_AT_ONCE: Final = 20
_QUIET_SECONDS: Final = 0.5
_COMPLIANCE_PATIENCE_SECONDS: Final = 10.0
_SERIES_PATIENCE_SECONDS: Final = 3.0
_STANDBY_SECONDS: Final = 1.0
_NEWS_SECONDS: Final = 0.5

STAGES: Final = "stages"
_WORK_PART: Final = ("book_work", 0)
_SERIES_PART: Final = ("portfolio_days", 0)
_COMPLIANCE_PART: Final = ("compliance_verdicts", 0)


class Runner:
    """Runs the stages in threads of this process.

    Only one process at a time runs them against a store: the others stand by and take over when
    the leader's connection ends. Its fences make the old leader's unfinished batches roll back.
    """

    def __init__(  # noqa: PLR0913 - what a runner is told, by name
        self,
        store: Store,
        clock: Clock,
        *,
        arrived: Signal,
        booked: Signal,
        workers: int,
        batch_max: int,
        compliance: VerdictStore | None = None,
    ) -> None:
        """Keep what the loop needs; nothing runs before :meth:`start`.

        Without ``compliance`` trades are booked and not judged.
        """
        self._compliance = compliance
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._booked = booked
        self._workers = workers
        self._batch_max = batch_max
        self._stopping = Event()
        self._leading = Event()
        self._started = False
        self._threads: list[Thread] = []
        self._fences: dict[tuple[str, Part], int] = {}
        self._consumptions: list[Consumption] = []

    def backlog(self) -> int:
        """Return how many records lay unbooked when the workers last looked."""
        return sum(consumption.backlog for consumption in self._consumptions)

    def start(self) -> None:
        """Begin to run in the background."""
        leader = Thread(target=self._lead, name="tidebook-leader", daemon=True)
        self._threads.append(leader)
        leader.start()

    def stop(self) -> None:
        """Finish the batches at hand and return when every worker has ended."""
        self._stopping.set()
        self._arrived.give()
        while self._threads:
            self._threads.pop().join()

    def _lead(self) -> None:
        """Become the leader, run the workers, and wake them when another process appends."""
        attempt = 0
        while not self._stopping.is_set():
            try:
                if self._leading.is_set():
                    if self._store.news(_NEWS_SECONDS):
                        self._arrived.give()
                elif self._store.try_lead():
                    self._take_over()
                else:
                    self._stopping.wait(_STANDBY_SECONDS)
                attempt = 0
            except (StoreUnavailableError, FencedError) as error:
                # Whoever loses the store loses the lead with it, and asks for it again. Taking
                # over can also lose against a batch of the leader before that is still open.
                self._leading.clear()
                attempt = self._back_off("leader", error, attempt)
            except Exception as error:  # noqa: BLE001 - a leader that ends keeps all others waiting
                _log.exception("leader failed")
                self._leading.clear()
                attempt = self._back_off("leader", error, attempt)

    def _take_over(self) -> None:
        everything = [(topics.RAW_TRANSACTIONS, part) for part in range(topics.PARTITIONS)]
        reference = [
            (topic, part) for topic in topics.REFERENCE_TOPICS for part in range(topics.PARTITIONS)
        ]
        stages: list[Part] = [_WORK_PART, _SERIES_PART]
        if self._compliance is not None:
            stages.append(_COMPLIANCE_PART)
        for consumer, parts in ((BOOK, everything), (REFERENCE, reference), (STAGES, stages)):
            fences = self._store.take_partitions(consumer, parts)
            self._fences.update({(consumer, part): fence for part, fence in fences.items()})
        self._leading.set()
        if not self._started:
            self._started = True
            self._start_workers(everything, reference)

    def _start_workers(self, everything: Sequence[Part], reference: Sequence[Part]) -> None:
        shares = [everything[i :: self._workers] for i in range(self._workers)]
        loops: list[tuple[str, Callable[[], Callable[[], bool]]]] = [
            (f"book-{i}", lambda share=share: self._book_steps(share))
            for i, share in enumerate(shares)
            if share
        ]
        loops.append(("reference", lambda: self._reference_steps(reference)))
        loops.append(("series", self._series_steps))
        if self._compliance is not None:
            loops.append(("compliance", self._compliance_steps))
        for name, steps in loops:
            thread = Thread(
                target=self._loop, args=(name, steps()), name=f"tidebook-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _loop(self, name: str, step: Callable[[], bool]) -> None:
        """Repeat a step; rest when it found nothing, back off when the store is away."""
        attempt = 0
        while not self._stopping.is_set():
            if not self._leading.wait(_POLL_SECONDS):
                continue
            seen = self._arrived.count
            try:
                busy = step()
                attempt = 0
            except (StoreUnavailableError, FencedError) as error:
                attempt = self._back_off(name, error, attempt)
                continue
            except Exception as error:  # noqa: BLE001 - a worker that ends leaves its work undone
                _log.exception("%s failed", name)
                attempt = self._back_off(name, error, attempt)
                continue
            if not busy:
                self._arrived.wait(seen, _POLL_SECONDS)

    def _back_off(self, name: str, error: Exception, attempt: int) -> int:
        pause = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)]
        if attempt:
            _log.warning("%s: %s; trying again in %s s", name, error, pause)
        self._stopping.wait(pause)
        return attempt + 1

    # Steps. Each returns whether there was anything to do.

    def _consumption(self, consumer: str, parts: Sequence[Part], process: Process) -> Consumption:
        made = Consumption(
            self._store,
            self._clock,
            consumer=consumer,
            parts=parts,
            fences=self._fences,
            process=process,
            batch_max=self._batch_max,
            stopping=self._stopping,
        )
        self._consumptions.append(made)
        return made

    def _book_steps(self, parts: Sequence[Part]) -> Callable[[], bool]:
        consumption = self._consumption(BOOK, parts, self._book)
        folding = Sparing(_WORK_AT_ONCE)

        def step() -> bool:
            if consumption.step():
                self._after_book()
                return True
            return folding.run(self._fold_again)

        return step

    def _reference_steps(self, parts: Sequence[Part]) -> Callable[[], bool]:
        consumption = self._consumption(REFERENCE, parts, self._take)

        def step() -> bool:
            busy = consumption.step()
            if busy:
                self._after_book()
            return busy

        return step

    def _series_steps(self) -> Callable[[], bool]:
        waited_since: float | None = None
        valuing = Sparing(_SERIES_AT_ONCE)

        def step() -> bool:
            nonlocal waited_since
            now = time.monotonic()
            if self.backlog() > self._batch_max:
                waited_since = waited_since or now
                if now - waited_since < _SERIES_PATIENCE_SECONDS:
                    self._stopping.wait(_POLL_SECONDS)
                    return True
            waited_since = None
            return valuing.run(self._value_again)

        return step

    def _compliance_steps(self) -> Callable[[], bool]:
        judging = Sparing(_JUDGED_AT_ONCE)
        seen, moved_at = self._arrived.count, time.monotonic()
        judged_at = moved_at

        def step() -> bool:
            # Rules are the last to have a say: they wait until nothing moves, for a while.
            nonlocal seen, moved_at, judged_at
            now = time.monotonic()
            if self._arrived.count != seen:
                seen, moved_at = self._arrived.count, now
            is_quiet = now - moved_at >= _QUIET_SECONDS and not self.backlog()
            if not is_quiet and now - judged_at < _COMPLIANCE_PATIENCE_SECONDS:
                self._stopping.wait(_POLL_SECONDS)
                return True
            busy = judging.run(self._judge_again)
            judged_at = time.monotonic()
            return busy

        return step

    def _judge_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Judge the trades of a few households again."""
        if self._compliance is None:
            return
        with self._compliance.unit() as unit:
            unit.hold_fence(STAGES, _COMPLIANCE_PART, self._fences[STAGES, _COMPLIANCE_PART])
            judge_again(unit, limit, self._clock.now, spared=spared, taken=taken)

    def _value_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Bring a few series up to date."""
        now = self._clock.now
        with self._store.unit() as unit:
            unit.hold_fence(STAGES, _SERIES_PART, self._fences[STAGES, _SERIES_PART])
            outcome = bring_up_to_date(unit, limit, now, spared=spared, taken=taken)
            self._tell_series(unit, outcome, now())
        if taken:
            self._booked.give()
            self._arrived.give()

    def _fold_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Fold a few keys again that corrections have marked."""
        with self._store.unit() as unit:
            unit.hold_fence(STAGES, _WORK_PART, self._fences[STAGES, _WORK_PART])
            work = unit.take_work(limit, spared)
            if not work:
                return
            # Not before: what asked for the work may have been believed only since.
            at = self._clock.now()
            taken.extend(item.portfolio_id for item in work)
            outcome = book(unit, (), work, at)
            self._tell_book(unit, outcome, "", at)
        self._after_book()

    def _book(self, unit: Unit, batches: Sequence[LogBatch], at: datetime) -> None:
        incoming = [
            Incoming(transaction_from(record), correlation_id)
            for batch in batches
            for record, correlation_id in zip(batch.records, batch.correlation_ids, strict=True)
        ]
        outcome = book(unit, incoming, (), at)
        correlation_id = incoming[0].correlation_id if incoming else ""
        self._tell_book(unit, outcome, correlation_id, at)
        for i, batch in enumerate(batches):
            duplicates = outcome.duplicates if i == 0 else 0
            fence = self._fences[BOOK, (batch.topic, batch.part)]
            unit.complete(BOOK, batch, fence, duplicates, at)

    def _take(self, unit: Unit, batches: Sequence[LogBatch], at: datetime) -> None:
        for batch in sorted(batches, key=lambda b: topics.REFERENCE_TOPICS.index(b.topic)):
            duplicates = take(unit, batch.topic, batch.records, self._clock.now)
            if batch.topic == topics.RAW_MARKET_PRICES:
                self._tell_prices(unit, batch, at)
            fence = self._fences[REFERENCE, (batch.topic, batch.part)]
            unit.complete(REFERENCE, batch, fence, duplicates, at)

    # What the stages have to say, one record per portfolio (or security) and batch.

    def _tell_book(
        self, unit: Unit, outcome: BookOutcome, correlation_id: str, at: datetime
    ) -> None:
        taken: list[tuple[str, Record]] = [
            (portfolio_id, {"portfolio_id": portfolio_id, "transaction_ids": ",".join(ids)})
            for portfolio_id, ids in sorted(outcome.touched.items())
        ]
        if taken:
            unit.append(topics.TRANSACTIONS_COMPLETED, taken, correlation_id, at)
            unit.append(topics.PROCESSED_TRANSACTIONS, taken, correlation_id, at)

    def _tell_prices(self, unit: Unit, batch: LogBatch, at: datetime) -> None:
        earliest: dict[str, str] = {}
        for record in batch.records:
            security_id, day = record["securityId"], record["priceDate"]
            earliest[security_id] = min(day, earliest.get(security_id, day))
        told: list[tuple[str, Record]] = [
            (security_id, {"security_id": security_id, "from_date": day})
            for security_id, day in sorted(earliest.items())
        ]
        unit.append(topics.MARKET_PRICE_PERSISTED, told, batch.correlation_ids[0], at)

    def _tell_series(self, unit: Unit, outcome: SeriesOutcome, at: datetime) -> None:
        told: list[tuple[str, Record]] = [
            (
                portfolio_id,
                {
                    "portfolio_id": portfolio_id,
                    "from_date": first.isoformat(),
                    "generation": str(generation),
                },
            )
            for portfolio_id, first, generation in outcome.brought
        ]
        if told:
            unit.append(topics.SNAPSHOT_PERSISTED, told, "", at)

    def _after_book(self) -> None:
        self._booked.give()
        self._arrived.give()
