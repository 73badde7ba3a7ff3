"""Live events that nobody can read are set apart once, and sent again to the bus they came from."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_facts import ACME, portfolio
from tests.fixtures.patience import until
from tests.fixtures.redis_server import running_redis
from tidebook.adapters.postgres.log_bus import LogBus
from tidebook.adapters.redis_streams import RedisBus
from tidebook.config import Settings
from tidebook.engine.bus import Outgoing
from tidebook.engine.topics import MARKET_TICK, TRADE_OPENED, partition
from tidebook.wiring import open_system
from tidebook.wiring.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.bus import LiveBus
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster


@pytest.fixture(params=["log", pytest.param("redis", marks=pytest.mark.redis)])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "log":
        yield None
        return
    with running_redis() as url:
        yield url


@pytest.fixture
def settings(database_url: str, redis_url: str | None, tmp_path: Path) -> Settings:
    return Settings(tmp_path, database_url=database_url, redis_url=redis_url, live_portfolio="P1")


def _bus(settings: Settings) -> LiveBus:
    if settings.redis_url is not None:
        return RedisBus(settings.redis_url)
    return LogBus(settings.database_url or "", SystemClock())


def _send(settings: Settings, topic: str, *records: object, headers: dict[str, str]) -> None:
    publisher = _bus(settings).publisher()
    publisher.publish(
        [
            Outgoing(topic, partition("P1"), "P1", json.dumps(each).encode(), headers)
            for each in records
        ]
    )
    publisher.close()


def _following(stack: ExitStack, settings: Settings) -> System:
    system = stack.enter_context(open_system(settings))
    assert system.live is not None
    system.live.start()
    return system


def _unreadable(system: System) -> int:
    assert system.live is not None
    return system.live.health().unreadable


_OPENED = {
    "trade_id": "L-1",
    "portfolio_id": "P1",
    "symbol": "ACME",
    "side": "LONG",
    "quantity": "many",
    "entry_price": 10.25,
}


def test_everybody_reads_it_and_one_keeps_it_with_the_reason_and_its_headers(
    settings: Settings,
) -> None:
    said = {"correlation_id": "desk-7", "x-desk": "Zürich"}
    with ExitStack() as stack:
        first, second = _following(stack, settings), _following(stack, settings)
        first.commands.ingest_instruments([ACME], "r")
        first.commands.ingest_portfolios([portfolio("P1")], "r")
        tick = {"symbol": "ACME", "price": "12"}
        _send(settings, TRADE_OPENED, _OPENED, headers=said)
        _send(settings, MARKET_TICK, tick, headers={})
        until(lambda: _unreadable(first) == _unreadable(second) == 1)
        until(lambda: bool(first.dead_letters.letters()))
    # Who starts later reads what the bus still has, and finds it kept.
    with ExitStack() as stack:
        third = _following(stack, settings)
        until(lambda: _unreadable(third) == 1)
        time.sleep(1.5)
        (letter,) = third.dead_letters.letters(topic=TRADE_OPENED)
    assert (letter.original_topic, letter.original_partition) == (TRADE_OPENED, partition("P1"))
    assert letter.reason == "its field quantity is no number"
    kept = json.loads(letter.value)
    assert (kept["trade_id"], kept["entry_price"]) == ("L-1", "10.25")
    if settings.redis_url is not None:
        # The log gives headers of its own to what is put into it.
        assert json.loads(letter.headers) == said
    assert letter.correlation_id == "desk-7"


def test_it_is_sent_again_to_the_bus_that_it_came_from(settings: Settings) -> None:
    with ExitStack() as stack:
        system = _following(stack, settings)
        _send(settings, TRADE_OPENED, _OPENED, headers={})
        until(lambda: bool(system.dead_letters.letters()))
        (letter,) = system.dead_letters.letters()
        assert system.dead_letters.replay([letter.letter_id], "again") == [letter]
        # Nothing has changed, and so it is set apart once more, as another message.
        until(lambda: _unreadable(system) == 2)
        until(lambda: bool(system.dead_letters.letters()))
        (second,) = system.dead_letters.letters()
        assert second.letter_id != letter.letter_id
        assert second.correlation_id == "again"
        assert second.value == letter.value
