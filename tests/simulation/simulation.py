"""One run: a seed in, a book that was attacked and judged out."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.bus import Cluster
from tests.simulation.clients import Client
from tests.simulation.database import Database
from tests.simulation.eventful import eventful
from tests.simulation.facts import histories, unsettled
from tests.simulation.invariants import Invariants
from tests.simulation.judgement import judge
from tests.simulation.processes import InjectedFailure, Injector, Nemesis, Process
from tests.simulation.scheduler import Ended, Scheduler
from tests.simulation.swarm import Fault, Tally, chance, swarm
from tests.simulation.threads import simulated
from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.feeds import SHIPPING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Generator

    from tests.simulation.clients import Delivery
    from tests.simulation.scheduler import Group
    from tests.simulation.swarm import BusFault, Swarm
    from tests.simulation.tables import Changes

_STEPS_MAX = 100_000
_UNSETTLED = 0.15
"""In how many worlds policies change again and again."""
_EVENTFUL = 0.4
"""In how many worlds there are pools, chosen lots, contracts, conversions and mergers."""
_CONSUMED_BY = {
    topics.RAW_TRANSACTIONS: BOOK,
    **dict.fromkeys(topics.REFERENCE_TOPICS, REFERENCE),
}


class Report(NamedTuple):
    """What a run came to."""

    seed: int
    faults: Counter[Fault | BusFault]
    steps: int
    commits: int
    trace: int
    """A digest of the run; equal for equal runs."""


class Simulation:
    """Everything of one run."""

    def __init__(
        self, seed: int, drawn: Swarm | None = None, *, steps_max: int = _STEPS_MAX
    ) -> None:
        """Draw the run of a seed."""
        self.seed = seed
        self.swarm = drawn or swarm(chance("swarm", seed))
        self.fault_random = chance("faults", seed)
        self.client_random = chance("clients", seed)
        self.tally = Tally()
        self.scheduler = Scheduler(
            chance("order", seed), switch_chance=self.swarm.switch, steps_max=steps_max
        )
        self.scheduler.at_rest = self._rests
        self.database = Database(self.scheduler)
        self.injector = Injector(self)
        self.cluster = None if self.swarm.bus is None else Cluster(self, self.swarm.bus)
        """The bus between the processes, where there is one."""
        self.processes: list[Process] = []
        self.deliveries: dict[str, Delivery] = {}
        self.committed: list[str] = []
        """The deliveries that became durable, by correlation id, in the order of the log."""
        self.commits = 0
        self.met: list[BaseException] = []
        """The errors that production code met and went on after."""
        self._calm = False
        self._starting = 0
        self.clients = self._drawn_clients()
        self.invariants = Invariants(self)
        self.database.observers.append(self._observe)

    def _drawn_clients(self) -> list[Client]:
        shares = self.swarm.clients
        drawn = histories(chance("facts", self.seed))
        policies = chance("policies", self.seed)
        if policies.random() < _UNSETTLED:
            drawn = unsettled(policies, drawn)
        events = chance("events", self.seed)
        if events.random() < _EVENTFUL:
            drawn = eventful(events, drawn)
        self.client_random.shuffle(drawn)
        return [Client(self, f"c{i}", drawn[i::shares]) for i in range(shares)]

    def run(self) -> Report:
        """Run to the end and judge what is there.

        Raises:
            AssertionError: When the book is not what it must be.
        """
        watcher = _Watcher(self.met)
        with simulated(self.scheduler), _watched(watcher):
            for number in range(self.swarm.processes):
                self._start(f"p{number}")
            for client in self.clients:
                self.scheduler.spawn(client.name, client.run)
            self.scheduler.spawn("nemesis", Nemesis(self).run)
            self.scheduler.run()
        assert watcher.unexpected(self.tally) == []
        judge(self)
        trace = self.scheduler.trace
        return Report(self.seed, self.tally.faults, self.scheduler.steps, self.commits, trace)

    # Processes.

    def at_work(self) -> list[Process]:
        """Return the processes that are alive and not about to end."""
        return [each for each in self.processes if each.alive and not each.stopping]

    def start_another(self, ended: Process) -> None:
        """Start a process in the place of one that ended, after a while."""
        self.processes.remove(ended)
        self._starting += 1
        name = f"{ended.name.split('.')[0]}.{self.scheduler.steps}"

        def start() -> None:
            self.scheduler.sleep(self.fault_random.uniform(0.0, 2.0))
            self._start(name)
            self._starting -= 1

        self.scheduler.spawn(f"{name}-again", start)

    def _start(self, name: str) -> None:
        process = Process(self, name)
        self.processes.append(process)
        process.start()

    # Commits and rest.

    def _observe(self, changes: Changes, process: Group | None) -> None:
        self.commits += 1
        if "log" in changes:
            self._hint({key[0] for key in changes["log"]}, process)
            sent = (
                change.after.correlation_id
                for key, change in changes["log"].items()
                if key[0] in _CONSUMED_BY
            )
            self.committed.extend(dict.fromkeys(sent))
        try:
            self.invariants.check(changes, process)
        except AssertionError as error:
            self.scheduler.fail(error)
            raise Ended from error

    def _hint(self, topics: Collection[str], process: Group | None) -> None:
        if self.injector.enabled and self.fault_random.random() < self.swarm.hint_lost:
            self.tally.count(Fault.HINT_LOST)
        elif isinstance(self.database.leader, Process):
            leader = self.database.leader
            leader.hint(topics, from_others=process is not leader)

    def _rests(self) -> bool:
        """Tell whether everything sent is booked and valued; the first time ends the storm."""
        if self._starting or any(not client.done for client in self.clients) or self._unfinished():
            return False
        if not self._calm:
            self._calm = True
            self.injector.enabled = False
            return False
        return True

    def references_are_taken(self) -> bool:
        """Tell whether all that others rest on was sent, and taken."""
        sent = all(client.has_introduced for client in self.clients)
        return sent and not self._unread(REFERENCE)

    def _unread(self, *consumers: str) -> bool:
        """Tell whether anything lies unread."""
        database = self.database
        for (topic, part), end in database.partitions.rows.items():
            consumer = _CONSUMED_BY.get(topic)
            if consumer in consumers:
                offset = database.offsets.rows.get((consumer, topic, part))
                if offset is None or offset.next_offset < end:
                    return True
        return False

    def _unfinished(self) -> bool:
        database = self.database
        if database.work.rows or database.leader is None:
            return True
        if any(row.series_from is not None for row in database.portfolios.rows.values()):
            return True
        if self.cluster is not None and self._unshipped():
            return True
        return self._unread(BOOK, REFERENCE)

    def _unshipped(self) -> bool:
        """Tell whether anything lies in the log that was not sent to the bus."""
        database = self.database
        return any(
            (row := database.offsets.rows.get((SHIPPING, *part))) is None or row.next_offset < end
            for part, end in database.partitions.rows.items()
        )


class _Watcher(logging.Handler):
    """Sees which errors production code met and went on after."""

    def __init__(self, met: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self.met = met

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the error of a record."""
        if record.exc_info and record.exc_info[1] is not None:
            self.met.append(record.exc_info[1])

    def unexpected(self, tally: Tally) -> list[str]:
        """Return the errors that nothing which was injected explains."""
        expected: tuple[type[BaseException], ...] = (InjectedFailure,)
        if tally.faults[Fault.UNREADABLE]:
            expected = (InjectedFailure, KeyError, ValueError)
        return [repr(error) for error in self.met if not isinstance(error, expected)]


@contextmanager
def _watched(watcher: _Watcher) -> Generator[None]:
    """Have the runner's errors seen by a watcher, and by nobody else."""
    logger = logging.getLogger("tidebook.runner")
    propagate, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.addHandler(watcher)
    try:
        yield
    finally:
        logger.removeHandler(watcher)
        logger.propagate = propagate
        logger.setLevel(level)
