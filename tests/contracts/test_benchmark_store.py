"""Where benchmarks are kept: in memory and in PostgreSQL they are kept alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.postgres.benchmark_store import PostgresBenchmarks
from tidebook.adapters.postgres.pool import open_pool
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import (
    KeptEnd,
    KeptLevels,
    KeptState,
    ReturnBasis,
    SymbolOutcome,
    UpdateStatus,
)
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.engine.benchmarks import BenchmarkStore

AT = datetime(2024, 2, 1, 12, tzinfo=UTC)
LONG_AGO = AT - timedelta(minutes=15)


def kept(symbol: str, *levels: tuple[int, str], hour: int = 12) -> KeptLevels:
    """Return levels of January 2024, by day."""
    points = tuple(DatedValue(date(2024, 1, day), Decimal(level)) for day, level in levels)
    at = AT.replace(hour=hour)
    return KeptLevels(symbol, "USD", ReturnBasis.TOTAL, "csv", date(2023, 12, 1), at, points)


@pytest.fixture(
    name="store", params=["memory", pytest.param("postgres", marks=pytest.mark.cluster)]
)
def opened(request: pytest.FixtureRequest) -> Iterator[BenchmarkStore]:
    if request.param == "memory":
        yield MemoryBenchmarks()
        return
    pool = open_pool(request.getfixturevalue("database_url"))
    try:
        yield PostgresBenchmarks(pool)
    finally:
        pool.close()


def test_what_is_kept_comes_back_to_the_digit(store: BenchmarkStore) -> None:
    spy = kept("SPY", (2, "472.650000000000000001"), (3, "468.79"))
    assert store.levels("SPY") is None
    store.replace(spy)
    store.replace(kept("AGG", (2, "98.7")))
    assert store.levels("SPY") == spy
    assert store.levels("QQQ") is None


def test_where_levels_end_is_told_without_them(store: BenchmarkStore) -> None:
    assert store.ends(["SPY"]) == ()
    store.replace(kept("SPY", (2, "100"), (5, "101")))
    store.replace(kept("AGG", (2, "98.7")))
    store.replace(kept("SPY", (2, "100"), (4, "101"), hour=13))
    ends = store.ends(["AGG", "QQQ", "SPY"])
    assert ends == (
        KeptEnd("AGG", AT, date(2024, 1, 2)),
        KeptEnd("SPY", AT.replace(hour=13), date(2024, 1, 4)),
    )
    assert store.ends(["SPY"]) == ends[1:]


def test_new_levels_leave_none_of_the_old(store: BenchmarkStore) -> None:
    # A dividend on 3 January lowers every earlier level; day 1 is no longer among them.
    store.replace(kept("SPY", (1, "100"), (2, "101"), (3, "102")))
    adjusted = kept("SPY", (2, "100.5"), (3, "102"), hour=13)
    store.replace(adjusted)
    assert store.levels("SPY") == adjusted


def test_what_was_known_before_a_fetch_is_still_told(store: BenchmarkStore) -> None:
    # A dividend on 3 January lowers the level of the 2nd; day 1 is no longer among them.
    first = kept("SPY", (1, "100"), (2, "101"), (3, "102"))
    adjusted = kept("SPY", (2, "100.5"), (3, "102"), (4, "103"), hour=13)
    store.replace(first)
    store.replace(adjusted)
    assert store.levels("SPY", AT - timedelta(seconds=1)) is None
    assert store.levels("SPY", AT) == first
    assert store.levels("SPY", AT.replace(hour=13) - timedelta(seconds=1)) == first
    assert store.levels("SPY", AT.replace(hour=13)) == adjusted
    assert store.levels("SPY", AT + timedelta(days=400)) == adjusted


def test_levels_that_come_back_are_known_anew(store: BenchmarkStore) -> None:
    one, other = (2, "100"), (2, "99")
    told = [
        kept("SPY", *levels, hour=hour)
        for hour, levels in ((9, [one]), (10, [other]), (11, [one, (3, "101")]))
    ]
    for each in told:
        store.replace(each)
    for each in told:
        assert store.levels("SPY", each.fetched_at) == each


def test_levels_replaced_at_the_same_instant_were_never_known(store: BenchmarkStore) -> None:
    store.replace(kept("SPY", (1, "100"), (2, "101")))
    later = kept("SPY", (2, "102"), (3, "103"))
    store.replace(later)
    assert store.levels("SPY") == store.levels("SPY", AT) == later


def test_states_tell_ages_without_levels(store: BenchmarkStore) -> None:
    assert store.states() == ()
    store.replace(kept("SPY", (2, "100"), (3, "101")))
    store.replace(kept("AGG", (4, "50"), hour=9))
    first, last = date(2024, 1, 2), date(2024, 1, 3)
    only, at = date(2024, 1, 4), AT.replace(hour=9)
    assert store.states() == (
        KeptState("AGG", "USD", ReturnBasis.TOTAL, "csv", at, only, only, 1),
        KeptState("SPY", "USD", ReturnBasis.TOTAL, "csv", AT, first, last, 2),
    )


def test_one_update_runs_at_a_time(store: BenchmarkStore) -> None:
    assert store.update() is None
    first = store.begin("one", AT, LONG_AGO)
    assert (first.update_id, first.status) == ("one", UpdateStatus.RUNNING)
    assert store.begin("two", AT + timedelta(minutes=1), LONG_AGO) == first
    outcomes = (
        SymbolOutcome("SPY", date(2024, 1, 31), None),
        SymbolOutcome("QQQ", None, "it has none"),
    )
    ended = first._replace(
        status=UpdateStatus.DONE, ended_at=AT + timedelta(minutes=2), outcomes=outcomes
    )
    store.end(ended)
    assert store.update("one") == ended
    later = store.begin("three", AT + timedelta(minutes=3), LONG_AGO)
    assert later.update_id == "three"
    assert store.update() == later
    assert store.update("none") is None


def test_an_update_whose_process_ended_is_given_up(store: BenchmarkStore) -> None:
    left = store.begin("left", AT, LONG_AGO)
    now = AT + timedelta(minutes=20)
    assert store.begin("next", now, AT + timedelta(minutes=5)).update_id == "next"
    given_up = store.update("left")
    assert given_up is not None
    assert (given_up.status, given_up.ended_at) == (UpdateStatus.FAILED, now)
    # It comes back after all; what was given up stays so.
    store.end(left._replace(status=UpdateStatus.DONE, ended_at=now + timedelta(minutes=1)))
    assert store.update("left") == given_up


def test_of_many_that_ask_at_once_one_begins(store: BenchmarkStore) -> None:
    def begin(number: int) -> str:
        return store.begin(f"u{number}", AT, LONG_AGO).update_id

    with ThreadPoolExecutor(4) as threads:
        begun = set(threads.map(begin, range(8)))
    assert len(begun) == 1
