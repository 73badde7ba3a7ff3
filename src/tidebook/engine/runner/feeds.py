"""Where a worker's batches come from: the log in the store, or a bus that the log is shipped to.

Both keep the consumer's place in the store, in the transaction of the output. From the log a batch
is read inside that transaction; from a bus it has arrived before, and the move of the place says
whether it was still this worker's to process.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tidebook.engine.batches import LogBatch, Passage
from tidebook.engine.envelope import received
from tidebook.engine.runner.sizing import after, sized, usual
from tidebook.errors import FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
    from threading import Event

    from tidebook.engine.batches import Owned
    from tidebook.engine.bus import Arrival, Bus, Part, Subscription
    from tidebook.engine.store import Store, Unit

_log = logging.getLogger("tidebook.runner")

SHIPPING: Final = "dispatcher"
"""The consumer of the log that ships it to a bus."""
_LITTLE: Final = 500
_WAIT_SECONDS: Final = 0.1
_LOST_AFTER_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 1.0


class Feed(Protocol):
    """Where batches come from."""

    @property
    def backlog(self) -> int:
        """How many records lay unread at the last look."""
        ...

    def look(self) -> bool:
        """Choose what to read now; tell whether there may be anything."""
        ...

    def again(self) -> bool:
        """Make sure that there is something chosen, after what was may have been dropped."""
        ...

    def read(self, unit: Unit) -> list[LogBatch]:
        """Return what was chosen, the same again until it is done."""
        ...

    def done(self) -> None:
        """Go on: what was chosen is processed."""
        ...

    def refused(self) -> None:
        """Look again at what is owned: somebody else has moved on with it."""
        ...

    def close(self) -> None:
        """Give up what is owned."""
        ...


class Shares:
    """The partitions that the workers of one process have between them, and who reads which.

    While little waits, one worker takes all of them: a batch costs mostly the same whether it holds
    ten facts or fifty. As more waits, a batch is full with some of them, and the others are left.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        """Begin with nobody reading."""
        self._parts = parts
        self._lock = Lock()
        self._taken: set[Part] = set()
        self._turn = 0
        self._is_calm = False
        self.waiting = 0
        """How many records lay unread at the last look."""

    @property
    def parts(self) -> Sequence[Part]:
        """All of them."""
        return self._parts

    @property
    def any_free(self) -> bool:
        """Whether there is a partition that nobody reads just now."""
        return len(self._taken) < len(self._parts)

    def take(self, lags: Mapping[Part, int], limit: int) -> tuple[list[Part], list[Part]]:
        """Take free partitions, in turns; return all that were taken, and where anything lies."""
        with self._lock:
            self._turn += 1
            self.note(sum(lags.values()))
            free = [part for part in self._parts if part not in self._taken]
            chosen = _chosen(free, lags, self._turn, limit) if free else []
            taken = free if chosen and self._is_calm else chosen
            self._taken.update(taken)
        return taken, chosen

    def take_all(self) -> Sequence[Part]:
        """Take all partitions where little waited when somebody looked last, and nobody reads."""
        with self._lock:
            if not self._is_calm or self._taken:
                return ()
            self._taken.update(self._parts)
        return self._parts

    def note(self, waiting: int) -> None:
        """Keep how many records wait, in all partitions."""
        self.waiting = waiting
        self._is_calm = waiting <= _LITTLE

    def give_back(self, parts: Iterable[Part]) -> None:
        """Leave partitions to whoever looks next."""
        with self._lock:
            self._taken.difference_update(parts)


