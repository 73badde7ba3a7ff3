"""The bus: the same promises from the log, from Kafka and from Redis Streams."""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.kafka_broker import free_port, running_broker
from tests.fixtures.kafka_mock import MockCluster
from tests.fixtures.redis_server import running_redis
from tidebook.adapters.kafka import KafkaBus
from tidebook.adapters.postgres.log_bus import LogBus
from tidebook.adapters.redis_streams import RedisBus
from tidebook.engine.bus import Outgoing
from tidebook.engine.topics import PARTITIONS, RAW_TRANSACTIONS, partition
from tidebook.errors import BusUnavailableError, TopicShapeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tidebook.engine.bus import Arrival, Bus, Part, Subscription

_PATIENCE_SECONDS = 90.0


class _Clock:
    def now(self) -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC)


class Rig(NamedTuple):
    """A bus, and a topic and a group of the test's own."""

    bus: Bus
    topic: str
    group: str

    def send(self, keys: Sequence[str], first: int = 0) -> None:
        """Send one numbered message for each key."""
        publisher = self.bus.publisher()
        publisher.publish(
            [
                Outgoing(
                    self.topic,
                    partition(key),
                    key,
                    json.dumps({"portfolio_id": key, "n": str(number)}).encode(),
                    {"correlation_id": f"r{number}"},
                )
                for number, key in enumerate(keys, first)
            ]
        )
        publisher.close()

    def member(self, places: Mapping[Part, int] | None = None) -> Member:
        """Return a new member of the group."""
        owner = _Owner(places or {})
        return Member(self.bus.subscribe(self.group, [self.topic], owner), owner)


class _Owner:
    """Keeps no place of its own, but for those that a test gives it."""

    def __init__(self, places: Mapping[Part, int]) -> None:
        self.places = places
        self.parts: set[Part] = set()

    def assigned(self, parts: Collection[Part]) -> Mapping[Part, int]:
        self.parts |= set(parts)
        return {part: self.places[part] for part in parts if part in self.places}

    def revoked(self, parts: Collection[Part]) -> None:
        self.parts -= set(parts)


class Member(NamedTuple):
    """A member of a group, and what it owns."""

    subscription: Subscription
    owner: _Owner

    def take(self, count: int) -> list[Arrival]:
        """Receive until there are so many messages."""
        found: list[Arrival] = []
        end = time.monotonic() + _PATIENCE_SECONDS
        while len(found) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} messages came"
            found += self.subscription.receive(500, 0.05)
        assert len(found) == count
        return found

    def settle(self, arrivals: Sequence[Arrival]) -> None:
        """Say that messages are done with."""
        places: dict[Part, int] = defaultdict(int)
        for each in arrivals:
            part = each.topic, each.part
            places[part] = max(places[part], each.place + 1)
        self.subscription.settle(places)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    with running_broker() as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        yield url


