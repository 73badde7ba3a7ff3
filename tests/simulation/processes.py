"""Processes: the product's commands and runner on the simulated store, alive until they are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from tests.simulation.bus import SimulatedBus
from tests.simulation.scheduler import Ended, Group
from tests.simulation.session import away
from tests.simulation.store import SimulatedStore
from tests.simulation.swarm import Fault
from tests.simulation.threads import SimulatedSignal
from tidebook.engine.commands import LogCommands
from tidebook.engine.runner import Runner, Stage, Through
from tidebook.engine.signals import News
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.session import Session
    from tests.simulation.simulation import Simulation
    from tidebook.engine.store import Store

_EPOCH: Final = datetime(2024, 6, 1, tzinfo=UTC)
_REFUSED_IN_A_ROW_MAX: Final = 3
_STORM_STEPS_MAX: Final = 12_000
"""After so many steps nothing goes wrong any more, so that the run can come to rest."""


class InjectedFailure(Exception):  # noqa: N818 - it stands for whatever has no name in the tree
    """A failure without a name in the tree of errors."""


class Process(Group):
    """One process of the product: its clock, its way to the store, its commands and its runner."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        """Be alive; nothing runs before :meth:`start`."""
        super().__init__(name)
        self.simulation = simulation
        self.skew_seconds = 0.0
        self.arrived = SimulatedSignal(simulation.scheduler)
        self._hints = SimulatedSignal(simulation.scheduler)
        self._heard = 0
        self._hinted: set[str] = set()
        self._by_others = False
        self._session_broken = False
        self.cut_off_until = 0.0
        """Until when it gets no new session for the lead, while its workers' go on."""
        self.stopping = False
        store = cast("Store", SimulatedStore(self))
        booked = SimulatedSignal(simulation.scheduler)
        self.runner = Runner(
            store,
            self,
            arrived=self.arrived,
            booked=booked,
            workers=simulation.swarm.workers,
            batch_max=simulation.swarm.batch_max,
            **self._roles(store),
        )
        self.commands = LogCommands(
            store, self, arrived=self.arrived, booked=booked, backlog=self.runner.backlog
        )

    def _roles(self, store: Store) -> dict[str, Any]:
        """Return what is different with a bus between the processes: each does all roles."""
        cluster = self.simulation.cluster
        if cluster is None:
            return {}
        through = Through(SimulatedBus(cluster, self), cast("Any", store))
        return {"stages": tuple(Stage), "through": through}

    def start(self) -> None:
        """Begin to run."""
        self.simulation.scheduler.spawn(f"{self.name}-start", self.runner.start, self)

    def now(self) -> datetime:
        """Return the present instant by the clock of this process."""
        seconds = self.simulation.scheduler.now + self.skew_seconds
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))

    def kill(self) -> None:
        """End at once; what its units wrote is gone when the store notices."""
        self.alive = False
        self.lose_lead()
        self.simulation.start_another(self)

    def stop(self) -> None:
        """End in order."""
        self.stopping = True
        self.runner.stop()
        if self.alive:
            self.kill()

    def lose_lead(self) -> bool:
        """End the session that holds the lead; tell whether it held it."""
        database = self.simulation.database
        if database.leader is not self:
            return False
        database.leader = None
        self._session_broken = True
        self._hints.give()
        return True

    def reconnect(self) -> None:
        """Have a new session for the lead.

        Raises:
            StoreUnavailableError: While the store takes no connection of this process.
        """
        if self.simulation.scheduler.now < self.cut_off_until:
            raise away("no session for the lead")
        self._session_broken = False

    def hint(self, topics: Iterable[str], *, from_others: bool) -> None:
        """Tell the session of the lead what was appended to, and whether by others."""
        self._hinted.update(topics)
        self._by_others |= from_others
        self._hints.give()

    def news(self, timeout_seconds: float) -> News:
        """Wait for a hint."""
        if not self._session_broken and self._hints.count == self._heard:
            self._hints.wait(self._heard, timeout_seconds)
        if self._session_broken:
            raise away("the session of the lead has ended")
        self._heard = self._hints.count
        heard = News(frozenset(self._hinted), self._by_others)
        self._hinted, self._by_others = set[str](), False
        return heard


