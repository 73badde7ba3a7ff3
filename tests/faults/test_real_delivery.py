"""What ships the log doubles messages, changes their order, repeats old ones and loses some."""

from __future__ import annotations

import os
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from tests.fixtures.deployment import deployed, show
from tests.fixtures.settled import assert_right, until_right
from tests.fixtures.traffic import Traffic, scale_of
from tidebook import wiring
from tidebook.adapters.kafka import KafkaBus
from tidebook.config import Role, Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tidebook.adapters.kafka.bus import KafkaSubscription
    from tidebook.engine.bus import Outgoing, Owner, Publisher

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_DOUBLED, _MOVED, _OLD, _LOST = 0.2, 0.02, 0.05, 0.002
_FAR: Final = 10
_KEPT: Final = 2_000
_LOST_OF_FACTS_MAX: Final = 1 / 300
"""What is lost and lost again is looked for every ten seconds."""
_PATIENCE_SECONDS: Final = 600.0
_NIGHT_FACTS: Final = int(os.environ.get("TIDEBOOK_CHAOS_FACTS", "200000")) // 4


class HostileBus:
    """A bus whose publishers deliver as no promise allows."""

    def __init__(self, bootstrap: str, facts: int) -> None:
        self.done: Counter[str] = Counter()
        self._bus = KafkaBus(bootstrap)
        self._lost_max = int(facts * _LOST_OF_FACTS_MAX)
        self._random = Random(facts)  # noqa: S311 - so that a failure can be had again
        self._old: deque[Outgoing] = deque(maxlen=_KEPT)

    def ready(self) -> None:
        """Return when the cluster answers."""
        self._bus.ready()

    def prepare(self, topics: Collection[str]) -> None:
        """Make the topics that are missing."""
        self._bus.prepare(topics)

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> KafkaSubscription:
        """Join a group."""
        return self._bus.subscribe(group, topics, owner)

    def publisher(self) -> Publisher:
        """Return a way to send messages that is not to be relied on."""
        return _HostilePublisher(self._bus.publisher(), self)

    def spoilt(self, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Return what is sent in place of messages."""
        random = self._random
        placed: list[tuple[float, Outgoing]] = []
        for place, message in enumerate(messages):
            if self.done["lost"] < self._lost_max and random.random() < _LOST:
                self.done["lost"] += 1
                continue
            moved = random.random() < _MOVED
            self.done["moved"] += moved
            placed.append((place + moved * random.uniform(-_FAR, _FAR), message))
            if random.random() < _DOUBLED:
                self.done["doubled"] += 1
                placed.append((place + random.uniform(0, _FAR), message))
            if self._old and random.random() < _OLD:
                self.done["old"] += 1
                placed.append((place, random.choice(self._old)))
        self._old.extend(messages)
        placed.sort(key=lambda each: each[0])
        return [message for _, message in placed]


class _HostilePublisher:
    def __init__(self, publisher: Publisher, bus: HostileBus) -> None:
        self._publisher = publisher
        self._bus = bus

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Say that all is sent, whatever was."""
        self._publisher.publish(self._bus.spoilt(messages))

    def close(self) -> None:
        """Give up the connection."""
        self._publisher.close()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(3_000, id="few"),
        pytest.param(_NIGHT_FACTS, id="many", marks=pytest.mark.night),
    ],
)
def test_however_messages_arrive_every_fact_is_booked_once(
    facts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed(tmp_path, ("query",)) as deployment:
        hostile = HostileBus(deployment.broker.bootstrap, facts)

        def bus_of(_: Settings) -> HostileBus:
            return hostile

        monkeypatch.setattr(wiring, "broker", bus_of)
        settings = Settings(
            data_dir=Path("unused"),
            database_url=deployment.url,
            roles=(Role.SERIES,),
            bus="kafka",
            kafka_bootstrap=deployment.broker.bootstrap,
        )
        # It is the first that may ship, and so the one that does.
        with wiring.open_system(settings):
            deployment.add(tmp_path, "ingest", "ingest", "book", "book")
            traffic = Traffic(scale_of(facts), deployment.doors)
            try:
                traffic.introduce()
                traffic.start()
                traffic.join()
            finally:
                traffic.stop()
            seconds = until_right(deployment, _PATIENCE_SECONDS)
            show(f"{dict(hostile.done)}; right {seconds:.0f} s after the last")
            assert all(hostile.done[each] for each in ("lost", "moved", "doubled", "old"))
            assert_right(deployment, traffic)
