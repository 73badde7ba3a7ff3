"""The runner: the one loop that feeds batches to stages.

It owns batches, offsets, fences, transactions and retries; what becomes of a record that cannot be
processed is said in :mod:`tidebook.engine.runner.consuming`, and what is done with a batch in
:mod:`tidebook.engine.runner.processing`. A stage is handed an open unit of work and what lies in
it; whatever the stage does, the move of the offsets and the outgoing events commit together or not
at all.

Four kinds of workers share the loop. Book workers share the partitions of the transactions;
when nothing new lies there they take keys to be folded again, a few at a time, so that a storm of
corrections never delays a new trade. One reference worker takes the facts that bookings and
valuations rest on. One series worker brings daily series up to date when the book has caught up,
or when it has been kept waiting for long enough. One compliance worker judges trades when their
portfolio's series is right again. Where a bus lies between the processes, a shipping worker sends
the log there, the book and reference workers read from it, and a process may run some only.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.runner.feeds import SHIPPING, BusFeed, LogFeed, Shares
from tidebook.engine.runner.giving_way import PORTFOLIOS_MAX, GivingWay, LastSay
from tidebook.engine.runner.loops import POLL_SECONDS, Loop, Stage
from tidebook.engine.runner.pacing import rest
from tidebook.engine.runner.processing import (
    COMPLIANCE_PART,
    SERIES_PART,
    STAGES,
    WORK_PART,
    Processing,
)
from tidebook.engine.runner.shipping import KINDS, resting, shipping
from tidebook.engine.runner.sizing import usual
from tidebook.engine.runner.sparing import Sparing
from tidebook.engine.signals import Signal
from tidebook.engine.telemetry import Untold
from tidebook.errors import BusError, FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tidebook.engine.compliance.ports import VerdictStore
    from tidebook.engine.ports import Clock
    from tidebook.engine.runner.consuming import Part, Process
    from tidebook.engine.runner.feeds import Feed, Through
    from tidebook.engine.runner.shipping import Kind
    from tidebook.engine.store import Store
    from tidebook.engine.telemetry import Telemetry

_log = logging.getLogger("tidebook.runner")

_BACKOFF_SECONDS: Final = (0.02, 0.1, 0.5, 1.0, 2.0, 5.0)
_WORK_AT_ONCE: Final = 50
_JUDGED_AT_ONCE: Final = 20
_STANDBY_SECONDS: Final = 1.0
_NEWS_SECONDS: Final = 0.5
_SELDOM_SECONDS: Final = (
    0.05  # between looks for what is mostly not there when others' work arrives
)
_HINTS_SECONDS: Final = 0.01  # hints that come in so short a time are one

_FACTS: Final = frozenset(topics.INPUT_TOPICS)


class Runner:
    """Runs the stages in threads of this process.

    Only one process at a time runs a stage against a store: the others stand by and take over when
    the leader's connection ends. Its fences make the old leader's unfinished batches roll back.
    What is read from a bus is shared by all who read it, as the bus divides it.

    Args:
        store: Where everything is; its lead is the one that these stages need.
        clock: Tells when a batch was processed.
        arrived: Given when there may be something to do.
        booked: Given after every batch.
        workers: How many book workers run beside each other.
        batch_max: The most records of a batch.
        stages: What to run.
        through: The bus to ship to and read from; None reads the log where it lies.
        unbooked: How many records lie unbooked, where another runner knows.
        telemetry: Told of what was done; nobody is unless given.
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
        stages: Collection[Stage] = (Stage.BOOK, Stage.SERIES),
        through: Through | None = None,
        unbooked: Callable[[], int] | None = None,
        compliance: VerdictStore | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Keep what the loop needs; nothing runs before :meth:`start`.

        Without ``compliance`` trades are booked and not judged.
        """
        self._judges = compliance is not None
        self._telemetry: Telemetry = telemetry or Untold()
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._booked = booked
        self._facts = Signal()
        self._marked = Signal()
        self._workers = workers
        self._batch_max = batch_max
        self._stages = frozenset(stages)
        self._through = through
        self._unbooked = unbooked or self.backlog
        self._stopping = Event()
        self._leading = Event()
        self._started = False
        self._threads: list[Thread] = []
        self._fences: dict[tuple[str, Part], int] = {}
        self._consumptions: list[Consumption] = []
        self._processing = Processing(
            store,
            clock,
            self._fences,
            self._telemetry,
            compliance=compliance,
            after_book=self._after_book,
            after_series=self._after_series,
        )

    def backlog(self) -> int:
        """Return how many records lay unbooked when the workers last looked."""
        return sum(consumption.backlog for consumption in self._consumptions)

    def start(self) -> None:
        """Begin to run in the background."""
        for loop in self._loops():
            if not loop.led:
                self._start_loop(loop)
        leader = Thread(target=self._lead, name="tidebook-leader", daemon=True)
        self._threads.append(leader)
        leader.start()

    def ask_to_stop(self) -> None:
        """Let no worker begin anything more; :meth:`stop` waits until they have ended."""
        self._stopping.set()
        self._arrived.give()

    def stop(self) -> None:
        """Finish the batches at hand and return when every worker has ended."""
        self.ask_to_stop()
        while self._threads:
            self._threads.pop().join()
        for consumption in self._consumptions:
            consumption.close()

    def _lead(self) -> None:
        """Become the leader, run the workers, and wake them when another process appends."""
        attempt = 0
        while not self._stopping.is_set():
            try:
                if self._leading.is_set():
                    heard = self._store.news(_NEWS_SECONDS)
                    if heard.topics:
                        if not _FACTS.isdisjoint(heard.topics):
                            self._facts.give()
                        # What was appended here has woken everybody before it was heard of.
                        if heard.from_others:
                            self._arrived.give()
                        self._stopping.wait(_HINTS_SECONDS)
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
        for consumer, parts in self._led_parts():
            fences = self._store.take_partitions(consumer, parts)
            self._fences.update({(consumer, part): fence for part, fence in fences.items()})
        self._leading.set()
        if not self._started:
            self._started = True
            for loop in self._loops():
                if loop.led:
                    self._start_loop(loop)

    def _led_parts(self) -> list[tuple[str, list[Part]]]:
        """Return, per consumer, the partitions that belong to whoever leads."""
        found: list[tuple[str, list[Part]]] = []
        if Stage.BOOK in self._stages and self._through is None:
            found.append((BOOK, _parts_of([topics.RAW_TRANSACTIONS])))
            found.append((REFERENCE, _parts_of(topics.REFERENCE_TOPICS)))
        stages: list[Part] = [WORK_PART] if Stage.BOOK in self._stages else []
        if Stage.SERIES in self._stages:
            stages.append(SERIES_PART)
            stages += [COMPLIANCE_PART] if self._judges else []
        if stages:
            found.append((STAGES, stages))
        if Stage.SHIPPING in self._stages:
            found.append((SHIPPING, _parts_of(topics.DURABLE_TOPICS)))
        return found

    def _loops(self) -> list[Loop]:
        found: list[Loop] = []
        if Stage.BOOK in self._stages:
            found += self._log_loops() if self._through is None else self._bus_loops(self._through)
        if Stage.SERIES in self._stages:
            found.append(Loop("series", self._series_steps))
            if self._judges:
                found.append(Loop("compliance", self._compliance_steps))
        if Stage.SHIPPING in self._stages and self._through is not None:
            found += [
                Loop(kind.name, partial(self._shipping_steps, self._through, kind))
                for kind in KINDS
            ]
        return found

    def _log_loops(self) -> list[Loop]:
        shares = Shares(_parts_of([topics.RAW_TRANSACTIONS]))
        found = [
            Loop(f"book-{i}", partial(self._book_steps, self._log_feed(BOOK, shares, tells=not i)))
            for i in range(min(self._workers, topics.PARTITIONS))
        ]
        reference = self._log_feed(REFERENCE, Shares(_parts_of(topics.REFERENCE_TOPICS)))
        steps = partial(self._reference_steps, reference)
        found.append(Loop("reference", steps, deaf_seconds=_SELDOM_SECONDS))
        return found

    def _bus_loops(self, through: Through) -> list[Loop]:
        """Return workers that share what they read with those of other processes.

        They wait for messages by themselves. Keys are folded again by whoever leads.
        """
        found = [
            Loop(
                f"book-{i}",
                partial(self._taking_steps, self._bus_feed(through, BOOK), self._processing.book),
                led=False,
                rest_seconds=0.0,
            )
            for i in range(self._workers)
        ]
        reference = partial(
            self._taking_steps, self._bus_feed(through, REFERENCE), self._processing.take
        )
        found.append(Loop("reference", reference, led=False, rest_seconds=0.0))
        found.append(Loop("folding", self._folding_steps, heeds=self._marked))
        return found

    def _log_feed(self, consumer: str, shares: Shares, *, tells: bool = True) -> LogFeed:
        return LogFeed(self._store, consumer, shares, self._batch_max, tells=tells)

    def _bus_feed(self, through: Through, consumer: str) -> BusFeed:
        read = [topics.RAW_TRANSACTIONS] if consumer == BOOK else topics.REFERENCE_TOPICS
        return BusFeed(
            *through,
            consumer=consumer,
            topics=read,
            fences=self._fences,
            batch_max=self._batch_max,
            stopping=self._stopping,
        )

    def _start_loop(self, loop: Loop) -> None:
        thread = Thread(
            target=self._loop, args=(loop, loop.make()), name=f"tidebook-{loop.name}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _loop(self, loop: Loop, step: Callable[[], bool]) -> None:
        """Repeat a step; rest when it found nothing, back off when the store is away."""
        attempt = 0
        heeds = loop.heeds or self._arrived
        while not self._stopping.is_set():
            if loop.led and not self._leading.wait(POLL_SECONDS):
                continue
            seen = heeds.count
            try:
                busy = step()
                attempt = 0
            except (StoreUnavailableError, FencedError, BusError) as error:
                attempt = self._back_off(loop.name, error, attempt)
                continue
            except Exception as error:  # noqa: BLE001 - a worker that ends leaves its work undone
                _log.exception("%s failed", loop.name)
                attempt = self._back_off(loop.name, error, attempt)
                continue
            if not busy and loop.rest_seconds:
                if loop.deaf_seconds:
                    self._stopping.wait(loop.deaf_seconds)
                heeds.wait(seen, loop.rest_seconds)

    def _back_off(self, name: str, error: Exception, attempt: int) -> int:
        if isinstance(error, FencedError):
            self._telemetry.fenced(name)
        else:
            self._telemetry.failed(name)
        pause = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)]
        if attempt:
            _log.warning("%s: %s; trying again in %s s", name, error, pause)
        self._stopping.wait(pause)
        return attempt + 1

    # Steps. Each returns whether there was anything to do.

    def _consumption(self, consumer: str, feed: Feed, process: Process) -> Consumption:
        made = Consumption(
            self._store,
            self._clock,
            consumer=consumer,
            feed=feed,
            fences=self._fences,
            process=process,
            stopping=self._stopping,
            telemetry=self._telemetry,
        )
        self._consumptions.append(made)
        return made

    def _book_steps(self, feed: Feed) -> Callable[[], bool]:
        consumption = self._consumption(BOOK, feed, self._processing.book)
        folding = Sparing(_WORK_AT_ONCE)

        def step() -> bool:
            if consumption.step():
                self._after_book()
                rest(consumption.took, self._stopping)
                return True
            return folding.run(self._processing.fold_again)

        return step

    def _folding_steps(self) -> Callable[[], bool]:
        return partial(Sparing(_WORK_AT_ONCE).run, self._processing.fold_again)

    def _reference_steps(self, feed: Feed) -> Callable[[], bool]:
        return self._steps(self._consumption(REFERENCE, feed, self._processing.take))

    def _taking_steps(self, feed: BusFeed, process: Process) -> Callable[[], bool]:
        return self._steps(self._consumption(feed.consumer, feed, process))

    def _shipping_steps(self, through: Through, kind: Kind) -> Callable[[], bool]:
        feed = self._log_feed(SHIPPING, Shares(_parts_of(kind.topics)))
        ship = shipping(through, self._fences)
        return resting(self._consumption(SHIPPING, feed, ship), self._stopping, kind)

    def _steps(self, consumption: Consumption) -> Callable[[], bool]:
        def step() -> bool:
            busy = consumption.step()
            if busy:
                self._after_book()
                if consumption.consumer == REFERENCE:
                    self._marked.give()
                rest(consumption.took, self._stopping)
            return busy

        return step

    def _series_steps(self) -> Callable[[], bool]:
        giving_way = GivingWay()
        valuing = Sparing(PORTFOLIOS_MAX)

        def step() -> bool:
            began, seen = time.monotonic(), self._facts.count
            unbooked = self._unbooked()
            is_behind = unbooked > usual(self._batch_max)
            if pause := giving_way.pause_seconds(
                began, is_behind=is_behind, unbooked=unbooked, arrived=seen
            ):
                self._stopping.wait(pause)
                return True
            busy = valuing.run(self._processing.value_again, giving_way.portfolios_max(began))
            beside_others = self._facts.count != seen
            giving_way.ran(began, time.monotonic(), beside_others=beside_others)
            return busy

        return step

    def _compliance_steps(self) -> Callable[[], bool]:
        judging = Sparing(_JUDGED_AT_ONCE)
        last_say = LastSay(time.monotonic())

        def step() -> bool:
            began, waiting = time.monotonic(), self.backlog()
            if not last_say.may_begin(
                began,
                arrived=self._arrived.count,
                is_waiting=waiting > 0,
                is_behind=waiting > usual(self._batch_max),
            ):
                self._stopping.wait(POLL_SECONDS)
                return True
            busy = judging.run(self._processing.judge_again)
            last_say.ran(began, time.monotonic())
            return busy

        return step

    def _after_book(self) -> None:
        self._facts.give()
        self._after_series()

    def _after_series(self) -> None:
        self._booked.give()
        self._arrived.give()


def _parts_of(names: Sequence[str]) -> list[Part]:
    return [(topic, part) for topic in names for part in range(topics.PARTITIONS)]
