"""Metrics: their names are those that are documented, and their labels are few."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.unit.cli.memory_book import StoppedClock
from tests.unit.engine.live_fixture import followed
from tests.unit.engine.memory_jobs import MemoryJobs
from tidebook.adapters.telemetry.metrics import CATALOGUE, Metrics
from tidebook.engine.jobs import Job, JobBoard
from tidebook.engine.telemetry import Arrears, Lag
from tidebook.errors import StoreUnavailableError

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "reference" / "metrics.md"
FOUND = Arrears(
    lags=[
        Lag("book", "raw_transactions", 40, 12.5),
        Lag("reference", "raw_fx_rates", 2, 3.0),
        Lag("reference", "raw_market_prices", 5, 7.0),
        Lag("dispatcher", "raw_transactions", 30, 11.0),
        Lag("dispatcher", "raw_fx_rates", 1, 2.0),
    ],
    unfolded_keys=6,
    unfolded_seconds=1.5,
    unvalued_portfolios=7,
    watermark_days=365,
    dead_letters={"raw_transactions.dlq": 2},
    taken_seconds={"raw_market_prices": 60.0},
    benchmark_days=3,
)


class Reader:
    """Arrears as a test has them; None is a store that does not answer."""

    def __init__(self, found: Arrears | None) -> None:
        self.found = found

    def arrears(self) -> Arrears:
        if self.found is None:
            raise StoreUnavailableError("no answer", hint="start it")
        return self.found


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    text = metrics.exposition().decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _busy(arrears: Reader) -> Metrics:
    """Return metrics of which every one has been told something."""
    metrics = Metrics(version="9", roles=("book",), arrears=arrears, with_process=False)
    metrics.began()
    metrics.answered("GET", "/portfolios/", 200, 0.02)
    metrics.batch("book", records=3, seconds=0.5)
    metrics.duplicates("book", 2)
    metrics.fenced("book-0")
    metrics.failed("series")
    metrics.set_apart("raw_transactions")
    metrics.keys_restated(4)
    metrics.series_restated(252)
    metrics.transaction(waited_seconds=0.001, held_seconds=0.25)
    metrics.job_ended("sweep", "done", 2.5)
    sweep = Job("sweep", "does a thing", timedelta(hours=1), dict)
    metrics.tell_jobs(JobBoard([sweep], MemoryJobs(), lambda: True), StoppedClock())
    metrics.tell_live(followed())
    metrics.live_event("market.tick", 0.02)
    metrics.live_event("market.tick", None)
    return metrics


def test_the_reference_and_the_code_name_the_same_metrics() -> None:
    row = re.compile(r"^\| `(tidebook_\w+)` \| (\w+) \| (.*) \| (.*) \|$", re.MULTILINE)
    documented = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), tells)
        for name, kind, labels, tells in row.findall(PAGE.read_text("utf-8"))
    ]
    assert documented == [tuple(entry) for entry in CATALOGUE]
    mentioned = set(re.findall(r"`(tidebook_[a-z_]+)`", PAGE.read_text("utf-8")))
    assert mentioned == {entry.name for entry in CATALOGUE}


def test_a_process_tells_exactly_what_is_in_the_catalogue() -> None:
    text = _busy(Reader(FOUND)).exposition().decode()
    told = {
        (family.name if family.type != "counter" else f"{family.name}_total", family.type)
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }
    assert told == {(entry.name, entry.kind) for entry in CATALOGUE}
    labels = {
        family.name: {name for sample in family.samples for name in sample.labels} - {"le"}
        for family in text_string_to_metric_families(text)
    }
    for entry in CATALOGUE:
        assert labels[entry.name.removesuffix("_total")] == set(entry.labels), entry.name


def test_every_metric_tells_what_was_told() -> None:
    told = _samples(_busy(Reader(FOUND)))
    assert told["tidebook_build_info", ("book", "9")] == 1
    assert told["tidebook_http_requests_in_progress", ()] == 0
    assert told["tidebook_http_requests_total", ("GET", "/portfolios/", "200")] == 1
    assert told["tidebook_http_request_seconds_sum", ("GET", "/portfolios/")] == 0.02
    assert told["tidebook_batch_records_sum", ("book",)] == 3
    assert told["tidebook_batch_seconds_sum", ("book",)] == 0.5
    assert told["tidebook_duplicates_total", ("book",)] == 2
    assert told["tidebook_fenced_total", ("book-0",)] == 1
    assert told["tidebook_worker_failures_total", ("series",)] == 1
    assert told["tidebook_set_apart_total", ("raw_transactions",)] == 1
    assert told["tidebook_keys_restated_total", ()] == 4
    assert told["tidebook_job_seconds_sum", ("sweep", "done")] == 2.5
    assert told["tidebook_job_leader", ()] == 1
    assert told["tidebook_live_events_total", ("taken", "market.tick")] == 1
    assert told["tidebook_live_events_total", ("unreadable", "market.tick")] == 1
    assert told["tidebook_live_delay_seconds_sum", ("market.tick",)] == 0.02
    assert told["tidebook_live_portfolios", ()] == told["tidebook_live_streams", ()] == 0
    # It was due at the hour and never ran.
    now = StoppedClock().now()
    due = now.replace(minute=0, second=0, microsecond=0)
    assert told["tidebook_job_overdue_seconds", ("sweep",)] == (now - due).total_seconds()
    assert told["tidebook_series_restated_days_count", ()] == 1
    assert told["tidebook_series_restated_days_sum", ()] == 252
    assert told["tidebook_database_seconds_sum", ()] == 0.25
    assert told["tidebook_database_wait_seconds_sum", ()] == 0.001


def test_arrears_are_told_as_the_store_has_them() -> None:
    told = _samples(Metrics(version="9", arrears=Reader(FOUND), with_process=False))
    assert told["tidebook_database_up", ()] == 1
    assert told["tidebook_consumer_lag_records", ("book", "raw_transactions")] == 40
    assert told["tidebook_oldest_unbooked_seconds", ("book",)] == 12.5
    assert told["tidebook_oldest_unbooked_seconds", ("reference",)] == 7.0
    assert ("tidebook_oldest_unbooked_seconds", ("dispatcher",)) not in told
    assert told["tidebook_outbox_records", ()] == 31
    assert told["tidebook_outbox_oldest_seconds", ()] == 11.0
    assert told["tidebook_unfolded_keys", ()] == 6
    assert told["tidebook_unfolded_oldest_seconds", ()] == 1.5
    assert told["tidebook_unvalued_portfolios", ()] == 7
    assert told["tidebook_watermark_age_days", ()] == 365
    assert told["tidebook_dead_letters", ("raw_transactions.dlq",)] == 2
    assert told["tidebook_market_data_age_seconds", ("raw_market_prices",)] == 60
    assert told["tidebook_benchmark_age_days", ()] == 3


def test_what_is_not_known_is_absent_and_never_nought() -> None:
    reader = Reader(FOUND._replace(lags=FOUND.lags[:3], benchmark_days=None, taken_seconds={}))
    metrics = Metrics(version="9", arrears=reader, with_process=False)
    names = {name for name, _ in _samples(metrics)}
    assert "tidebook_outbox_records" not in names
    assert "tidebook_benchmark_age_days" not in names
    assert "tidebook_market_data_age_seconds" not in names
    reader.found = None
    told = _samples(metrics)
    assert told["tidebook_database_up", ()] == 0
    assert "tidebook_consumer_lag_records" not in {name for name, _ in told}


def test_two_of_them_in_one_process_share_nothing() -> None:
    one, other = Metrics(version="1"), Metrics(version="2")
    one.keys_restated(5)
    assert _samples(one)["tidebook_keys_restated_total", ()] == 5
    assert _samples(other)["tidebook_keys_restated_total", ()] == 0
