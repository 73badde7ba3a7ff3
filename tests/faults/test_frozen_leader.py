"""A leader is frozen in the middle of a batch: another takes over, and it wakes as a stranger."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest

from tests.fixtures.clusters import importing_like_us
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.adapters.postgres import lead
from tidebook.config import Settings
from tidebook.engine.verify import verify
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.wiring import System

pytestmark = pytest.mark.cluster

_WAIT_SECONDS: Final = 90.0
_LEASE_SECONDS: Final = 4.0
_LEADER: Final = """
import os, signal, sys, threading
from pathlib import Path
from tidebook.adapters.postgres import lead
from tidebook.config import Settings
from tidebook.engine.runner import processing
from tidebook.engine.runner.consuming import Consumption
from tidebook.wiring import open_system

# Often enough that a slow machine is not taken for a frozen process.
lead._SIGN_SECONDS = 0.2
frozen = set()
booked, together = processing.book, Consumption._together

def say(word):
    os.write(sys.stdout.fileno(), f"{word}\\n".encode())

def book(unit, incoming, work, at):
    found = booked(unit, incoming, work, at)
    if any(each.transaction.transaction_id == "T002" for each in incoming):
        # Everything is written and locked, and nothing committed.
        frozen.add(threading.get_ident())
        say("freezes")
        # To the thread: who sends it to the process may run on, and commit, until it is stopped.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        say("wakes")
    return found

def attempt(self):
    try:
        return together(self)
    except Exception as error:
        # The others lose their connections as well, and may say so first.
        if threading.get_ident() in frozen:
            frozen.clear()
            say(type(error).__name__)
        raise

processing.book, Consumption._together = book, attempt
with open_system(Settings(Path(sys.argv[1]), database_url=sys.argv[2])):
    say("runs")
    sys.stdin.readline()
"""


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def _leaders(url: str) -> list[int]:
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7426000 AND granted"
    return [row[0] for row in _rows(url, held)]


def _send(system: System, number: int) -> None:
    receipt = system.commands.ingest_transactions([trade(f"T{number:03}", 1, 5, day=number)], "r")
    assert system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)


@pytest.fixture
def leader(database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", _LEADER, str(tmp_path), database_url]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=importing_like_us(),
    ) as process:
        # Nobody waits for ever for a word that does not come.
        end = threading.Timer(_WAIT_SECONDS * 2, process.kill)
        end.start()
        try:
            yield process
        finally:
            end.cancel()
            process.kill()


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_frozen_leader_loses_the_lead_and_what_it_had_begun(
    leader: subprocess.Popen[str],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _said(leader) == "runs"
    # Not of the jobs: who runs them looks after its lead every ten seconds only.
    leases = lead._LEASE_SECONDS | {"stages": _LEASE_SECONDS, "series": _LEASE_SECONDS}
    monkeypatch.setattr(lead, "_LEASE_SECONDS", leases)
    with open_system(Settings(tmp_path, database_url=database_url)) as other:
        first = _leaders(database_url)
        other.commands.ingest_instruments([ACME], "r")
        other.commands.ingest_portfolios([portfolio()], "r")
        _send(other, 1)
        time.sleep(_LEASE_SECONDS * 1.5)
        assert _leaders(database_url) == first, "one that runs keeps the lead"
        receipt = other.commands.ingest_transactions([trade("T002", 1, 5, day=2)], "r")
        assert _said(leader) == "freezes"
        assert other.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
        second = _leaders(database_url)
        assert len(second) == 1
        assert second != first
        leader.send_signal(signal.SIGCONT)
        assert [_said(leader), _said(leader)] == ["wakes", "StoreUnavailableError"]
        _send(other, 3)
        assert _leaders(database_url) == second
        with other.reader.kept_books() as kept:
            assert kept.gaps == ()
            assert [verify(part).differences for part in kept.books] == [()]
    facts = "SELECT transaction_id, version FROM transactions ORDER BY 1"
    assert _rows(database_url, facts) == [("T001", 1), ("T002", 1), ("T003", 1)]
    booked = (
        "SELECT transaction_id FROM entries WHERE superseded_at = 'infinity' AND leg = 'main' "
        "ORDER BY 1"
    )
    assert _rows(database_url, booked) == [("T001",), ("T002",), ("T003",)]
    assert _rows(database_url, "SELECT 1 FROM event_log WHERE topic LIKE '%.dlq'") == []
    # It stands by like any other, and leads when its successor is gone.
    end = time.monotonic() + _WAIT_SECONDS
    while not _leaders(database_url):
        assert time.monotonic() < end
        time.sleep(0.1)
