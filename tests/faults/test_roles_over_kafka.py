"""Roles apart, with a real Kafka between them: the same book, whatever dies on the way."""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fixtures.engine_book import Book, written
from tests.fixtures.ingest_process import (
    BATCH,
    INSTRUMENTS,
    PORTFOLIOS,
    PRICES,
    cancelled,
    fact,
)
from tests.fixtures.kafka_broker import running_broker
from tests.fixtures.roles import Stage, until_ready
from tidebook.config import Role, Settings
from tidebook.engine import topics
from tidebook.engine.ports import Reached, Receipt
from tidebook.engine.verify import verify
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.fixtures.engine_book import Held
    from tests.fixtures.kafka_broker import KafkaBroker
    from tests.fixtures.roles import Playing
    from tidebook.wiring import System

pytestmark = [pytest.mark.cluster, pytest.mark.kafka]

_FACTS = 400
_PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with running_broker() as running:
        yield running


@pytest.fixture
def another_url(new_database: Callable[[str], str], migrated_template: str) -> str:
    return new_database(migrated_template)


@contextmanager
def _ingesting(url: str, bootstrap: str) -> Generator[System]:
    """Give a process that takes facts in, and ships them, in this very one."""
    settings = Settings(
        data_dir=Path("unused"),
        database_url=url,
        roles=(Role.INGEST,),
        bus="kafka",
        kafka_bootstrap=bootstrap,
    )
    with open_system(settings) as system:
        yield system


def _introduce(system: System) -> None:
    system.commands.ingest_portfolios(PORTFOLIOS, "r")
    system.commands.ingest_instruments(INSTRUMENTS, "r")
    system.commands.ingest_prices(PRICES, "r")


def _send(system: System, number: int) -> None:
    """Send a batch: trades in no order, amendments, transfers, and what never happened."""
    facts = [fact(each) for each in range(number, number + BATCH)]
    system.commands.ingest_transactions(facts, "r")
    withdrawn = cancelled(number)
    if withdrawn is not None:
        system.commands.cancel([withdrawn], "r")


def _wait(system: System) -> None:
    """Return when everything in the log is booked and valued."""
    with psycopg.connect(system.database_url) as connection:
        rows = connection.execute("SELECT topic, part, next_offset FROM log_partitions")
        raw = tuple(Reached(*row) for row in rows if row[0] in topics.INPUT_TOPICS and row[2])
    assert raw
    assert system.commands.wait(Receipt("", 0, raw), timeout_seconds=_PATIENCE_SECONDS)


def _held(url: str) -> Held:
    book = Book(url)
    try:
        return book.held()
    finally:
        book.close()


def _all_in_one(url: str) -> Held:
    with open_system(Settings(data_dir=Path("unused"), database_url=url)) as system:
        _introduce(system)
        for number in range(0, _FACTS, BATCH):
            _send(system, number)
        _wait(system)
    return _held(url)


def _assert_clean(system: System, url: str, other: Held) -> None:
    """Everything that was taken is booked once, and the book is that of the one process."""
    with system.reader.kept_books() as kept:
        assert kept.gaps == ()
        for part in kept.books:
            assert verify(part).differences == ()
    held = _held(url)
    assert held.entries
    assert held.days
    for table, mine, theirs in zip(held._fields, held, other, strict=True):
        assert written(mine) == written(theirs), table
    # No transaction has come to a dead letter.
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT count(*) FROM event_log WHERE topic LIKE '%.dlq'")
        assert rows.fetchone() == (0,)


def test_roles_apart_make_the_same_book_byte_for_byte(
    database_url: str, another_url: str, broker: KafkaBroker
) -> None:
    other = _all_in_one(another_url)
    with Stage(database_url, broker.bootstrap) as stage:
        book, again, series, query = stage.play("book", "book", "series", "query")
        assert until_ready(book)["dependencies"] == {
            "database": "ok",
            "schema": "ok",
            "broker": "ok",
        }
        with _ingesting(database_url, broker.bootstrap) as system:
            _introduce(system)
            for number in range(0, _FACTS, BATCH):
                _send(system, number)
            _wait(system)
            _assert_clean(system, database_url, other)
        held = _held(database_url)
        answer = json.loads(query.get("/portfolios/P1/positions"))
        stored = {row[1]: row[3] for row in held.states if row[0] == "P1" and row[3]}
        assert {row["security_id"] for row in answer["positions"]} == set(stored)
        for playing in (book, again, series, query):
            assert playing.stop() == 0


def test_what_dies_or_sleeps_loses_and_doubles_nothing(
    database_url: str, another_url: str, broker: KafkaBroker
) -> None:
    other = _all_in_one(another_url)
    with Stage(database_url, broker.bootstrap) as stage:
        playing: list[Playing] = stage.play("book", "book", "series")
        with _ingesting(database_url, broker.bootstrap) as system:
            _introduce(system)
            for number in range(0, _FACTS, BATCH):
                _send(system, number)
                if number == _FACTS // 5:
                    # It sleeps for longer than its membership lasts, and wakes as a stranger.
                    playing[1].process.send_signal(signal.SIGSTOP)
                if number == _FACTS * 2 // 5:
                    playing[0].kill()
                    playing[0] = stage.play("book")[0]
                if number == _FACTS * 3 // 5:
                    broker.kill()
                if number == _FACTS * 4 // 5:
                    playing[2].kill()
                    broker.start()
                    playing[2] = stage.play("series")[0]
            time.sleep(11)
            playing[1].process.send_signal(signal.SIGCONT)
            _wait(system)
            _assert_clean(system, database_url, other)


def test_a_broker_that_has_lost_everything_is_filled_again(
    database_url: str, another_url: str
) -> None:
    other = _all_in_one(another_url)
    with running_broker() as first:
        port = first.port
        with Stage(database_url, first.bootstrap) as stage:
            stage.play("book", "series")
            with _ingesting(database_url, first.bootstrap) as system:
                _introduce(system)
                for number in range(0, _FACTS // 2, BATCH):
                    _send(system, number)
                _wait(system)
    with (
        running_broker(port=port) as second,
        Stage(database_url, second.bootstrap) as stage,
        _ingesting(database_url, second.bootstrap) as system,
    ):
        # What is sent before anybody reads comes to a broker whose partitions begin anew.
        for number in range(_FACTS // 2, _FACTS, BATCH):
            _send(system, number)
        stage.play("book", "series")
        _wait(system)
        _assert_clean(system, database_url, other)
