"""What goes wrong in a run, and how often: every rate is drawn anew for every seed.

A fixed rate hides faults behind each other: where every process dies young, none lives to be
replaced. Drawn rates (a *swarm*) make runs in which one kind rules and the others keep quiet.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fault(StrEnum):
    """The kinds of faults. Each is counted where it takes effect, not where it is planned."""

    KILLED_AT_CALL = "process killed at a call of the store"
    KILLED_BEFORE_COMMIT = "process killed before its commit"
    KILLED_AFTER_COMMIT = "process killed after its commit, unacknowledged"
    KILLED_AT_ANY_TIME = "process killed from outside"
    RESTARTED = "process stopped in order and started again"
    CONNECTION_LOST = "connection lost at a call of the store"
    COMMIT_LOST = "connection lost before the commit"
    ACKNOWLEDGEMENT_LOST = "connection lost after the commit, unacknowledged"
    REFUSED = "unit refused by the store, to be tried again"
    FAILED = "unit failed for no reason that the tree of errors knows"
    STALLED = "worker stalled inside a unit"
    PROCESS_STOPPED = "process stopped and continued"
    ZOMBIE = "process stopped, replaced, and continued"
    LEAD_LOST = "session of the leader lost"
    HINT_LOST = "hint of an append lost"
    CLOCK_STEPPED = "clock stepped"
    SENT_AGAIN = "fact delivered again"
    SENT_OLD = "older version of a fact delivered after a newer one"
    OUT_OF_ORDER = "fact delivered before one that it rests on, or that comes before it"
    UNREADABLE = "record that cannot be read"
    REPROCESSED = "facts asked to be folded again without need"


class BusFault(StrEnum):
    """The kinds of faults of a bus, which only runs with one between the processes have."""

    AWAY = "bus away"
    UNCONFIRMED = "messages taken by the bus and not confirmed"
    LOST = "message confirmed and lost by the bus"
    REBALANCED = "partitions went round among the members of a group"
    FOREIGN = "partition that begins with the messages of another log"


class BusWeather(NamedTuple):
    """How likely each fault of the bus is."""

    away: float
    unconfirmed: float
    lost: float
    rebalanced: float
    foreign: float


class Swarm(NamedTuple):
    """How likely each fault is, and the shape of the run; drawn per seed."""

    switch: float
    killed: float
    lost: float
    refused: float
    failed: float
    stalled: float
    stall_seconds: float
    commit: float
    """How often a commit meets one of its four faults."""
    hint_lost: float
    sent_again: float
    sent_old: float
    unreadable: float
    reprocessed: float
    nemesis_seconds: float
    """The mean time between faults from outside; the kinds are drawn from ``nemesis``."""
    nemesis: tuple[Fault, ...]
    clock_step_seconds: float
    processes: int
    workers: int
    clients: int
    batch_max: int
    lots_carried: int
    think_seconds: float
    """The longest pause of a client between two requests."""
    ordered: bool
    """Whether clients deliver what others rest on first: what comes late has everything folded
    again, and so hides what goes wrong where it is not."""
    rates_first: bool
    """Whether rates are among what others rest on."""
    by_day: bool
    """Whether they then deliver by day, too."""
    bus: BusWeather | None = None
    """What goes wrong with the bus between the processes; None where they read the log itself."""


_OUTSIDE = (
    Fault.KILLED_AT_ANY_TIME,
    Fault.RESTARTED,
    Fault.PROCESS_STOPPED,
    Fault.ZOMBIE,
    Fault.LEAD_LOST,
    Fault.CLOCK_STEPPED,
)


def chance(what: str, seed: int) -> Random:
    """Return the chance that decides one thing in the run of a seed."""
    return Random(f"{what} {seed}")  # noqa: S311 - the seed is the case


def swarm(random: Random) -> Swarm:
    """Draw what goes wrong in one run."""
    return Swarm(
        switch=random.choice((0.02, 0.1, 0.3, 0.6)),
        killed=_rate(random, (0.002, 0.006, 0.015)),
        lost=_rate(random, (0.005, 0.02, 0.05)),
        refused=_rate(random, (0.005, 0.02, 0.05)),
        failed=_rate(random, (0.005, 0.02)),
        stalled=_rate(random, (0.005, 0.02, 0.05)),
        stall_seconds=random.choice((0.05, 0.5, 5.0, 20.0)),
        commit=_rate(random, (0.05, 0.15, 0.3)),
        hint_lost=_rate(random, (0.2, 0.8)),
        sent_again=_rate(random, (0.1, 0.3, 0.7)),
        sent_old=_rate(random, (0.05, 0.2)),
        unreadable=_rate(random, (0.02, 0.1)),
        reprocessed=_rate(random, (0.05, 0.2)),
        nemesis_seconds=random.choice((0.3, 1.0, 4.0, 1e9)),
        nemesis=_some(random, _OUTSIDE),
        clock_step_seconds=random.choice((0.001, 1.0, 600.0)),
        processes=random.choice((1, 2, 2, 3)),
        workers=random.choice((1, 2, 3)),
        clients=random.choice((1, 2, 3)),
        batch_max=random.choice((1, 3, 10, 500)),
        lots_carried=random.choice((1, 2, 400)),
        think_seconds=random.choice((0.0, 0.03, 0.3)),
        ordered=random.random() < 0.5,
        rates_first=random.random() < 0.5,
        by_day=random.random() < 0.4,
    )


def over_a_bus(given: Swarm, seed: int) -> Swarm:
    """Return the same run with a bus between the processes; half of all buses lose nothing."""
    random = chance("weather of the bus", seed)
    weather = BusWeather(
        away=_rate(random, (0.001, 0.005, 0.02)),
        unconfirmed=_rate(random, (0.05, 0.2)),
        lost=random.choice((0.0, 0.0, 0.005, 0.03)),
        rebalanced=_rate(random, (0.002, 0.01, 0.05)),
        foreign=0.3,
    )
    return given._replace(bus=weather)


def quiet(given: Swarm) -> Swarm:
    """Return the same run without any fault but those of delivery."""
    return given._replace(
        killed=0.0,
        lost=0.0,
        refused=0.0,
        failed=0.0,
        stalled=0.0,
        commit=0.0,
        hint_lost=0.0,
        nemesis_seconds=1e9,
    )


class Tally:
    """Counts faults by kind."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.faults: Counter[Fault | BusFault] = Counter()

    def count(self, fault: Fault | BusFault, times: int = 1) -> None:
        """Count a fault that took effect."""
        self.faults[fault] += times


def _rate(random: Random, rates: Sequence[float]) -> float:
    """Draw a rate; in a third of the cases none at all."""
    return 0.0 if random.random() < 1 / 3 else random.choice(rates)


def _some(random: Random, faults: Sequence[Fault]) -> tuple[Fault, ...]:
    chosen = tuple(fault for fault in faults if random.random() < 0.5)
    return chosen or (random.choice(faults),)
