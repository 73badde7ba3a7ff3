"""Where the levels of a benchmark come from, and what happens when there are none."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.unit.cli.memory_book import MemoryBook
from tidebook.adapters.alpaca import AlpacaBars
from tidebook.adapters.benchmarkfiles import BenchmarkFolder
from tidebook.config import Settings
from tidebook.engine.benchmark_updates import BenchmarkUpdates, MemoryBenchmarks
from tidebook.engine.benchmarks import (
    Benchmarks,
    DataSource,
    KeptLevels,
    NoProvider,
    ReturnBasis,
    UpdateStatus,
)
from tidebook.errors import BenchmarkUnavailableError, InvalidBenchmarkError, ProviderError
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price
from tidebook.model.instruments import Instrument
from tidebook.model.markets import DatedValue
from tidebook.wiring import benchmark_provider

D = Decimal
START, END = date(2024, 1, 2), date(2024, 1, 31)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2024, 2, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Daily:
    """A provider that has one level a day, 100 on the first and one more each day."""

    name: str = "daily"
    basis: ReturnBasis = ReturnBasis.TOTAL

    def __init__(self) -> None:
        self.asked: list[tuple[date, date]] = []
        self.fault: str = ""

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        assert symbol == "SPY" or self.fault
        self.asked.append((start, end))
        if self.fault:
            raise ProviderError("daily", self.fault)
        days = range((end - date(2023, 12, 1)).days + 1)
        points = (DatedValue(date(2023, 12, 1) + timedelta(days=n), D(100 + n)) for n in days)
        return tuple(point for point in points if point.on >= start)


class Desk:
    """Benchmarks over a book in memory."""

    def __init__(self) -> None:
        self.clock, self.provider, self.book = Clock(), Daily(), MemoryBook()
        self.store = MemoryBenchmarks()
        self.benchmarks = Benchmarks(self.store, self.provider, self.book, self.clock)


@pytest.fixture(name="desk")
def opened() -> Desk:
    return Desk()


def test_what_was_known_then_is_told_and_nothing_is_fetched_for_it(desk: Desk) -> None:
    first_known = desk.clock.at
    before = desk.benchmarks.levels("SPY", START, END)
    desk.clock.at += timedelta(days=1)
    adjusted = tuple(point._replace(value=point.value - 1) for point in before.points)
    desk.store.replace(
        KeptLevels("SPY", "USD", ReturnBasis.TOTAL, "daily", START, desk.clock.at, adjusted)
    )
    desk.clock.at += timedelta(days=30)
    asked = len(desk.provider.asked)
    then = desk.benchmarks.levels("SPY", START, date(2024, 3, 1), first_known)
    assert then.points == before.points
    assert (then.source, then.fetched_at) == (DataSource.CACHE, first_known)
    later = first_known + timedelta(days=1)
    assert desk.benchmarks.levels("SPY", START, END, later).points == adjusted
    early = first_known - timedelta(seconds=1)
    with pytest.raises(BenchmarkUnavailableError, match="nothing had been fetched by"):
        desk.benchmarks.levels("SPY", START, END, early)
    assert len(desk.provider.asked) == asked


def test_levels_are_fetched_up_to_yesterday_and_ten_years_back(desk: Desk) -> None:
    found = desk.benchmarks.levels("SPY", START, date(2024, 2, 1))
    ((first, last),) = desk.provider.asked
    assert last == date(2024, 1, 31)
    assert first < date(2014, 2, 5)
    assert (found.source, found.provider) == (DataSource.API, "daily")
    assert found.as_of(END) == DatedValue(END, D(161))
    assert found.as_of(date(2023, 11, 30)) is None


def test_what_is_kept_is_asked_for_again_only_when_it_falls_short(desk: Desk) -> None:
    desk.benchmarks.levels("SPY", START, END)
    assert desk.benchmarks.levels("SPY", START, END).source is DataSource.CACHE
    # A day later one level is missing, and it was last asked for more than four hours ago.
    desk.clock.at += timedelta(days=1)
    assert desk.benchmarks.levels("SPY", START, date(2024, 2, 1)).source is DataSource.API
    assert desk.benchmarks.levels("SPY", START, date(2024, 2, 2)).source is DataSource.CACHE
    # An earlier start than was ever asked for.
    assert desk.benchmarks.levels("SPY", date(2010, 1, 1), END).source is DataSource.API
    assert len(desk.provider.asked) == 3
    assert desk.provider.asked[2][0] < date(2010, 1, 1)


def test_a_stamp_is_of_the_levels_that_are_kept(desk: Desk) -> None:
    assert desk.benchmarks.stamp(["SPY"], END) is None, "they would be fetched first"
    desk.benchmarks.levels("SPY", START, END)
    first = desk.benchmarks.stamp(["SPY"], END)
    assert first is not None
    desk.clock.at += timedelta(days=1)
    assert desk.benchmarks.stamp(["SPY"], END) == first
    # The level of the last day is missing, and was last asked for more than four hours ago.
    assert desk.benchmarks.stamp(["SPY"], date(2024, 2, 1)) is None
    yesterday = desk.clock.at - timedelta(days=1)
    assert desk.benchmarks.stamp(["SPY"], date(2024, 2, 1), yesterday) == first
    desk.benchmarks.levels("SPY", START, date(2024, 2, 1))
    later = desk.benchmarks.stamp(["SPY"], date(2024, 2, 1))
    assert later not in {None, first}
    # Prices of the book are no part of it, and nobody is asked for them.
    assert desk.benchmarks.stamp(["ACME"], END) == ""


def test_nothing_is_promised_while_a_provider_refuses(desk: Desk) -> None:
    desk.benchmarks.levels("SPY", START, END)
    desk.provider.fault = "it is out of order"
    desk.benchmarks.levels("SPY", date(2010, 1, 1), END)
    assert desk.benchmarks.stamp(["SPY"], END) is None
    desk.clock.at += timedelta(minutes=2)
    assert desk.benchmarks.stamp(["SPY"], END) is not None


def test_where_nobody_can_be_asked_what_is_kept_is_all(desk: Desk) -> None:
    desk.benchmarks.levels("SPY", START, END)
    desk.clock.at += timedelta(days=30)
    alone = Benchmarks(desk.store, NoProvider(), desk.book, desk.clock)
    assert alone.stamp(["SPY", "AGG"], date(2024, 3, 1)) == alone.stamp(["SPY"], END) != ""


def test_when_the_provider_fails_what_is_kept_is_the_answer(desk: Desk) -> None:
    desk.benchmarks.levels("SPY", START, END)
    desk.clock.at += timedelta(days=1)
    desk.provider.fault = "it is out of order"
    found = desk.benchmarks.levels("SPY", START, date(2024, 2, 1))
    assert (found.source, found.points[-1].on) == (DataSource.CACHE, END)
    for _ in range(3):
        desk.benchmarks.levels("SPY", START, date(2024, 2, 1))
    assert len(desk.provider.asked) == 2
    desk.clock.at += timedelta(minutes=2)
    desk.benchmarks.levels("SPY", START, date(2024, 2, 1))
    assert len(desk.provider.asked) == 3


def test_nothing_known_is_an_error_that_says_why(desk: Desk) -> None:
    desk.provider.fault = "it is out of order"
    with pytest.raises(BenchmarkUnavailableError, match="it is out of order"):
        desk.benchmarks.levels("SPY", START, END)
    with pytest.raises(InvalidBenchmarkError):
        desk.benchmarks.levels("NONE", START, END)


def test_without_a_provider_the_book_may_still_know(desk: Desk) -> None:
    benchmarks = Benchmarks(desk.store, NoProvider(), desk.book, desk.clock)
    with pytest.raises(BenchmarkUnavailableError, match="no provider is set"):
        benchmarks.levels("SPY", START, END)
    desk.book.ingest_instruments([Instrument("SPY", "My SPY", "USD", "ETF")], "test")
    with pytest.raises(BenchmarkUnavailableError):
        benchmarks.levels("SPY", START, END)
    desk.book.ingest_prices([Price("SPY", START, D(200), "USD")], "test")
    found = benchmarks.levels("SPY", START, END)
    assert (found.source, found.basis) == (DataSource.BOOK, ReturnBasis.PRICE)
    assert found.points == (DatedValue(START, D(200)),)


def test_a_split_is_no_loss_of_an_instrument_of_the_book(desk: Desk) -> None:
    # 200 before a split of 2 for 1, 101 and then 102 after it: 200, 202, 204 of the first units.
    desk.book.ingest_instruments([Instrument("ACME", "Acme", "USD", "Equity")], "test")
    closes = ((2, 200), (10, 101), (11, 102))
    prices = [Price("ACME", date(2024, 1, on), D(close), "USD") for on, close in closes]
    desk.book.ingest_prices(prices, "test")
    split = CorporateAction("S1", ActionType.SPLIT, "ACME", date(2024, 1, 10), D(2), D(1))
    desk.book.ingest_actions([split], "test")
    found = desk.benchmarks.levels("ACME", START, END)
    assert [point.value for point in found.points] == [200, 202, 204]


def test_prices_in_two_currencies_are_no_line(desk: Desk) -> None:
    desk.book.ingest_instruments([Instrument("ACME", "Acme", "USD", "Equity")], "test")
    quoted = (("USD", 2), ("EUR", 3))
    desk.book.ingest_prices(
        [Price("ACME", date(2024, 1, on), D(1), currency) for currency, on in quoted], "test"
    )
    with pytest.raises(BenchmarkUnavailableError, match="several currencies: EUR, USD"):
        desk.benchmarks.levels("ACME", START, END)


def test_of_two_requests_at_a_time_one_fetches(desk: Desk) -> None:
    begun, go_on = Event(), Event()

    class Hanging(Daily):
        """A provider that answers when it is told to."""

        def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
            begun.set()
            assert go_on.wait(90)
            return super().fetch(symbol, start, end)

    hanging = Hanging()
    benchmarks = Benchmarks(desk.store, hanging, desk.book, desk.clock)
    first = Thread(target=benchmarks.levels, args=("SPY", START, END))
    first.start()
    assert begun.wait(90)
    with pytest.raises(BenchmarkUnavailableError, match="it is being fetched just now"):
        benchmarks.levels("SPY", START, END)
    go_on.set()
    first.join(90)
    assert benchmarks.levels("SPY", START, END).source is DataSource.CACHE
    assert len(hanging.asked) == 1


def test_an_update_that_gets_nothing_has_failed(desk: Desk) -> None:
    desk.provider.fault = "it is out of order"
    updates = BenchmarkUpdates(desk.benchmarks, desk.clock, lambda: "u")
    started, is_new = updates.start()
    assert (started.status, is_new) == (UpdateStatus.RUNNING, True)
    until = time.monotonic() + 90
    while updates.of("u").status is UpdateStatus.RUNNING and time.monotonic() < until:
        time.sleep(0.01)
    ended = updates.of("u")
    assert ended.status is UpdateStatus.FAILED
    assert {one.error for one in ended.outcomes} == {
        "daily gave no data: it is out of order",
    }


def test_the_settings_choose_the_provider() -> None:
    settings = Settings(data_dir=Path("unused"))
    assert isinstance(benchmark_provider(settings), NoProvider)
    folder = Settings(data_dir=Path("unused"), benchmark_dir=Path("levels"))
    assert isinstance(benchmark_provider(folder), BenchmarkFolder)
    keys = Settings(
        data_dir=Path("unused"),
        benchmark_dir=Path("levels"),
        alpaca_api_key="PK-1",
        alpaca_secret_key="SK-1",
    )
    assert isinstance(benchmark_provider(keys), AlpacaBars)