@pytest.fixture(
    params=[
        pytest.param("log", marks=pytest.mark.cluster),
        "mock",
        pytest.param("kafka", marks=pytest.mark.kafka),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    own = f"t{uuid.uuid4().hex[:8]}"
    if request.param == "log":
        # The log knows the keys of its own topics only.
        url = request.getfixturevalue("database_url")
        yield Rig(LogBus(url, _Clock()), RAW_TRANSACTIONS, own)
    elif request.param == "mock":
        # It does not notice that a member leaves, but that it is silent.
        monkeypatch.setattr("tidebook.adapters.kafka.bus._SESSION_MILLISECONDS", 1000)
        cluster = MockCluster()
        cluster.make([own])
        yield Rig(KafkaBus(cluster.bootstrap), own, own)
        cluster.close()
    elif request.param == "kafka":
        bus = KafkaBus(request.getfixturevalue("kafka_bootstrap"))
        bus.prepare([own])
        yield Rig(bus, own, own)
    else:
        yield Rig(RedisBus(request.getfixturevalue("redis_url")), own, own)


def _numbers(arrivals: Sequence[Arrival]) -> list[int]:
    return [int(json.loads(each.value)["n"]) for each in arrivals]


_KEYS = [f"P{number % 7}" for number in range(60)]


def test_a_key_keeps_its_order_and_its_partition(rig: Rig) -> None:
    rig.send(_KEYS)
    member = rig.member()
    arrivals = member.take(60)
    assert {(each.topic, each.part) for each in arrivals} <= member.owner.parts
    by_key: dict[str, list[int]] = defaultdict(list)
    for arrival, number in zip(arrivals, _numbers(arrivals), strict=True):
        assert arrival.part == partition(arrival.key)
        assert json.loads(arrival.value)["portfolio_id"] == arrival.key
        assert arrival.headers["correlation_id"] == f"r{number}"
        by_key[arrival.key].append(number)
    assert by_key == {f"P{first}": list(range(first, 60, 7)) for first in range(7)}
    member.subscription.close()


def test_places_of_a_partition_grow(rig: Rig) -> None:
    rig.send(["P1"] * 20)
    rig.send(["P1"] * 20, first=20)
    member = rig.member()
    places = [each.place for each in member.take(40)]
    assert places == sorted(set(places))
    member.subscription.close()


def test_what_is_settled_does_not_come_again_and_what_is_not_does(rig: Rig) -> None:
    rig.send(["P1"] * 10)
    first = rig.member()
    first.settle(first.take(10)[:4])
    first.subscription.close()
    second = rig.member()
    assert _numbers(second.take(6)) == [4, 5, 6, 7, 8, 9]
    second.subscription.close()


def test_the_place_of_the_owner_goes_before_what_was_settled(rig: Rig) -> None:
    rig.send(["P1"] * 10)
    first = rig.member()
    arrivals = first.take(10)
    first.settle(arrivals)
    first.subscription.close()
    part = (rig.topic, partition("P1"))
    second = rig.member({part: arrivals[7].place})
    assert _numbers(second.take(3)) == [7, 8, 9]
    second.subscription.close()


def test_going_back_is_possible(rig: Rig) -> None:
    rig.send(["P1"] * 5)
    member = rig.member()
    arrivals = member.take(5)
    member.subscription.seek({(rig.topic, partition("P1")): arrivals[2].place})
    assert _numbers(member.take(3)) == [2, 3, 4]
    member.subscription.close()


def test_no_member_gets_what_another_got_and_one_that_leaves_is_replaced(rig: Rig) -> None:
    one, other = rig.member(), rig.member()
    keys = [f"P{number}" for number in range(64)]
    rig.send(keys)
    found: dict[int, int] = defaultdict(int)
    end = time.monotonic() + _PATIENCE_SECONDS
    while len(found) < 64 or len(one.owner.parts | other.owner.parts) < PARTITIONS:
        assert time.monotonic() < end
        for member in (one, other):
            arrivals = member.subscription.receive(100, 0.05)
            for number in _numbers(arrivals):
                found[number] += 1
            member.settle(arrivals)
    assert set(found.values()) == {1}
    assert not one.owner.parts & other.owner.parts
    one.subscription.close()
    rig.send(keys, first=64)
    assert sorted(_numbers(other.take(64))) == list(range(64, 128))
    other.subscription.close()


def test_a_partition_ends_behind_its_last_message(rig: Rig) -> None:
    part, empty = (rig.topic, partition("P1")), (rig.topic, partition("P2"))
    assert part != empty
    rig.send(["P1"] * 3)
    member = rig.member()
    last = member.take(3)[-1].place
    assert member.subscription.ends([part, empty]) == {part: last + 1, empty: 0}
    rig.send(["P1"], first=3)
    assert member.subscription.ends([part])[part] > last + 1
    member.subscription.close()


def test_nothing_comes_within_the_time_when_nothing_is_there(rig: Rig) -> None:
    member = rig.member()
    start = time.monotonic()
    assert member.subscription.receive(10, 0.05) == []
    assert time.monotonic() - start < _PATIENCE_SECONDS
    member.subscription.close()


@pytest.mark.parametrize("kind", ["kafka", "redis", "log"])
def test_a_bus_that_is_away_says_so(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidebook.adapters.kafka.bus._CONFIRM_SECONDS", 1.0)
    nobody = f"127.0.0.1:{free_port()}"
    buses: dict[str, Bus] = {
        "kafka": KafkaBus(nobody),
        "redis": RedisBus(f"redis://{nobody}/0"),
        "log": LogBus(f"postgresql://ada@{nobody}/book", _Clock()),
    }
    rig = Rig(buses[kind], "t", "g")
    with pytest.raises(BusUnavailableError):
        rig.bus.ready()
    with pytest.raises(BusUnavailableError):
        rig.send(["P1"])


def test_a_topic_of_another_shape_is_refused() -> None:
    cluster = MockCluster()
    cluster.make(["narrow"], partitions=4)
    with pytest.raises(TopicShapeError, match="narrow has 4 partitions") as refused:
        KafkaBus(cluster.bootstrap).prepare(["narrow"])
    assert "16" in refused.value.hint
    cluster.close()
