"""A price until every snapshot shows it, under load; and what one snapshot takes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import redis

from bench import facts
from bench.clocks import collect_as_served, percentile, processor_seconds, say
from bench.databases import private_folder, settle
from bench.figures import Bar, Baseline, Figure
from bench.serving import Served, bare_python_megabytes, resident_megabytes, started
from tests.fixtures.redis_server import running_redis
from tidebook.adapters.redis_streams import RedisBus
from tidebook.api.wire import live as wire
from tidebook.config import Settings
from tidebook.engine.bus import Outgoing
from tidebook.engine.topics import MARKET_TICK, partition
from tidebook.live import Holding, Instrument, LiveBook, Start, snapshot
from tidebook.model.facts import TransactionType
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from pathlib import Path

_POSITIONS = 50
_TICKS_A_SECOND = 5_000
_AT_ONCE = 5
_INTERVAL_MS = 2
_TICK_BAR = Bar("at most", 10.0)
_SNAPSHOT_BAR = Bar("at most", 1.0)
_MEMORY_BAR = Bar("at most", 150.0)
_SETTLE_SECONDS = 2.0
_BASE = 100.0
_STEP = 1e-6


class _Sent(NamedTuple):
    """A price that was sent: its number, which its price tells, and when."""

    number: int
    at: float


class _Shown(NamedTuple):
    """A snapshot as it came, and when."""

    at: float
    body: bytes


def measure(*, quick: bool) -> list[Figure]:
    """Send prices to a live book in a process of its own, and watch it."""
    seconds = 3 if quick else 15
    with private_folder() as folder, running_redis() as url:
        home = folder / "data"
        _prepare(home)
        settings = {"TIDEBOOK_REDIS_URL": url}
        words = ["serve", "--role", "live", "--port", "0", "--data", str(home)]
        with started(words, settings) as process:
            assert process.stdout is not None
            server = Served(process.stdout.readline().strip(), process.pid)
            latencies, snapshots = _watched(server, url, seconds)
            memory = resident_megabytes(process.pid)
        round_trip = _round_trip_ms(url)
    size = f"{_POSITIONS} positions, {_TICKS_A_SECOND:,} prices/s for {seconds} s"
    say(f"live: {snapshots:,} snapshots, p50 {median(latencies):.2f} ms")
    one = _snapshot_ms(20 if quick else 500)
    return [
        Figure(
            "live",
            "ms",
            tuple(latencies),
            Baseline("p99 of asking the Redis server for nothing", round_trip),
            _TICK_BAR,
            f"{size}, {snapshots:,} snapshots",
            percentile(latencies, 99),
        ),
        Figure(
            "live_snapshot",
            "ms",
            one.runs,
            Baseline("writing the same document as JSON", one.encoding),
            _SNAPSHOT_BAR,
            f"{_POSITIONS} positions",
        ),
        Figure(
            "live_memory",
            "MB",
            (memory,),
            Baseline("a Python process that does nothing", bare_python_megabytes()),
            _MEMORY_BAR,
            size,
        ),
    ]


def _prepare(home: Path) -> None:
    """Have one portfolio buy every security once."""
    day = facts.weekdays(1)[0]
    name, at = facts.portfolio_id(0), facts.opening(day)
    with open_system(Settings(data_dir=home)) as system:
        commands = system.commands
        price = (Decimal(10), Decimal(100))
        bought = [
            facts.trade(
                f"B{number}", (name, facts.security_id(number)), TransactionType.BUY, at, price
            )
            for number in range(_POSITIONS)
        ]
        settle(
            system,
            [
                commands.ingest_instruments(facts.instruments(_POSITIONS), "bench"),
                commands.ingest_portfolios(facts.portfolios(1), "bench"),
                commands.ingest_business_dates([day], "bench"),
                commands.ingest_transactions(
                    [facts.deposit("D0", name, at, Decimal(1_000_000)), *bought], "bench"
                ),
            ],
        )


def _watched(server: Served, url: str, seconds: int) -> tuple[list[float], int]:
    """Return how many milliseconds each price took to be shown, and how many snapshots came."""
    path = f"/api/portfolio/stream?portfolio_id={facts.portfolio_id(0)}&interval_ms={_INTERVAL_MS}"
    ending, shown = Event(), list[_Shown]()
    watcher = Thread(target=_watch, args=(server, path, shown, ending), daemon=True)
    watcher.start()
    while not shown:
        time.sleep(0.01)
    sent = _send(url, seconds)
    time.sleep(_SETTLE_SECONDS)
    ending.set()
    waiting = {symbol: list(reversed(each)) for symbol, each in sent.items()}
    latencies: list[float] = []
    for one in shown:
        for position in json.loads(one.body)["positions"]:
            left = waiting.get(position["symbol"], [])
            if position["current_price"] is None:
                continue
            number = round((position["current_price"] - _BASE) / _STEP)
            while left and left[-1].number <= number:
                latencies.append((one.at - left.pop().at) * 1000)
    left = {symbol: len(each) for symbol, each in waiting.items() if each}
    assert not left, f"prices were never shown: {left}"
    return latencies, len(shown)


def _watch(server: Served, path: str, shown: list[_Shown], ending: Event) -> None:
    connection = server.connection()
    connection.request("GET", path)
    answer = connection.getresponse()
    while not ending.is_set():
        line = answer.readline()
        if line.startswith(b"data: "):
            shown.append(_Shown(time.perf_counter(), line[6:]))
    connection.close()


def _send(url: str, seconds: int) -> dict[str, list[_Sent]]:
    """Send prices at a steady rate, a few at a time; return what was sent of each security."""
    publisher = RedisBus(url).publisher()
    sent: dict[str, list[_Sent]] = {}
    begin = time.perf_counter()
    for first in range(0, seconds * _TICKS_A_SECOND, _AT_ONCE):
        pause = begin + first / _TICKS_A_SECOND - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        at, now = time.perf_counter(), datetime.now(UTC).isoformat()
        messages: list[Outgoing] = []
        for number in range(first + 1, first + 1 + _AT_ONCE):
            symbol = facts.security_id(number % _POSITIONS)
            record = {"symbol": symbol, "price": _BASE + number * _STEP, "timestamp": now}
            value = json.dumps(record).encode()
            messages.append(Outgoing(MARKET_TICK, partition(symbol), symbol, value, {}))
            sent.setdefault(symbol, []).append(_Sent(number, at))
        publisher.publish(messages)
    taken = time.perf_counter() - begin
    say(f"live: {seconds * _TICKS_A_SECOND / taken:,.0f} prices/s were sent")
    assert taken < seconds * 1.1, "the machine cannot send as fast"
    return sent


def _round_trip_ms(url: str) -> float:
    client = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    taken: list[float] = []
    for _ in range(500):
        start = time.perf_counter()
        client.ping()  # pyright: ignore[reportUnknownMemberType]
        taken.append((time.perf_counter() - start) * 1000)
    return percentile(taken, 99)


class _Taken(NamedTuple):
    runs: tuple[float, ...]
    encoding: float


def _snapshot_ms(repeats: int) -> _Taken:
    """Return what a snapshot takes as it is sent, and what writing it as JSON does of that."""
    collect_as_served()
    names = [facts.security_id(number) for number in range(_POSITIONS)]
    held = tuple(Holding(name, 10.0, 1_000.0, Instrument(), price=101.0) for name in names)
    now = datetime.now(UTC)
    start = Start("P", "USD", "UTC", 1, 0.0, held, {}, None, 0.0, 0.0, {}, None, frozenset())
    book = LiveBook()
    book.begin(start, now)

    def whole() -> bytes:
        told = snapshot(book, "P", now)
        assert told is not None
        return msgspec.json.encode(wire.snapshot(told))

    document = json.loads(whole())
    assert len(document["positions"]) == _POSITIONS
    runs = [each * 1000 for each in processor_seconds(whole, repeats)]
    encoded = processor_seconds(lambda: msgspec.json.encode(document), repeats)
    return _Taken(tuple(runs), median(encoded) * 1000)
