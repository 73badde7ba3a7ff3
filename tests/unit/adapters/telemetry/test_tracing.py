"""Traces: a request's span, and beneath it the batches that took its facts."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tidebook.adapters.telemetry.metrics import Metrics
from tidebook.adapters.telemetry.tracing import Traces
from tidebook.config import Settings
from tidebook.engine.correlating import correlated
from tidebook.engine.traces import span_id_of
from tidebook.errors import MissingExtraError
from tidebook.wiring.chosen import traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

_TRACE, _SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def metrics(exporter: InMemorySpanExporter) -> Iterator[Metrics]:
    traces = Traces(version="9", roles=("book",), exporter=exporter)
    yield Metrics(version="9", traces=traces, with_process=False)
    traces.close()


def _made(metrics: Metrics, exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    kept = metrics._traces
    assert isinstance(kept, Traces)
    kept._provider.force_flush()
    return list(exporter.get_finished_spans())


def _ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def test_what_another_process_tells_of_is_counted_and_not_traced_again(
    metrics: Metrics, exporter: InMemorySpanExporter
) -> None:
    metrics.untraced().batch("book", records=3, seconds=0.25)
    metrics.batch("book", records=4, seconds=0.5)
    (span,) = _made(metrics, exporter)
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 4
    assert '\ntidebook_batch_records_sum{consumer="book"} 7.0\n' in metrics.exposition().decode()


def test_a_request_hangs_beneath_its_client_and_its_batch_beneath_the_request(
    metrics: Metrics, exporter: InMemorySpanExporter
) -> None:
    with correlated([_TRACE], client=_SPAN):
        metrics.began()
        metrics.answered("POST", "/ingest/transactions", 202, 0.5)
    with correlated([_TRACE, _TRACE]):
        metrics.batch("book", records=2, seconds=0.25)
    request, batch = _made(metrics, exporter)
    assert request.name == "POST /ingest/transactions"
    assert _ids(request) == (_TRACE, span_id_of(_TRACE))
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == _SPAN
    assert request.start_time is not None
    assert request.end_time is not None
    assert request.end_time - request.start_time == 500_000_000
    assert batch.name == "book batch"
    assert _ids(batch)[0] == _TRACE
    assert _ids(batch)[1] != span_id_of(_TRACE)
    assert batch.parent is not None
    assert f"{batch.parent.span_id:016x}" == span_id_of(_TRACE)
    assert dict(batch.attributes or {})["messaging.batch.message_count"] == 2


def test_a_batch_of_several_requests_links_to_each(
    metrics: Metrics, exporter: InMemorySpanExporter
) -> None:
    with correlated(["ING:1", "ING:2"]):
        metrics.batch("book", records=2, seconds=0.25)
    (batch,) = _made(metrics, exporter)
    assert batch.parent is None
    linked = [f"{link.context.span_id:016x}" for link in batch.links]
    assert linked == [span_id_of("ING:1"), span_id_of("ING:2")]


def test_a_request_that_fails_is_marked_and_probes_and_the_unnamed_make_no_span(
    metrics: Metrics, exporter: InMemorySpanExporter
) -> None:
    metrics.answered("GET", "/portfolios/", 200, 0.1)
    with correlated(["QRY:0"]):
        metrics.answered("GET", "/health/ready", 200, 0.1)
    with correlated(["QRY:1"]):
        metrics.answered("GET", "/portfolios/", 500, 0.1)
    (failed,) = _made(metrics, exporter)
    assert not failed.status.is_ok
    assert failed.parent is None


def test_traces_without_their_extra_are_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tidebook.adapters.telemetry.tracing", None)
    settings = Settings(Path("unused"), traces_url="http://collector:4318/v1/traces")

    with ExitStack() as stack, pytest.raises(MissingExtraError) as refused:
        traces(settings, stack)
    assert refused.value.extra == "tracing"
    assert "tidebook[tracing]" in refused.value.hint
    with ExitStack() as stack:
        assert traces(Settings(Path("unused")), stack) is None
