"""The process is killed at any instruction: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import tidebook
from tests.fixtures import ingest_process
from tests.fixtures.clusters import short_folder
from tests.fixtures.engine_book import Book
from tests.fixtures.engine_cases import World, expected
from tests.fixtures.ingest_process import BATCH, action, cancelled, fact
from tidebook.model.actions import CorporateAction
from tidebook.model.cancellations import ActionRef
from tidebook.model.facts import Transaction

if TYPE_CHECKING:
    from collections.abc import Generator

    from tidebook.model.cancellations import Cancellation, TransactionRef

pytestmark = pytest.mark.cluster

_ROOT = Path(__file__).parents[2]
_SOURCES = Path(tidebook.__file__).parent.parent


@pytest.mark.parametrize(
    "kills", [pytest.param(15, id="few"), pytest.param(200, id="many", marks=pytest.mark.night)]
)
def test_killing_the_process_loses_and_doubles_nothing(kills: int) -> None:
    random = Random(kills)  # noqa: S311 - so that a failure can be had again
    with short_folder() as folder:
        data_dir = folder / "data"
        reached = 0
        for _ in range(kills):
            reached = _run_and_kill(data_dir, reached, random.uniform(0.0, 0.8))
        assert reached >= kills * BATCH
        with _finishing(data_dir, reached) as url:
            _check(url, reached + BATCH)


def _start(data_dir: Path, number: int, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", ingest_process.__name__, str(data_dir), str(number), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": f"{_SOURCES}{os.pathsep}{_ROOT}"},
    )


def _run_and_kill(data_dir: Path, number: int, after_seconds: float) -> int:
    """Run until some time after the first new acknowledgement, kill; return how far it came."""
    process = _start(data_dir, number, "on")
    assert process.stdout is not None
    # The instant is counted from the first sign of life, so that slow starts do not waste kills.
    reached = max(number, int(process.stdout.readline()))
    killer = threading.Thread(target=_kill, args=(process, after_seconds))
    killer.start()
    for line in process.stdout:
        if line.endswith("\n"):
            reached = max(reached, int(line))
    killer.join()
    process.communicate()
    return reached


def _kill(process: subprocess.Popen[str], after_seconds: float) -> None:
    time.sleep(after_seconds)
    process.kill()


@contextmanager
def _finishing(data_dir: Path, number: int) -> Generator[str]:
    """Send the rest, and give the database once everything is booked and valued."""
    process = _start(data_dir, number, "finish")
    assert process.stdout is not None
    url = next(line.strip() for line in process.stdout if not line.strip().isdigit())
    try:
        yield url
    finally:
        process.communicate("end\n", timeout=90)
    assert process.returncode == 0


def _check(url: str, count: int) -> None:
    sent, actions = _last_said(count)
    kept = {identity: said for identity, said in sent.items() if isinstance(said, Transaction)}
    facts = [
        *ingest_process.PORTFOLIOS,
        *ingest_process.INSTRUMENTS,
        *ingest_process.PRICES,
        *kept.values(),
        *actions.values(),
    ]
    must_be = expected(World(tuple((each,) for each in facts)))
    # Something was cancelled, actions took effect, and transfers arrived.
    assert len(kept) < len(sent)
    assert any("@" in row[2] for row in must_be.entries)
    assert any(row[3] == "to" and "@" not in row[2] for row in must_be.entries)
    book = Book(url)
    try:
        held = book.held()
        assert [row[0] for row in held.transactions] == sorted(kept)
        assert [(*row[:4], row[5], *row[9:16], row[24]) for row in held.entries] == must_be.entries
        assert [(*row[:2], *row[3:8]) for row in held.states] == must_be.positions
        assert [row[:3] for row in held.findings] == must_be.findings
        assert held.days == must_be.days
    finally:
        book.close()
    _check_versions(url)
    _check_offsets(url)


def _last_said(
    count: int,
) -> tuple[dict[str, Transaction | TransactionRef], dict[str, CorporateAction | Cancellation]]:
    """Return the last that was said of each transaction and of each action, by their ids."""
    sent: dict[str, Transaction | TransactionRef] = {}
    actions: dict[str, CorporateAction | Cancellation] = {}
    for number in range(0, count, BATCH):
        for each in range(number, number + BATCH):
            sent[fact(each).transaction_id] = fact(each)
        of_action, of_transaction = action(number), cancelled(number)
        if isinstance(of_action, (CorporateAction, ActionRef)):
            actions[of_action.action_id] = of_action
        if of_transaction is not None:
            sent[of_transaction.transaction_id] = of_transaction
    return sent, actions


def _check_versions(url: str) -> None:
    """Versions of a fact have no gaps, and one of them is current."""
    assert (
        _rows(
            url,
            """
        SELECT transaction_id FROM transactions GROUP BY transaction_id
        HAVING count(*) FILTER (WHERE superseded_at = 'infinity') <> 1
            OR max(version) <> count(*) OR min(version) <> 1
        """,
        )
        == []
    )


def _check_offsets(url: str) -> None:
    """Every record was passed exactly once: the ranges of the audit have no gap and no overlap."""
    ranges = _rows(
        url,
        "SELECT topic, part, first_offset, last_offset FROM processed_events "
        "WHERE consumer = 'book' ORDER BY topic, part, first_offset",
    )
    next_offset: dict[tuple[str, int], int] = {}
    for topic, part, first, last in ranges:
        assert first == next_offset.get((topic, part), 0)
        next_offset[topic, part] = last + 1
    ends = _rows(
        url,
        "SELECT topic, part, next_offset FROM log_partitions "
        "WHERE topic = 'raw_transactions' AND next_offset > 0",
    )
    assert next_offset == {(topic, part): end for topic, part, end in ends}


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()
