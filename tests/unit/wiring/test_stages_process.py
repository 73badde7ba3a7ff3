"""What the process of the stages says, and what the one that started it makes of that."""

from __future__ import annotations

import inspect
import io
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.telemetry.metrics import Metrics
from tidebook.config import Settings, roles_of
from tidebook.engine.signals import Signal
from tidebook.engine.telemetry import Telemetry
from tidebook.errors import StagesAwayError
from tidebook.wiring.stages_process import BOOKED, STARTED, Orders, StagesProcess
from tidebook.wiring.stages_program import Telling, Told
from tidebook.wiring.working import are_apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Work = Callable[[Telling, Told], None]


def _listener(tmp_path: Path, metrics: Metrics, booked: Signal) -> StagesProcess:
    orders = Orders(Settings(tmp_path), "postgresql://unused")
    return StagesProcess(orders, booked=booked, telemetry=metrics)


def _lines(work: Work) -> list[bytes]:
    """Return the lines that are said while something works."""
    stream = io.BytesIO()
    telling = Telling(stream)
    work(telling, Told(telling, None))
    telling.close()
    return stream.getvalue().splitlines(keepends=True)


def _everything(_: Telling, told: Told) -> None:
    told.batch("book", records=12, seconds=0.5)
    told.duplicates("book", 3)
    told.fenced("book-0")
    told.failed("series")
    told.set_apart("raw_transactions")
    told.keys_restated(4)
    told.series_restated(21)
    told.transaction(waited_seconds=0.25, held_seconds=2.0)


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ('tidebook_batch_records_sum{consumer="book"}', 12),
        ('tidebook_batch_seconds_sum{consumer="book"}', 0.5),
        ('tidebook_duplicates_total{consumer="book"}', 3),
        ('tidebook_fenced_total{worker="book-0"}', 1),
        ('tidebook_worker_failures_total{worker="series"}', 1),
        ('tidebook_set_apart_total{topic="raw_transactions"}', 1),
        ("tidebook_keys_restated_total", 4),
        ("tidebook_series_restated_days_sum", 21),
        ("tidebook_database_wait_seconds_sum", 0.25),
        ("tidebook_database_seconds_sum", 2),
    ],
)
def test_what_the_stages_do_is_counted_where_it_is_asked_for(
    tmp_path: Path, sample: str, value: float
) -> None:
    metrics = Metrics(version="0", with_process=False)
    listener = _listener(tmp_path, metrics, Signal())
    for line in _lines(_everything):
        listener.hear(line)
    assert f"\n{sample} {float(value)}\n" in metrics.exposition().decode()


def test_everything_that_can_be_told_is_in_that_list() -> None:
    named = {
        name for name, _ in inspect.getmembers(Telemetry, inspect.isfunction) if name[0] != "_"
    }
    assert {line.split(b'"')[1].decode() for line in _lines(_everything)} == named


def test_who_waits_for_the_book_is_woken(tmp_path: Path) -> None:
    booked = Signal()
    listener = _listener(tmp_path, Metrics(version="0"), booked)
    for line in _lines(lambda telling, _: telling.say(BOOKED)):
        listener.hear(line)
    assert booked.count == 1


def test_it_is_ready_when_the_stages_have_said_so(tmp_path: Path) -> None:
    listener = _listener(tmp_path, Metrics(version="0"), Signal())
    with pytest.raises(StagesAwayError):
        listener.ready()
    for line in _lines(lambda telling, _: telling.say(STARTED)):
        listener.hear(line)
    listener.ready()


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    metrics = Metrics(version="0", with_process=False)
    before = metrics.exposition()
    (line,) = _lines(lambda telling, _: telling.say("keys_restated", 4))
    _listener(tmp_path, metrics, Signal()).hear(line[: len(line) // 2])
    assert metrics.exposition() == before


def test_a_line_that_cannot_be_counted_is_logged_and_the_next_one_heard(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(version="0", with_process=False)
    listener = _listener(tmp_path, metrics, Signal())
    for line in _lines(lambda telling, _: telling.say("a_word_of_tomorrow", 4)):
        listener.hear(line)
    assert "a_word_of_tomorrow" in caplog.text
    for line in _lines(lambda telling, _: telling.say("keys_restated", 4)):
        listener.hear(line)
    assert "\ntidebook_keys_restated_total 4.0\n" in metrics.exposition().decode()


def test_what_nobody_reads_is_forgotten_in_the_end() -> None:
    class Stuck(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    telling = Telling(Stuck())
    for _ in range(20_000):
        telling.mention(BOOKED)
    telling.say(BOOKED)
    telling.close()  # returns


@pytest.mark.parametrize(
    ("roles", "apart"),
    [
        ("all", True),
        ("ingest,book", True),
        ("series,query", True),
        ("book", False),
        ("book,series,control", False),
        ("ingest,query", False),
        ("live", False),
    ],
)
def test_stages_run_beside_a_process_that_answers_as_well(roles: str, *, apart: bool) -> None:
    assert are_apart(roles_of(roles)) is apart
