"""The database goes away for a while: the caller is told, and the system recovers by itself."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.clusters import short_folder
from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tests.fixtures.patience import until
from tidebook.adapters.postgres import EmbeddedCluster
from tidebook.adapters.postgres.cluster_postmaster import stop_server
from tidebook.config import Settings
from tidebook.errors import StoreUnavailableError
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from pathlib import Path

    from tidebook.engine.ports import Commands

pytestmark = pytest.mark.cluster

_AWAY_SECONDS = 3.0
_WAIT_SECONDS = 90.0


class _Caller:
    """Sends one trade after another, and remembers what it was told."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self.sent = 0
        self.taken: list[int] = []
        self.refused: list[int] = []
        self.stop = Event()
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.is_set():
            number = self.sent
            self.sent += 1
            try:
                self.commands.ingest_transactions([trade(f"T{number:05}", 1, 5, day=number)], "r")
            except StoreUnavailableError:
                self.refused.append(number)
            else:
                self.taken.append(number)
            time.sleep(0.01)


def test_the_database_goes_away_while_facts_come_in() -> None:
    with short_folder() as folder:
        data_dir = folder / "data"
        cluster = EmbeddedCluster.start(data_dir)
        settings = Settings(data_dir=data_dir, database_url=cluster.url)
        with open_system(settings) as system:
            system.commands.ingest_instruments([ACME], "r")
            receipt = system.commands.ingest_portfolios([portfolio()], "r")
            assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
            caller = _Caller(system.commands)
            caller.thread.start()
            time.sleep(0.5)
            _go_away(data_dir, cluster.pid)
            again = EmbeddedCluster.start(data_dir)
            assert again.url == cluster.url
            assert caller.refused
            until(lambda: caller.taken[-1] > caller.refused[-1])
            caller.stop.set()
            caller.thread.join()
            everything = [trade(f"T{n:05}", 1, 5, day=n) for n in range(caller.sent)]
            receipt = system.commands.ingest_transactions(everything, "r")
            assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
            _check(cluster.url, caller)
        again.stop()
        cluster.stop()


def _go_away(data_dir: Path, pid: int) -> None:
    stop_server(pid, data_dir / "pg", timeout_seconds=60)
    time.sleep(_AWAY_SECONDS)


def _check(url: str, caller: _Caller) -> None:
    book = Book(url)
    try:
        ids = [f"T{number:05}" for number in range(caller.sent)]
        assert [row[0] for row in book.held().transactions] == ids
        versions = book.rows("SELECT max(version), count(*) FROM transactions")
        assert versions == [(1, caller.sent)]
        quantity = book.rows("SELECT quantity FROM position_state WHERE security_id = 'ACME'")
        assert quantity == [(caller.sent,)]
        # Nothing is half-written: every trade has its security leg and its cash leg.
        legs = book.rows(
            "SELECT transaction_id FROM entries WHERE superseded_at = 'infinity' "
            "GROUP BY transaction_id HAVING count(*) <> 2"
        )
        assert legs == []
    finally:
        book.close()
