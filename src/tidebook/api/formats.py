"""Series as tables: JSON, JSON lines, CSV or an Arrow stream, whichever the caller accepts.

In JSON, JSON lines and CSV an amount is text with every digit; an Arrow stream holds it as a
decimal wide enough for all of them. What the answer rests on stands in the JSON document, and
with the other formats in the header ``Tidebook-Freshness`` and in the metadata of the stream.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, cast

import msgspec
from fastapi import Header
from starlette.responses import Response

from tidebook.api.replies import reply
from tidebook.errors import ArrowMissingError, NotAcceptableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tidebook.api.replies import Json

Accept = Annotated[str | None, Header()]
"""What the caller accepts; JSON where nothing is said."""

_DECIMAL_128, _DECIMAL_256 = 38, 76


class Format(StrEnum):
    """The media types that a series is told in."""

    JSON = "application/json"
    CSV = "text/csv"
    LINES = "application/x-ndjson"
    ARROW = "application/vnd.apache.arrow.stream"


_ALSO: Final = {
    "*/*": Format.JSON,
    "application/*": Format.JSON,
    "text/*": Format.CSV,
    "application/jsonl": Format.LINES,
    "application/problem+json": Format.JSON,
}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    DAY = "day"
    AMOUNT = "amount"
    NUMBER = "number"
    COUNT = "count"


class Table(NamedTuple):
    """Rows as a JSON answer would hold them, with what each column is."""

    columns: Mapping[str, Kind]
    rows: Sequence[Mapping[str, object]]
    freshness: Json


def format_of(accept: str | None) -> Format:
    """Return the format that a caller likes best among those there are.

    Raises:
        NotAcceptableError: If none of them is accepted.

    Example:
        >>> format_of("text/csv;q=0.5, application/vnd.apache.arrow.stream").name
        'ARROW'
    """
    if accept is None or not accept.strip():
        return Format.JSON
    ranked = sorted(map(_ranged, accept.split(",")), key=lambda one: -one[1])
    for media_type, quality in ranked:
        known = _ALSO.get(media_type) or next((f for f in Format if f == media_type), None)
        if known is not None and quality > 0:
            return known
    raise NotAcceptableError(accept, tuple(Format))


def _ranged(word: str) -> tuple[str, float]:
    media_type, _, terms = word.strip().partition(";")
    quality = 1.0
    for term in terms.split(";"):
        name, _, value = term.strip().partition("=")
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return media_type.strip().lower(), quality


def told_as(
    accept: str | None, document: Callable[[], Json], table: Callable[[], Table]
) -> Response:
    """Return an answer in the format that is accepted; only that one is made."""
    chosen = format_of(accept)
    match chosen:
        case Format.JSON:
            return reply(document())
        case Format.CSV:
            found = table()
            content: bytes = _csv(found).encode()
        case Format.LINES:
            found = table()
            content = b"".join(msgspec.json.encode(row) + b"\n" for row in _plain(found))
        case Format.ARROW:
            found = table()
            content = _arrow(found)
    headers = {"Tidebook-Freshness": msgspec.json.encode(found.freshness).decode()}
    return Response(content, media_type=chosen.value, headers=headers)


def _plain(table: Table) -> Iterator[dict[str, object]]:
    for row in table.rows:
        yield {name: row.get(name) for name in table.columns}


def _csv(table: Table) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in _plain(table):
        writer.writerow("" if value is None else value for value in row.values())
    return text.getvalue()


def _arrow(table: Table) -> bytes:
    try:
        arrow: Any = import_module("pyarrow")  # an extra, and slow to load
    except ImportError:
        raise ArrowMissingError from None
    columns = {
        name: arrow.array(*_column([row.get(name) for row in table.rows], kind, arrow))
        for name, kind in table.columns.items()
    }
    made = arrow.table(columns).replace_schema_metadata(
        {"freshness": msgspec.json.encode(table.freshness)}
    )
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return cast("bytes", sink.getvalue().to_pybytes())


def _column(
    values: list[object],
    kind: Kind,
    arrow: Any,  # noqa: ANN401 - a module that has no types
) -> tuple[object, object]:
    """Return the values of a column and their type."""
    match kind:
        case Kind.TEXT:
            return values, arrow.string()
        case Kind.DAY:
            return [_day(value) for value in values], arrow.date32()
        case Kind.NUMBER:
            return values, arrow.float64()
        case Kind.COUNT:
            return values, arrow.int64()
        case Kind.AMOUNT:
            amounts = [None if value is None else Decimal(str(value)) for value in values]
            return amounts, _decimal_type([one for one in amounts if one is not None], arrow)


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _decimal_type(
    amounts: Sequence[Decimal],
    arrow: Any,  # noqa: ANN401 - as above
) -> object:
    """Return the decimal that holds every digit of all amounts."""
    scale = max((-int(one.as_tuple().exponent) for one in amounts), default=0)
    scale = max(scale, 0)
    whole = max((one.adjusted() + 1 for one in amounts), default=1)
    if max(whole, 1) + scale <= _DECIMAL_128:
        return arrow.decimal128(_DECIMAL_128, scale)
    return arrow.decimal256(_DECIMAL_256, scale)