class LogFeed:
    """Partitions as they lie in the store, which one worker reads or several share.

    While little waits all of them are read without asking first in which there is anything: to ask
    costs as much as to read.

    Args:
        store: Where the log is.
        consumer: On whose behalf it is read.
        shares: The partitions; what one worker reads no other one does.
        batch_max: How many records to take at once at the most.
        tells: Whether this feed tells how much waits, of those that share.
    """

    def __init__(
        self,
        store: Store,
        consumer: str,
        shares: Shares,
        batch_max: int,
        *,
        tells: bool = True,
    ) -> None:
        """Begin with nothing taken."""
        self._store = store
        self._consumer = consumer
        self._shares = shares
        self._batch_max = batch_max
        self._tells = tells
        self._limit = usual(batch_max)
        self._taken: Sequence[Part] = ()
        self._chosen: Sequence[Part] = ()
        self._is_unasked = False

    @property
    def backlog(self) -> int:
        """How many records lay unread at the last look, where this feed tells it."""
        return self._shares.waiting if self._tells else 0

    def look(self) -> bool:
        """Choose partitions in turns, until a batch is full; while little waits, all of them."""
        self.done()
        if not self._shares.any_free:
            return False
        everything = self._shares.take_all()
        self._is_unasked = bool(everything)
        if everything:
            self._limit = usual(self._batch_max)
            self._taken = self._chosen = everything
            return True
        with self._store.unit() as unit:
            lags = unit.backlog(self._consumer, self._shares.parts)
        self._limit = sized(sum(lags.values()), self._batch_max)
        self._taken, self._chosen = self._shares.take(lags, self._limit)
        return bool(self._chosen)

    def again(self) -> bool:
        """Keep to what was chosen, but to no more of it than usual: it is taken singly."""
        self._limit = usual(self._batch_max)
        return bool(self._chosen)

    def read(self, unit: Unit) -> list[LogBatch]:
        """Return what lies unread there."""
        found = unit.read_log(self._consumer, self._chosen, self._limit)
        if self._is_unasked:
            self._shares.note(sum(len(batch.records) for batch in found))
        return found

    def done(self) -> None:
        """Leave what was taken to whoever looks next; the store says how far it was read."""
        self._shares.give_back(self._taken)
        self._taken = self._chosen = ()

    def refused(self) -> None:
        """Leave it to the next look, which asks the store."""

    def close(self) -> None:
        """Leave what is owned to the next leader, who takes it."""


def _chosen(parts: Sequence[Part], lags: Mapping[Part, int], turn: int, limit: int) -> list[Part]:
    """Return the partitions to read now, in turns, until a batch is full."""
    start = turn % len(parts)
    chosen: list[Part] = []
    records = 0
    for part in [*parts[start:], *parts[:start]]:
        lag = lags.get(part, 0)
        if lag and records < limit:
            chosen.append(part)
            records += lag
    return chosen


