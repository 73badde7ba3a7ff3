"""One process leads; who led before writes nothing more."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.config import Settings
from tidebook.engine import topics
from tidebook.engine.records import transaction_from, transaction_record
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.errors import FencedError, StoreUnavailableError
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.store import Unit
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster

_WAIT_SECONDS = 90.0
_NOW = datetime(2024, 6, 1, tzinfo=UTC)
_PARTS = [(topics.RAW_TRANSACTIONS, part) for part in range(topics.PARTITIONS)]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Callable[[ExitStack], System]:
    """Give a function that opens a system on the test's database."""
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    return lambda stack: stack.enter_context(open_system(settings))


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def _booked(url: str) -> list[str]:
    found = _rows(
        url,
        "SELECT transaction_id FROM entries WHERE superseded_at = 'infinity' AND leg = 'main' "
        "ORDER BY transaction_id",
    )
    return [row[0] for row in found]


def _fences(url: str) -> list[tuple[Any, ...]]:
    return _rows(url, "SELECT consumer, topic, part, fence FROM consumer_offsets ORDER BY 1, 2, 3")


def _introduce(system: System) -> None:
    system.commands.ingest_instruments([ACME], "r")
    receipt = system.commands.ingest_portfolios([portfolio()], "r")
    assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)


def _trade(system: System, number: int) -> None:
    receipt = system.commands.ingest_transactions([trade(f"T{number:03}", 1, 5, day=number)], "r")
    assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)


def test_the_second_process_waits_and_takes_over(
    opened: Callable[[ExitStack], System], database_url: str
) -> None:
    with ExitStack() as first, ExitStack() as second:
        _introduce(opened(first))
        before = _fences(database_url)
        assert before
        other = opened(second)
        _trade(other, 1)
        time.sleep(1.5)
        assert _fences(database_url) == before
        first.close()
        _trade(other, 2)
        after = _fences(database_url)
        assert [row[3] for row in after] == [row[3] + 1 for row in before]
    assert _booked(database_url) == ["T001", "T002"]


def test_a_leader_that_loses_its_session_leads_again_or_lets_another(
    opened: Callable[[ExitStack], System], database_url: str
) -> None:
    with ExitStack() as stack:
        systems = [opened(stack), opened(stack)]
        _introduce(systems[0])
        for number in range(6):
            _trade(systems[number % 2], number)
            ended = _rows(
                database_url,
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND objid = 7426000 AND granted",
            )
            assert len(ended) == 1
        _trade(systems[0], 6)
    assert _booked(database_url) == [f"T{number:03}" for number in range(7)]
    assert _rows(database_url, "SELECT max(version), count(*) FROM transactions") == [(1, 7)]


def test_a_batch_of_a_leader_that_was_replaced_writes_nothing(database_url: str) -> None:
    old, new = Book(database_url), Book(database_url)
    try:
        old.take(topics.RAW_PORTFOLIOS, [portfolio()])
        old.take(topics.RAW_INSTRUMENTS, [ACME])
        with old.store.unit() as unit:
            record = transaction_record(trade("T1", 10, 5))
            unit.append(topics.RAW_TRANSACTIONS, [("P1", record)], "r", _NOW)
        fences = old.store.take_partitions("book", _PARTS)
        with pytest.raises(FencedError):
            _book_while_replaced(old, new, fences)
        assert old.held().transactions == []
        assert old.held().entries == []
        assert set(new.store.progress("book").values()) == {0}
    finally:
        old.close()
        new.close()


def test_a_leader_that_slept_takes_nothing_from_its_successor(database_url: str) -> None:
    old, new = Book(database_url), Book(database_url)
    try:
        assert old.store.try_lead()
        ended = _rows(
            database_url,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
            "WHERE locktype = 'advisory' AND objid = 7426000 AND granted",
        )
        assert ended == [(True,)]
        assert new.store.try_lead()
        fences = new.store.take_partitions("book", _PARTS)
        with pytest.raises(StoreUnavailableError):
            old.store.take_partitions("book", _PARTS)
        assert {(row[1], row[2]): row[3] for row in _fences(database_url)} == fences
        assert not old.store.try_lead()
    finally:
        old.close()
        new.close()


def _book_while_replaced(old: Book, new: Book, fences: dict[tuple[str, int], int]) -> None:
    with old.store.unit() as unit:
        (batch,) = unit.read_log("book", _PARTS, 100)
        _book_all(unit, batch)
        new.store.take_partitions("book", _PARTS)
        unit.complete("book", batch, fences[batch.topic, batch.part], 0, _NOW)


def _book_all(unit: Unit, batch: LogBatch) -> None:
    book(unit, [Incoming(transaction_from(each), "r") for each in batch.records], (), _NOW)


def test_an_offset_set_back_by_hand_changes_nothing(
    opened: Callable[[ExitStack], System], database_url: str
) -> None:
    with ExitStack() as stack:
        system = opened(stack)
        _introduce(system)
        _trade(system, 1)
        amended = trade("T002", 5, 5, day=2), trade("T002", 7, 5, day=2)
        receipt = system.commands.ingest_transactions(amended, "r")
        assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
    view = Book(database_url)
    try:
        before = view.held()
        everything = (
            "SELECT transaction_id, version, content_hash, recorded_at, superseded_at::text "
            "FROM transactions ORDER BY 1, 2"
        )
        facts = view.rows(everything)
        epochs = view.rows("SELECT security_id, epoch FROM position_state ORDER BY 1")
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE consumer_offsets SET next_offset = 0")
        with ExitStack() as stack:
            system = opened(stack)
            _trade(system, 3)
            again = system.commands.ingest_transactions([trade("T003", 1, 5, day=3)], "r")
            assert system.commands.wait(again, timeout_seconds=_WAIT_SECONDS)
        after = view.held()
        kept = [row for row in after.transactions if row[0] != "T003"]
        assert kept == before.transactions
        assert [row for row in after.entries if row[2] != "T003"] == before.entries
        assert [row for row in view.rows(everything) if row[0] != "T003"] == facts
        assert view.rows("SELECT security_id, epoch FROM position_state ORDER BY 1") == epochs
    finally:
        view.close()
