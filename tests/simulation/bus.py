"""The bus in memory: partitions that outlive every process, and groups that share them.

It promises what ``engine.bus`` says of a bus and no more: messages come at least once, those of a
publisher in its order. Beyond that it may lose what it has confirmed, as a broker does whose disk
is gone; the product has the log shipped again from there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.simulation.swarm import BusFault, chance
from tests.simulation.threads import SimulatedSignal
from tidebook.engine import topics
from tidebook.engine.bus import Arrival
from tidebook.engine.envelope import CORRELATION_ID, SCHEMA, SEQUENCE, SOURCE, schema_of
from tidebook.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tests.simulation.processes import Process
    from tests.simulation.simulation import Simulation
    from tests.simulation.swarm import BusWeather
    from tidebook.engine.bus import Outgoing, Owner, Part

OURS: Final = "ours"
"""What the log of a run is called."""
_SESSION_SECONDS: Final = 3.0
"""How long a member may be silent before its partitions go to others."""


class _Kept(NamedTuple):
    """A message as the bus keeps it."""

    key: str
    value: bytes
    headers: Mapping[str, str]


class _Group:
    """The members of a group, and which partition each of them has."""

    def __init__(self) -> None:
        self.seen: dict[SimulatedSubscription, float] = {}
        """When each member last gave a sign of life, in the order in which they joined."""
        self.owners: dict[Part, SimulatedSubscription] = {}
        self.settled: dict[Part, int] = {}
        self.turned = 0
        """How often partitions went round among the members for no reason."""

    def expel(self, member: SimulatedSubscription) -> None:
        """Let others have what a member had; it is not told."""
        self.seen.pop(member, None)
        self.owners = {part: who for part, who in self.owners.items() if who is not member}

    def share(self, member: SimulatedSubscription, parts: Sequence[Part]) -> set[Part]:
        """Return which partitions are to be a member's."""
        members = list(self.seen)
        return set(parts[(members.index(member) + self.turned) % len(members) :: len(members)])


class Cluster:
    """What the bus keeps, whichever process asks.

    Args:
        simulation: Where it runs.
        weather: What goes wrong with it, and how often.
    """

    def __init__(self, simulation: Simulation, weather: BusWeather) -> None:
        """Hold nothing, or what another log left behind."""
        self.simulation = simulation
        self.weather = weather
        self.random = chance("bus", simulation.seed)
        self.kept: dict[Part, list[_Kept]] = defaultdict(list)
        self.groups: dict[str, _Group] = defaultdict(_Group)
        self.arrived = SimulatedSignal(simulation.scheduler)
        self.away_until = 0.0
        if self.random.random() < weather.foreign:
            self._begin_with_another_log()

    def _begin_with_another_log(self) -> None:
        for part in range(topics.PARTITIONS):
            for sequence in range(self.random.randint(1, 3)):
                place = (topics.RAW_TRANSACTIONS, part)
                said = {
                    SOURCE: "theirs",
                    SEQUENCE: str(sequence),
                    CORRELATION_ID: f"theirs-{part}-{sequence}",
                    SCHEMA: schema_of(topics.RAW_TRANSACTIONS),
                }
                value = {"transaction_id": f"X{part}-{sequence}", "portfolio_id": "P1"}
                self.kept[place].append(_Kept("P1", json.dumps(value).encode(), said))
        self.simulation.tally.count(BusFault.FOREIGN, topics.PARTITIONS)

    def happens(self, rate: float, fault: BusFault) -> bool:
        """Tell whether a fault happens now, and count it."""
        found = self.simulation.injector.enabled and self.random.random() < rate
        if found:
            self.simulation.tally.count(fault)
        return found

    def answers(self) -> bool:
        """Tell whether the bus answers; it may go away right now."""
        now = self.simulation.scheduler.now
        if now >= self.away_until and self.happens(self.weather.away, BusFault.AWAY):
            self.away_until = now + self.random.choice((0.3, 3.0, 25.0))
        return now >= self.away_until


class SimulatedBus:
    """One process's way to the bus (see ``engine.bus.Bus``)."""

    def __init__(self, cluster: Cluster, process: Process) -> None:
        """Belong to a process."""
        self._cluster = cluster
        self._process = process

    def ready(self) -> None:
        """Return when the bus answers."""
        self._cluster.simulation.scheduler.point()
        if not self._cluster.answers():
            raise BusUnavailableError("it is simulated")

    def prepare(self, topics: Collection[str]) -> None:
        """Make sure that the bus answers."""
        del topics
        self.ready()

    def publisher(self) -> SimulatedPublisher:
        """Return a way to send messages."""
        return SimulatedPublisher(self._cluster)

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> SimulatedSubscription:
        """Join a group of consumers."""
        return SimulatedSubscription(self._cluster, group, (topics, owner), self._process)


