"""Traces by OpenTelemetry: one span per request, one per batch that took its facts.

Spans are made when the work is done, from what is told of it anyway; which trace they belong to
follows from the correlation id (``engine.traces``). A batch with the facts of one request hangs
beneath that request's span; one with those of several is a trace of its own that links to the first
few.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from tidebook.engine.correlating import client_span, correlation_ids
from tidebook.engine.traces import span_id_of, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

_SECOND: Final = 1_000_000_000
_INTERNAL: Final = 500
_ASKED_OFTEN: Final = frozenset({"/health/live", "/health/ready", "/health/startup", "/metrics"})

_next_ids: ContextVar[tuple[int, int] | None] = ContextVar("next_ids", default=None)


class _Ids(RandomIdGenerator):
    """Random ids, but for the span of a request, whose ids follow from its correlation id."""

    def generate_trace_id(self) -> int:
        given = _next_ids.get()
        return super().generate_trace_id() if given is None else given[0]

    def generate_span_id(self) -> int:
        given = _next_ids.get()
        return super().generate_span_id() if given is None else given[1]


class Traces:
    """Makes spans of what one process does, and sends them in the background.

    Args:
        version: Which release this is.
        roles: What the process does.
        exporter: Where spans go.
    """

    def __init__(self, *, version: str, roles: Sequence[str], exporter: SpanExporter) -> None:
        """Begin with a provider of its own; the one of the process is left alone."""
        named = {
            SERVICE_NAME: "tidebook",
            SERVICE_VERSION: version,
            "tidebook.roles": ",".join(roles),
        }
        self._provider = TracerProvider(resource=Resource.create(named), id_generator=_Ids())
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tidebook", version)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Make the span of the request that is being worked on; none of a probe or a scrape."""
        ids = correlation_ids()
        if len(ids) != 1 or route in _ASKED_OFTEN:
            return
        trace, span = int(trace_id_of(ids[0]), 16), int(span_id_of(ids[0]), 16)
        ended = time.time_ns()
        token = _next_ids.set((trace, span))
        try:
            made = self._tracer.start_span(
                f"{method} {route}",
                _beneath(trace, int(client_span() or "0", 16)),
                kind=SpanKind.SERVER,
                attributes={
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "tidebook.correlation_id": ids[0],
                },
                start_time=ended - int(seconds * _SECOND),
            )
        finally:
            _next_ids.reset(token)
        if status >= _INTERNAL:
            made.set_status(Status(StatusCode.ERROR))
        made.end(ended)

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Make the span of a batch that was committed."""
        ids = correlation_ids()
        contexts = [_context(int(trace_id_of(one), 16), int(span_id_of(one), 16)) for one in ids]
        alone = contexts[0] if len(contexts) == 1 else None
        ended = time.time_ns()
        made = self._tracer.start_span(
            f"{consumer} batch",
            None if alone is None else set_span_in_context(NonRecordingSpan(alone)),
            kind=SpanKind.CONSUMER,
            attributes={"messaging.batch.message_count": records, "tidebook.consumer": consumer},
            links=[] if alone is not None else [Link(one) for one in contexts],
            start_time=ended - int(seconds * _SECOND),
        )
        made.end(ended)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def otlp(url: str) -> SpanExporter:
    """Return what sends spans as OTLP over HTTP."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(url)


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _beneath(trace: int, span: int) -> Context | None:
    """Return the client's span as the parent, where it sent one."""
    return set_span_in_context(NonRecordingSpan(_context(trace, span))) if span else None