class Injector:
    """Lets things go wrong at statements and commits, at the rates of the swarm."""

    def __init__(self, simulation: Simulation) -> None:
        """Be at work."""
        self._simulation = simulation
        self._random = simulation.fault_random
        self._in_a_row: dict[tuple[str, str], int] = {}
        self.enabled = True

    def at_statement(self, session: Session) -> None:
        """Let time pass before a statement, and perhaps something go wrong."""
        scheduler = self._simulation.scheduler
        scheduler.point()
        process = session.process
        if scheduler.steps > _STORM_STEPS_MAX:
            self.enabled = False
        if not self.enabled or not isinstance(process, Process):
            return
        swarm = self._simulation.swarm
        drawn = self._random.random()
        if drawn < swarm.killed:
            self._kill(process, Fault.KILLED_AT_CALL)
        drawn -= swarm.killed
        if 0 <= drawn < swarm.lost:
            self._count(Fault.CONNECTION_LOST)
            raise away("the connection was lost")
        drawn -= swarm.lost
        if 0 <= drawn < swarm.refused:
            self._refuse()
        drawn -= swarm.refused
        if 0 <= drawn < swarm.failed and session.took_work:
            self._count(Fault.FAILED)
            raise InjectedFailure
        drawn -= swarm.failed
        if 0 <= drawn < swarm.stalled:
            self._count(Fault.STALLED)
            scheduler.sleep(self._random.random() * swarm.stall_seconds)

    def _refuse(self) -> None:
        """Refuse a unit, but no worker for ever: a record refused for ever is set apart."""
        if self._in_a_row.get(self._worker(), 0) < _REFUSED_IN_A_ROW_MAX:
            self._count(Fault.REFUSED)
            raise FencedError("what this unit wrote")

    def note_refusal(self) -> None:
        """Remember that the worker at hand was refused, by whatever."""
        name = self._worker()
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1

    def _worker(self) -> tuple[str, str]:
        me = self._simulation.scheduler.me
        return (me.group.name if me.group else "", me.name)

    def around_commit(self, session: Session) -> None:
        """Commit, and perhaps let something go wrong before or after."""
        fault: Fault | None = None
        process = session.process
        if self.enabled and isinstance(process, Process):
            self._simulation.scheduler.point()
            if self._random.random() < self._simulation.swarm.commit:
                fault = self._random.choice(_AT_COMMIT)
        if fault is Fault.COMMIT_LOST:
            self._count(fault)
            raise away("the connection was lost before the commit")
        if fault is Fault.KILLED_BEFORE_COMMIT and isinstance(process, Process):
            self._kill(process, fault)
        session.must_lead()
        session.tell(session.transaction.commit())
        self._in_a_row.pop(self._worker(), None)
        if fault is Fault.ACKNOWLEDGEMENT_LOST:
            self._count(fault)
            raise away("the connection was lost after the commit")
        if fault is Fault.KILLED_AFTER_COMMIT and isinstance(process, Process):
            self._kill(process, fault)

    def _kill(self, process: Process, fault: Fault) -> None:
        self._count(fault)
        process.kill()
        raise Ended

    def _count(self, fault: Fault) -> None:
        self._simulation.tally.count(fault)


_AT_COMMIT: Final = (
    Fault.KILLED_BEFORE_COMMIT,
    Fault.KILLED_AFTER_COMMIT,
    Fault.COMMIT_LOST,
    Fault.ACKNOWLEDGEMENT_LOST,
)


class Nemesis:
    """Lets things go wrong from outside, at instants of its own."""

    def __init__(self, simulation: Simulation) -> None:
        """Be at work."""
        self._simulation = simulation
        self._random = simulation.fault_random

    def run(self) -> None:
        """Do harm now and then, until the storm is over."""
        simulation = self._simulation
        swarm = simulation.swarm
        while simulation.injector.enabled:
            pause = self._random.expovariate(1 / swarm.nemesis_seconds)
            simulation.scheduler.sleep(pause)
            processes = simulation.at_work()
            if simulation.injector.enabled and processes:
                victim = self._random.choice(processes)
                fault = self._random.choice(swarm.nemesis)
                if self._strike(victim, fault):
                    simulation.tally.count(fault)

    def _strike(self, victim: Process, fault: Fault) -> bool:
        """Do harm; tell whether it was any."""
        simulation = self._simulation
        now = simulation.scheduler.now
        match fault:
            case Fault.KILLED_AT_ANY_TIME:
                victim.kill()
            case Fault.RESTARTED:
                victim.stop()
            case Fault.PROCESS_STOPPED:
                victim.stopped_until = now + self._random.uniform(0.01, 5.0)
            case Fault.CLOCK_STEPPED:
                size = simulation.swarm.clock_step_seconds
                victim.skew_seconds += self._random.uniform(-size, size)
            case Fault.LEAD_LOST:
                return self._cut_off_leader(now)
            case Fault.ZOMBIE:
                return self._replace_leader(now)
            case _:
                msg = f"{fault} does not come from outside"
                raise ValueError(msg)
        return True

    def _cut_off_leader(self, now: float) -> bool:
        """End the leader's session; its workers go on with what they have in hand."""
        for process in self._simulation.at_work():
            if process.lose_lead():
                process.cut_off_until = now + self._random.choice((0.0, 1.5, 4.0))
                return True
        return False

    def _replace_leader(self, now: float) -> bool:
        """Stop the leader for long enough that another one leads when it wakes."""
        for process in self._simulation.at_work():
            if process.lose_lead():
                process.stopped_until = now + self._random.uniform(2.0, 30.0)
                return True
        return False