class SimulatedPublisher:
    """Sends messages (see ``engine.bus.Publisher``)."""

    def __init__(self, cluster: Cluster) -> None:
        """Send to the bus."""
        self._cluster = cluster

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Take messages one by one; the process may die, or the bus go away, between any two."""
        cluster = self._cluster
        for message in messages:
            cluster.simulation.scheduler.point()
            if not cluster.answers():
                cluster.simulation.scheduler.sleep(0.5)
                raise BusUnavailableError("it is simulated")
            if not cluster.happens(cluster.weather.lost, BusFault.LOST):
                kept = _Kept(message.key, message.value, dict(message.headers))
                cluster.kept[message.topic, message.part].append(kept)
        cluster.arrived.give()
        if cluster.happens(cluster.weather.unconfirmed, BusFault.UNCONFIRMED):
            raise BusUnavailableError("it is simulated, and all was taken")

    def close(self) -> None:
        """Leave nothing behind."""


class SimulatedSubscription:
    """A member of a group (see ``engine.bus.Subscription``)."""

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        reading: tuple[Sequence[str], Owner],
        process: Process,
    ) -> None:
        """Join at the first :meth:`receive`."""
        names, self._owner = reading
        self._cluster = cluster
        self._group = cluster.groups[group]
        self._parts = [(topic, part) for topic in names for part in range(topics.PARTITIONS)]
        self._process = process
        self._positions: dict[Part, int] = {}

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived; the owner is told of what comes and goes in here alone."""
        cluster = self._cluster
        scheduler = cluster.simulation.scheduler
        scheduler.point()
        if not cluster.answers():
            scheduler.sleep(timeout_seconds)
            return []
        if cluster.happens(cluster.weather.rebalanced, BusFault.REBALANCED):
            self._group.turned += 1
        self._rebalance(scheduler.now)
        seen = cluster.arrived.count
        arrivals = self._unread(limit)
        if not arrivals:
            cluster.arrived.wait(seen, timeout_seconds)
        return arrivals

    def _unread(self, limit: int) -> list[Arrival]:
        parts = sorted(self._positions)
        self._cluster.random.shuffle(parts)
        found: list[Arrival] = []
        for part in parts:
            start = self._positions[part]
            kept = self._cluster.kept[part][start : start + limit - len(found)]
            found += [Arrival(*part, place, *each) for place, each in enumerate(kept, start)]
            self._positions[part] = start + len(kept)
        return found

    def _rebalance(self, now: float) -> None:
        group = self._group
        for member in [each for each in group.seen if each is not self]:
            if member._lives(now):
                group.seen[member] = now
            elif now - group.seen[member] > _SESSION_SECONDS:
                group.expel(member)
        if self not in group.seen:
            self._lose(set(self._positions))
        group.seen[self] = now
        due = group.share(self, self._parts)
        self._lose(set(self._positions) - due)
        free = sorted(due - group.owners.keys())
        if free:
            self._take(free)

    def _lives(self, now: float) -> bool:
        return self._process.alive and self._process.stopped_until <= now

    def _lose(self, parts: set[Part]) -> None:
        if parts:
            self._owner.revoked(sorted(parts))
        for part in parts:
            self._positions.pop(part, None)
            if self._group.owners.get(part) is self:
                del self._group.owners[part]

    def _take(self, parts: Sequence[Part]) -> None:
        """Have partitions; where their owner fails to say from where on, from where was settled."""
        places: Mapping[Part, int] = {}
        self._group.owners.update(dict.fromkeys(parts, self))
        try:
            places = self._owner.assigned(parts)
        finally:
            for part in parts:
                if self._group.owners.get(part) is self:
                    settled = self._group.settled.get(part, 0)
                    self._positions[part] = places.get(part, settled)

    def seek(self, places: Mapping[Part, int]) -> None:
        """Go on reading partitions from these places."""
        self._positions.update({part: at for part, at in places.items() if part in self._positions})

    def settle(self, places: Mapping[Part, int]) -> None:
        """Keep how far the group says that it has come."""
        self._group.settled.update(places)

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Return the place behind the last message of each partition."""
        self._cluster.simulation.scheduler.point()
        if not self._cluster.answers():
            raise BusUnavailableError("it is simulated")
        return {part: len(self._cluster.kept[part]) for part in parts}

    def close(self) -> None:
        """Leave the group."""
        self._lose(set(self._positions))
        self._group.expel(self)