class Offsets(Protocol):
    """How far consumers have come, as the store keeps it."""

    def log_id(self) -> str:
        """Return which log this is."""
        ...

    def own(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Become the owner of partitions; whoever was it before is fenced off."""
        ...

    def owned(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        """Return the same without taking anything."""
        ...

    def rewind(self, consumer: str, offsets: Mapping[Part, int]) -> None:
        """Set a consumer back to these offsets of the log, where it is beyond them."""
        ...


class Through(NamedTuple):
    """The bus between the processes, and where it is kept how far it was read."""

    bus: Bus
    offsets: Offsets


class BusFeed:
    """A member of a group of consumers of a bus.

    Args:
        bus: Where messages come from.
        offsets: Where it is kept how far they were read.
        consumer: On whose behalf; also the name of the group.
        topics: What is read.
        fences: Where to put what is to be presented for each (consumer, partition).
        batch_max: How many records to take at once at the most.
        stopping: Set when the process is to end.
    """

    def __init__(  # noqa: PLR0913 - what it reads, for whom, and how far
        self,
        bus: Bus,
        offsets: Offsets,
        *,
        consumer: str,
        topics: Sequence[str],
        fences: MutableMapping[tuple[str, Part], int],
        batch_max: int,
        stopping: Event,
    ) -> None:
        """Join the group at the first look."""
        self._bus = bus
        self._offsets = offsets
        self.consumer = consumer
        self._topics = topics
        self._fences = fences
        self._batch_max = batch_max
        self._limit = usual(batch_max)
        self._stopping = stopping
        self._subscription: Subscription | None = None
        self._owned: dict[Part, Owned] = {}
        self._held: dict[Part, LogBatch] = {}
        self._source = ""
        self._quiet_since: float | None = None
        self._rewound: dict[Part, tuple[int, float]] = {}
        self._sought: dict[Part, int] = {}
        self._unsettled: dict[Part, int] = {}
        self._settled_at = float("-inf")

    @property
    def backlog(self) -> int:
        """How many records are at hand; how many wait with the bus, the bus knows."""
        return sum(len(batch.records) for batch in self._held.values())

    def look(self) -> bool:
        """Wait shortly for messages, unless those at hand are not done yet."""
        if self._held:
            return True
        if self._subscription is None:
            self._source = self._offsets.log_id()
            self._subscription = self._bus.subscribe(
                f"tidebook-{self.consumer}", self._topics, self
            )
        arrivals = self._subscription.receive(self._limit, _WAIT_SECONDS)
        self._limit = after(self._limit, len(arrivals), self._batch_max)
        if arrivals:
            self._quiet_since = None
            self._hold(self._subscription, arrivals)
        else:
            self._settle()
            self._look_for_losses(self._subscription)
        return bool(self._held)

    def again(self) -> bool:
        """Wait for what was dropped to arrive again."""
        return self.look()

    def read(self, unit: Unit) -> list[LogBatch]:
        """Return what is at hand; it was received before the unit began."""
        del unit
        return list(self._held.values())

    def done(self) -> None:
        """Tell the bus, and go on from there."""
        places: dict[Part, int] = {}
        for part, batch in self._held.items():
            if batch.passage is not None and part in self._owned:
                places[part] = batch.passage.after
                self._owned[part] = self._owned[part]._replace(
                    sequence=batch.next_offset, place=batch.passage.after
                )
        self._held.clear()
        self._unsettled.update(places)
        if time.monotonic() - self._settled_at >= _SETTLE_SECONDS:
            self._settle()

    def _settle(self) -> None:
        """Tell the bus how far the group has come; only others want to know it."""
        if self._subscription is not None and self._unsettled:
            self._subscription.settle(self._unsettled)
            self._unsettled = {}
            self._settled_at = time.monotonic()

    def refused(self) -> None:
        """Drop what is at hand, and read on from where the store says.

        Who still has a partition by the rules of the group, and not by the store's, takes it
        again: somebody took it late, who will notice that it no longer has it.
        """
        parts = list(self._held)
        found = self._offsets.owned(self.consumer, parts)
        lost = [
            part
            for part in parts
            if part in self._owned
            and (part not in found or found[part].fence != self._owned[part].fence)
        ]
        if lost:
            found |= self._offsets.own(self.consumer, lost)
        mine = {part: state for part, state in found.items() if part in self._owned}
        self._keep(mine)
        if self._subscription is not None and mine:
            self._subscription.seek({part: state.place for part, state in mine.items()})
        # Not before: what is dropped without being asked for again never comes.
        self._held.clear()

    def close(self) -> None:
        """Leave the group, so that the others need not wait to notice."""
        if self._subscription is not None:
            self._settle()
            self._subscription.close()
            self._subscription = None

    # What the bus tells of partitions (see ``engine.bus.Owner``).

    def assigned(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Take partitions over in the store; without the store, wait for it."""
        while True:
            try:
                found = self._offsets.own(self.consumer, parts)
            except (StoreUnavailableError, FencedError) as error:
                if self._stopping.is_set():
                    return dict.fromkeys(parts, 0)
                _log.warning("%s cannot take partitions over: %s", self.consumer, error)
                self._stopping.wait(_PAUSE_SECONDS)
            else:
                self._keep(found)
                # To join may have taken long, and nothing could arrive meanwhile.
                self._quiet_since = None
                return {part: state.place for part, state in found.items()}

    def revoked(self, parts: Collection[Part]) -> None:
        """Forget partitions, and what of them is at hand."""
        for part in parts:
            self._owned.pop(part, None)
            self._held.pop(part, None)
            self._unsettled.pop(part, None)

    def _keep(self, found: Mapping[Part, Owned]) -> None:
        self._owned.update(found)
        self._fences.update({(self.consumer, part): s.fence for part, s in found.items()})

    def _hold(self, subscription: Subscription, arrivals: Sequence[Arrival]) -> None:
        by_part: dict[Part, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            by_part[arrival.topic, arrival.part].append(arrival)
        for part, of_part in by_part.items():
            if part in self._owned:
                batch = self._batch(subscription, part, of_part)
                if batch is not None:
                    self._held[part] = batch

    def _batch(
        self, subscription: Subscription, part: Part, arrivals: Sequence[Arrival]
    ) -> LogBatch | None:
        """Return the records of a partition, without those that came before.

        A gap means that messages were lost on the way, or that others overtook them: what is behind
        it is dropped until what is missing comes, and the log is shipped again from there unless
        all of it has come. Where places are missing too, this process may have lost them itself,
        and first reads again from there; then there is no batch. What was shipped from another log,
        such as that of a database that is gone, is none of ours and dropped too.
        """
        state = self._owned[part]
        expected = state.sequence
        records: list[Mapping[str, str]] = []
        correlation_ids: list[str] = []
        marks: list[tuple[int, int]] = []
        headers: list[Mapping[str, str]] = []
        ahead, foreign = -1, 0
        for arrival in arrivals:
            said = received(arrival)
            if said.source not in {None, self._source}:
                foreign += 1
                continue
            if said.source is not None and said.sequence is not None:
                if said.sequence != expected:
                    ahead = max(ahead, said.sequence)
                    continue
                expected += 1
            records.append(said.record)
            correlation_ids.append(said.correlation_id)
            marks.append((arrival.place + 1, expected))
            headers.append(arrival.headers)
        if foreign:
            _log.warning("%s-%s: %s messages of another log were passed over", *part, foreign)
        if ahead >= expected:
            if arrivals[0].place > state.place and self._sought.get(part) != state.place:
                self._sought[part] = state.place
                subscription.seek({part: state.place})
                return None
            self._have_shipped_again(part, expected)
        passage = Passage(state.place, arrivals[-1].place + 1, tuple(marks), tuple(headers))
        ids = tuple(correlation_ids)
        return LogBatch(*part, state.sequence, tuple(records), ids, passage)

    def _have_shipped_again(self, part: Part, expected: int) -> None:
        """Set the shipping back, once for the many messages that may follow a gap."""
        now = time.monotonic()
        before, at = self._rewound.get(part, (-1, now))
        if before != expected or now - at >= _LOST_AFTER_SECONDS:
            _log.warning("%s-%s: messages from %s on were lost; sent again", *part, expected)
            self._offsets.rewind(SHIPPING, {part: expected})
            self._rewound[part] = (expected, now)

    def _look_for_losses(self, subscription: Subscription) -> None:
        """Have shipped again what was shipped long ago and is not there to arrive.

        What the bus has, and nobody can fetch while it is away, comes when it is back; it is asked
        for once more, in case this process has lost it itself.
        """
        now = time.monotonic()
        self._quiet_since = self._quiet_since or now
        if now - self._quiet_since < _LOST_AFTER_SECONDS or not self._owned:
            return
        self._quiet_since = now
        shipped = self._offsets.owned(SHIPPING, self._owned)
        lost = {
            part: state.sequence
            for part, state in self._owned.items()
            if part in shipped and shipped[part].sequence > state.sequence
        }
        if lost:
            ends = subscription.ends(lost)
            there = {part: self._owned[part].place for part in lost}
            there = {part: place for part, place in there.items() if ends[part] > place}
            if there:
                subscription.seek(there)
            lost = {part: at for part, at in lost.items() if part not in there}
        if lost:
            _log.warning("messages of %s partitions were lost; sent again", len(lost))
            self._offsets.rewind(SHIPPING, lost)
