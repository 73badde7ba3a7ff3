"""Records as messages of a bus: their headers, and how they are read again.

A message of ours says in its headers which event it is, in which request it began, in which
version of its schema it is written, and its sequence: the offset of the record in the log that is
named with it, without a gap in each partition. A consumer that keeps the next sequence knows a
repeat when it sees one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from tidebook.engine import topics
from tidebook.engine.bus import Outgoing
from tidebook.engine.traces import parent_in, traceparent_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.bus import Arrival

EVENT_ID: Final = "event_id"
CORRELATION_ID: Final = "correlation_id"
SCHEMA: Final = "schema"
SOURCE: Final = "source"
SEQUENCE: Final = "source_sequence"
TRACEPARENT: Final = "traceparent"
VERSION: Final = 1
"""The version of every schema that this release writes, and the only one that it reads."""

UNREADABLE: Final = "unreadable"
"""The field that holds the text of a record that could not be read."""
WHY: Final = "why"
"""The field that says why it could not."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# No number may pass through a float. To make a decoder takes longer than to read a message.
_decode = json.JSONDecoder(parse_float=str, parse_int=str).decode


class Received(NamedTuple):
    """A message as it was read: the record, its request, and its sequence where it is ours."""

    record: Mapping[str, str]
    correlation_id: str
    sequence: int | None
    source: str | None
    """The log that it was shipped from; None where another system sent it."""


def schema_of(topic: str) -> str:
    """Return the name and version of the schema of a topic's messages.

    >>> schema_of("raw_fx_rates")
    'raw_fx_rates/1'
    """
    return f"{topic}/{VERSION}"


def headers(
    topic: str, part: int, offset: int, correlation_id: str, source: str = ""
) -> dict[str, str]:
    """Return the headers of a record of the log that is called ``source``."""
    return {
        SOURCE: source,
        EVENT_ID: f"{topic}-{part}-{offset}",
        CORRELATION_ID: correlation_id,
        SCHEMA: schema_of(topic),
        SEQUENCE: str(offset),
        TRACEPARENT: traceparent_of(correlation_id),
    }


def messages(batch: LogBatch, source: str = "") -> Iterator[Outgoing]:
    """Yield the records of the log as messages, each on the partition that it lies on."""
    for offset, (record, correlation_id) in enumerate(
        zip(batch.records, batch.correlation_ids, strict=True), batch.first_offset
    ):
        yield Outgoing(
            batch.topic,
            batch.part,
            topics.key_of(batch.topic, record),
            _encode(record).encode(),
            headers(batch.topic, batch.part, offset, correlation_id, source),
        )


def received(arrival: Arrival) -> Received:
    """Return what a message says.

    What cannot be read becomes a record with its text and the reason, so that it keeps its place
    and is set apart like any other that cannot be processed. Fields that are not known are left
    in, and nobody looks at them.
    """
    told = arrival.headers
    parent = parent_in(told.get(TRACEPARENT, ""))
    request = told.get(CORRELATION_ID, "") or (parent[0] if parent is not None else "")
    said = told.get(SEQUENCE, "")
    sequence = int(said) if said.isascii() and said.isdecimal() else None
    why = _unknown_schema(arrival.topic, told.get(SCHEMA))
    if why is None:
        record = _object(arrival.value)
        if record is not None:
            return Received(record, request, sequence, told.get(SOURCE))
        why = "the message is not a JSON object"
    text = arrival.value.decode("utf-8", "backslashreplace")
    return Received({UNREADABLE: text, WHY: why}, request, sequence, told.get(SOURCE))


def _unknown_schema(topic: str, schema: str | None) -> str | None:
    """Return why a schema is not known; none at all is taken for the first version."""
    if schema is None or schema == schema_of(topic):
        return None
    return f"schema {schema} is not known to this release, which reads {schema_of(topic)}"


def _object(value: bytes) -> Mapping[str, str] | None:
    try:
        found = _decode(value.decode(json.detect_encoding(value), "surrogatepass"))
    except ValueError:
        return None
    return cast("Mapping[str, str]", found) if isinstance(found, dict) else None
