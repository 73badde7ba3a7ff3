"""Following topics whole: the same promises from the log and from Redis Streams."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.redis_server import running_redis
from tidebook.adapters.postgres.log_bus import LogBus
from tidebook.adapters.redis_streams import RedisBus
from tidebook.engine.bus import Outgoing
from tidebook.engine.topics import MARKET_TICK, TRADE_OPENED, partition
from tidebook.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidebook.engine.bus import Arrival, Follower, LiveBus


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(
    params=[
        pytest.param("log", marks=pytest.mark.cluster),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def bus(request: pytest.FixtureRequest) -> Iterator[LiveBus]:
    if request.param == "log":
        yield LogBus(request.getfixturevalue("database_url"), _Now())
    else:
        with running_redis() as url:
            yield RedisBus(url)


def _send(bus: LiveBus, topic: str, key: str, numbers: Sequence[int]) -> None:
    name = "symbol" if topic == MARKET_TICK else "portfolio_id"
    messages = [
        Outgoing(topic, partition(key), key, json.dumps({name: key, "n": str(n)}).encode(), {})
        for n in numbers
    ]
    publisher = bus.publisher()
    publisher.publish(messages)
    publisher.close()


def _taken(follower: Follower, count: int) -> list[Arrival]:
    found: list[Arrival] = []
    end = time.monotonic() + 90
    while len(found) < count:
        assert time.monotonic() < end, f"{len(found)} of {count} messages came"
        found += follower.receive(7, 0.05)
    return found


def _numbers(arrivals: Sequence[Arrival], key: str) -> list[int]:
    return [int(json.loads(each.value)["n"]) for each in arrivals if each.key == key]


def test_everybody_who_follows_reads_everything_in_the_order_of_a_key(bus: LiveBus) -> None:
    _send(bus, TRADE_OPENED, "P1", range(20))
    first = bus.follow({TRADE_OPENED: None, MARKET_TICK: None})
    assert _numbers(_taken(first, 20), "P1") == list(range(20))
    _send(bus, MARKET_TICK, "ACME", range(5))
    second = bus.follow({TRADE_OPENED: None, MARKET_TICK: None})
    for follower, count in ((first, 5), (second, 25)):
        arrivals = _taken(follower, count)
        assert _numbers(arrivals, "ACME") == list(range(5))
        assert {each.topic for each in arrivals} <= {TRADE_OPENED, MARKET_TICK}
        assert follower.receive(7, 0.02) == []
        follower.close()


def test_what_lies_before_an_instant_is_left_out(bus: LiveBus) -> None:
    _send(bus, MARKET_TICK, "ACME", [1, 2])
    time.sleep(0.05)
    follower = bus.follow({MARKET_TICK: datetime.now(UTC), TRADE_OPENED: None})
    assert follower.receive(7, 0.02) == []
    _send(bus, MARKET_TICK, "ACME", [3])
    _send(bus, MARKET_TICK, "BETA", [4])
    arrivals = _taken(follower, 2)
    assert (_numbers(arrivals, "ACME"), _numbers(arrivals, "BETA")) == ([3], [4])
    earlier = bus.follow({MARKET_TICK: datetime.now(UTC) - timedelta(minutes=1)})
    assert _numbers(_taken(earlier, 4), "ACME") == [1, 2, 3]
    follower.close()
    earlier.close()


def test_a_server_that_is_not_there_is_said_to_be_away() -> None:
    with pytest.raises(BusUnavailableError):
        RedisBus("redis://127.0.0.1:1/0").follow({MARKET_TICK: None}).receive(1, 0.01)
    with pytest.raises(BusUnavailableError):
        LogBus("postgresql://127.0.0.1:1/x", _Now()).follow({MARKET_TICK: None}).receive(1, 0.01)
