"""Prometheus metrics of one process, in a registry of its own.

Every name is in :data:`CATALOGUE`, with its labels and what it tells; ``docs/reference/metrics.md``
is held to it by a test, and so are the alert rules and the dashboards. Labels take few values: a
consumer, a worker, a topic, the template of a route, a status. No id of anybody's data is one.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tidebook.engine.jobs import overdue_seconds, states
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from tidebook.engine.jobs import JobBoard
    from tidebook.engine.live import LivePortfolios
    from tidebook.engine.ports import Clock
    from tidebook.engine.telemetry import Arrears, ArrearsReader

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BATCH_RECORDS: Final = (1, 5, 10, 50, 100, 250, 500, 1000, 2000, 5000, 10_000)
_DATABASE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0)
_LIVE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0)
_RESTATED_DAYS: Final = (1, 5, 21, 63, 252, 756, 1260, 2520, 5040)


class Entry(NamedTuple):
    """A metric: its name as a query has it, its kind and labels, and what it tells."""

    name: str
    kind: str
    labels: tuple[str, ...]
    tells: str


CATALOGUE: Final = (
    Entry("tidebook_build_info", "gauge", ("version", "roles"), "1; which release this is"),
    Entry(
        "tidebook_http_requests_total",
        "counter",
        ("method", "route", "status"),
        "requests that were answered, by the template of the route",
    ),
    Entry(
        "tidebook_http_request_seconds",
        "histogram",
        ("method", "route"),
        "how long a request took, from its first byte to the end of the answer",
    ),
    Entry("tidebook_http_requests_in_progress", "gauge", (), "requests that are worked on now"),
    Entry(
        "tidebook_batch_records",
        "histogram",
        ("consumer",),
        "records of a batch that was committed",
    ),
    Entry(
        "tidebook_batch_seconds",
        "histogram",
        ("consumer",),
        "how long such a batch took, its database transaction included",
    ),
    Entry(
        "tidebook_duplicates_total",
        "counter",
        ("consumer",),
        "facts that were known already, so that nothing happened",
    ),
    Entry(
        "tidebook_fenced_total",
        "counter",
        ("worker",),
        "batches that were rolled back because another worker was first or owns the partition now",
    ),
    Entry(
        "tidebook_worker_failures_total",
        "counter",
        ("worker",),
        "steps of a worker that failed and are tried again",
    ),
    Entry(
        "tidebook_set_apart_total",
        "counter",
        ("topic",),
        "records that this process put with the dead letters of their topic",
    ),
    Entry(
        "tidebook_keys_restated_total",
        "counter",
        (),
        "keys (portfolio and security) whose history came out different",
    ),
    Entry(
        "tidebook_series_restated_days",
        "histogram",
        (),
        "days of a daily series that one restatement replaced; its count is the restatements",
    ),
    Entry(
        "tidebook_database_seconds",
        "histogram",
        (),
        "how long a database transaction held its connection",
    ),
    Entry(
        "tidebook_database_wait_seconds",
        "histogram",
        (),
        "how long a transaction waited for a connection of the pool",
    ),
    Entry("tidebook_database_up", "gauge", (), "1 when the database answered at this scrape"),
    Entry(
        "tidebook_consumer_lag_records",
        "gauge",
        ("consumer", "topic"),
        "records in the log that a consumer has not processed",
    ),
    Entry(
        "tidebook_oldest_unbooked_seconds",
        "gauge",
        ("consumer",),
        "how long ago the oldest fact was acknowledged that is not booked yet",
    ),
    Entry(
        "tidebook_outbox_records",
        "gauge",
        (),
        "records of the log that were not shipped to the broker; without a broker there is none",
    ),
    Entry("tidebook_outbox_oldest_seconds", "gauge", (), "how long the oldest of them has waited"),
    Entry("tidebook_unfolded_keys", "gauge", (), "keys that wait to be folded again"),
    Entry("tidebook_unfolded_oldest_seconds", "gauge", (), "how long the first of them has waited"),
    Entry(
        "tidebook_unvalued_portfolios",
        "gauge",
        (),
        "portfolios whose daily series is not right up to its end",
    ),
    Entry(
        "tidebook_watermark_age_days",
        "gauge",
        (),
        "days from the earliest day of a series that is not right to today; 0 when all are",
    ),
    Entry(
        "tidebook_dead_letters",
        "gauge",
        ("topic",),
        "records that were set apart and not sent again",
    ),
    Entry(
        "tidebook_market_data_age_seconds",
        "gauge",
        ("topic",),
        "since when no prices, rates or business dates were taken in",
    ),
    Entry(
        "tidebook_benchmark_age_days",
        "gauge",
        (),
        "days from the last level of the benchmark that is furthest behind to today",
    ),
    Entry(
        "tidebook_job_seconds",
        "histogram",
        ("job", "status"),
        "how long a run of a scheduled job took, and whether it is done or failed",
    ),
    Entry(
        "tidebook_job_overdue_seconds",
        "gauge",
        ("job",),
        "for how long a job has been due and has not gone well since; 0 when it has",
    ),
    Entry(
        "tidebook_live_events_total",
        "counter",
        ("topic", "outcome"),
        "live events that were taken in, or passed over because they could not be read",
    ),
    Entry(
        "tidebook_live_delay_seconds",
        "histogram",
        ("topic",),
        "how long after it happened a live event was taken in",
    ),
    Entry("tidebook_live_portfolios", "gauge", (), "portfolios that this process follows"),
    Entry("tidebook_live_streams", "gauge", (), "clients that a live book pushes to"),
    Entry("tidebook_job_leader", "gauge", (), "1 in the process that runs the jobs, 0 beside it"),
)


class SpansTold(Protocol):
    """Who makes spans of requests and batches."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take note of a request that was answered."""
        ...

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Take note of a batch that was committed."""
        ...


class Metrics:
    """Counts what one process does.

    Args:
        version: Which release this is.
        roles: What the process does.
        arrears: Asked at each scrape how far the system is behind; None tells nothing of it.
        traces: Told of requests and batches besides.
        with_process: Whether to tell of memory, processor and open files as well.
    """

    def __init__(
        self,
        *,
        version: str,
        roles: Sequence[str] = (),
        arrears: ArrearsReader | None = None,
        traces: SpansTold | None = None,
        with_process: bool = True,
    ) -> None:
        """Register every metric, with nothing counted."""
        self._traces = traces
        self.registry = CollectorRegistry()
        if with_process:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
        self._gauge("tidebook_build_info").labels(version, ",".join(roles) or "all").set(1)
        self._requests = self._counter("tidebook_http_requests_total")
        self._request_seconds = self._histogram("tidebook_http_request_seconds", _REQUEST_SECONDS)
        self._in_progress = self._gauge("tidebook_http_requests_in_progress")
        self._batch_records = self._histogram("tidebook_batch_records", _BATCH_RECORDS)
        self._batch_seconds = self._histogram("tidebook_batch_seconds", _BATCH_SECONDS)
        self._duplicates = self._counter("tidebook_duplicates_total")
        self._fenced = self._counter("tidebook_fenced_total")
        self._failures = self._counter("tidebook_worker_failures_total")
        self._set_apart = self._counter("tidebook_set_apart_total")
        self._keys_restated = self._counter("tidebook_keys_restated_total")
        self._restated_days = self._histogram("tidebook_series_restated_days", _RESTATED_DAYS)
        self._database_seconds = self._histogram("tidebook_database_seconds", _DATABASE_SECONDS)
        self._wait_seconds = self._histogram("tidebook_database_wait_seconds", _DATABASE_SECONDS)
        self._live_events = self._counter("tidebook_live_events_total")
        self._live_delay = self._histogram("tidebook_live_delay_seconds", _LIVE_SECONDS)
        self._job_seconds = self._histogram("tidebook_job_seconds", _BATCH_SECONDS)
        if arrears is not None:
            self.registry.register(_Arrears(arrears))

    def untraced(self) -> Metrics:
        """Return the same counts for what another process tells of: it makes its own traces."""
        found = copy(self)
        found._traces = None  # noqa: SLF001 - of a copy of its own
        return found

    def tell_jobs(self, board: JobBoard, clock: Clock) -> None:
        """Ask at each scrape, from now on, how scheduled jobs stand."""
        self.registry.register(_Jobs(board, clock))

    def exposition(self) -> bytes:
        """Return every metric in the text format of Prometheus, :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)

    # What the doors tell.

    def began(self) -> None:
        """Take note of a request that is worked on."""
        self._in_progress.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take note of a request that was answered."""
        self._in_progress.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)
        if self._traces is not None:
            self._traces.request(method, route, status, seconds)

    # What the engine tells (see ``engine.telemetry.Telemetry``).

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Take note of a batch that a consumer committed."""
        self._batch_records.labels(consumer).observe(records)
        self._batch_seconds.labels(consumer).observe(seconds)
        if self._traces is not None:
            self._traces.batch(consumer, records=records, seconds=seconds)

    def duplicates(self, consumer: str, count: int) -> None:
        """Take note of facts that were known already."""
        self._duplicates.labels(consumer).inc(count)

    def fenced(self, worker: str) -> None:
        """Take note of a batch that was rolled back."""
        self._fenced.labels(worker).inc()

    def failed(self, worker: str) -> None:
        """Take note of a step that failed and is tried again."""
        self._failures.labels(worker).inc()

    def set_apart(self, topic: str) -> None:
        """Take note of a record that was put with the dead letters."""
        self._set_apart.labels(topic).inc()

    def keys_restated(self, count: int) -> None:
        """Take note of keys whose history came out different."""
        self._keys_restated.inc(count)

    def series_restated(self, days: int) -> None:
        """Take note of a daily series of which this many days were replaced."""
        self._restated_days.observe(days)

    def transaction(self, *, waited_seconds: float, held_seconds: float) -> None:
        """Take note of a database transaction."""
        self._wait_seconds.observe(waited_seconds)
        self._database_seconds.observe(held_seconds)

    def tell_live(self, live: LivePortfolios) -> None:
        """Be told of live events from now on, and ask at each scrape who is followed."""
        live.telemetry = self
        self.registry.register(_Live(live))

    def live_event(self, topic: str, seconds: float | None) -> None:
        """Take note of a live event (see ``engine.live.portfolios.LiveTelemetry``)."""
        self._live_events.labels(topic, "unreadable" if seconds is None else "taken").inc()
        if seconds is not None:
            self._live_delay.labels(topic).observe(max(0.0, seconds))

    def job_ended(self, job: str, status: str, seconds: float) -> None:
        """Take note of a run of a scheduled job (see ``engine.jobs.JobTelemetry``)."""
        self._job_seconds.labels(job, status).observe(seconds)

    def _counter(self, name: str) -> Counter:
        entry = _ENTRIES[name]
        return Counter(name, entry.tells, entry.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        entry = _ENTRIES[name]
        return Gauge(name, entry.tells, entry.labels, registry=self.registry)

    def _histogram(self, name: str, buckets: Sequence[float]) -> Histogram:
        entry = _ENTRIES[name]
        return Histogram(name, entry.tells, entry.labels, buckets=buckets, registry=self.registry)


_ENTRIES: Final = {entry.name: entry for entry in CATALOGUE}


class _Arrears:
    """Asks the store at a scrape; while it does not answer, that is all there is to tell."""

    def __init__(self, reader: ArrearsReader) -> None:
        self._reader = reader

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, so that registering asks nothing."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the moment."""
        try:
            found = self._reader.arrears()
        except StoreUnavailableError:
            yield _family("tidebook_database_up", {(): 0})
            return
        yield _family("tidebook_database_up", {(): 1})
        for name, values in _values(found):
            yield _family(name, values)


class _Live:
    """Asks at a scrape whom a live book follows."""

    def __init__(self, live: LivePortfolios) -> None:
        self._live = live

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, so that registering asks nothing."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the moment."""
        yield _family("tidebook_live_portfolios", {(): self._live.health().portfolios})
        yield _family("tidebook_live_streams", {(): self._live.watchers()})


class _Jobs:
    """Asks at a scrape how jobs stand; while the store does not answer, only who leads is told."""

    def __init__(self, board: JobBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, so that registering asks nothing."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the moment."""
        yield _family("tidebook_job_leader", {(): int(self._board.is_leading())})
        now = self._clock.now()
        try:
            found = states(self._board.jobs, self._board.store, now)
        except StoreUnavailableError:
            return
        overdue = {(one.job.name,): overdue_seconds(one, now) for one in found}
        yield _family("tidebook_job_overdue_seconds", overdue)


def _family(name: str, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    entry = _ENTRIES[name]
    family = GaugeMetricFamily(name, entry.tells, labels=entry.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _values(found: Arrears) -> Iterator[tuple[str, Mapping[tuple[str, ...], float]]]:
    booking = [lag for lag in found.lags if lag.consumer != SHIPPING]
    shipping = [lag for lag in found.lags if lag.consumer == SHIPPING]
    yield (
        "tidebook_consumer_lag_records",
        {(lag.consumer, lag.topic): lag.records for lag in found.lags},
    )
    oldest: dict[tuple[str, ...], float] = {}
    for lag in booking:
        oldest[lag.consumer,] = max(oldest.get((lag.consumer,), 0.0), lag.oldest_seconds)
    yield "tidebook_oldest_unbooked_seconds", oldest
    if shipping:
        yield "tidebook_outbox_records", {(): sum(lag.records for lag in shipping)}
        yield "tidebook_outbox_oldest_seconds", {(): max(lag.oldest_seconds for lag in shipping)}
    yield "tidebook_unfolded_keys", {(): found.unfolded_keys}
    yield "tidebook_unfolded_oldest_seconds", {(): found.unfolded_seconds}
    yield "tidebook_unvalued_portfolios", {(): found.unvalued_portfolios}
    yield "tidebook_watermark_age_days", {(): found.watermark_days}
    yield "tidebook_dead_letters", {(topic,): n for topic, n in found.dead_letters.items()}
    taken = found.taken_seconds
    yield "tidebook_market_data_age_seconds", {(topic,): s for topic, s in taken.items()}
    if found.benchmark_days is not None:
        yield "tidebook_benchmark_age_days", {(): found.benchmark_days}
