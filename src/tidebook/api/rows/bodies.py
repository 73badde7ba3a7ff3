"""From the bytes of a request body to facts, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

import msgspec

from tidebook.api.rows import checks
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.kinds import Door, Fact, read_row, sift
from tidebook.api.rows.reader import camel
from tidebook.errors import InvalidRequestError, MalformedBodyError

_decoder = msgspec.json.Decoder(float_hook=Decimal)

QuickWay = Callable[[bytes, datetime], Sequence[Fact] | None]


def decoded(body: bytes) -> object:
    """Return a JSON document; its numbers are int or ``Decimal`` and keep every digit.

    Raises:
        MalformedBodyError: If it is not one JSON document in UTF-8, or nests too deeply.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise MalformedBodyError(str(fault)) from fault
    except RecursionError as fault:
        raise MalformedBodyError("it nests too deeply") from fault


def decoded_object(body: bytes) -> Mapping[str, object]:
    """Return a JSON document that must be an object.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If it is JSON but no object.
    """
    document = decoded(body)
    if isinstance(document, dict):
        return cast("dict[str, object]", document)
    faults = Faults()
    faults.add("", "body.object-expected", "the body is no JSON object; send fields in braces")
    raise refusal(faults)


def refusal(faults: Faults) -> InvalidRequestError:
    """Return the refusal that lists these faults."""
    return InvalidRequestError(faults.listed, unlisted=faults.unlisted)


def facts_of(
    body: bytes, door: Door[Fact], now: datetime, *, quick_way: QuickWay[Fact] | None = None
) -> Sequence[Fact]:
    """Return the facts of a body ``{wrapper: [row, ...]}``.

    Args:
        body: The bytes that were sent.
        door: What the rows are.
        now: The present instant in UTC.
        quick_way: Reads sound bodies fast and returns None for others.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If any row has a fault; the first hundred of all rows are listed.
    """
    facts = quick_way(body, now) if quick_way else None
    if facts is not None:
        return facts
    rows, pointer = _list_in(decoded_object(body), door.wrapper)
    sifted = sift(door, rows, now, pointer=pointer)
    if sifted.faults.count:
        raise refusal(sifted.faults)
    return sifted.facts


def one_fact(body: bytes, door: Door[Fact], now: datetime) -> Fact:
    """Return the fact of a body that is a single row.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If the row has a fault.
    """
    faults = Faults()
    fact = read_row(door, decoded_object(body), now, pointer="", faults=faults)
    if fact is None:
        raise refusal(faults)
    return fact


def ids_of(body: bytes, wrapper: str) -> tuple[str, ...]:
    """Return the ids of a body ``{wrapper: [id, ...]}``.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If any of them is no id.
    """
    rows, pointer = _list_in(decoded_object(body), wrapper)
    faults = Faults()
    ids: list[str] = []
    for index, row in enumerate(rows):
        if isinstance(row, str) and checks.is_id(row):
            ids.append(row)
        else:
            faults.add(
                f"{pointer}/{index}",
                "id.unusable",
                "it is no id: text of 1 to 200 characters without control characters, "
                "backslashes or blanks at its ends; correct it or leave it out",
            )
    if faults.count:
        raise refusal(faults)
    return tuple(ids)


def _list_in(document: Mapping[str, object], wrapper: str) -> tuple[Sequence[object], str]:
    """Return the list in a body and where it stands."""
    faults = Faults()
    spellings = tuple(dict.fromkeys((wrapper, camel(wrapper))))
    given = [name for name in document if name in spellings]
    for name in document:
        if name not in spellings:
            faults.add(
                f"/{name}", "field.unknown", f"the body has one field, {wrapper}; take this out"
            )
    if len(given) != 1:
        doubled = f"the list is given as {' and as '.join(given)}; send it once"
        faults.add(
            "",
            "field.doubled" if given else "field.missing",
            doubled if given else f"the body has no field {wrapper}; send the list under this name",
        )
        raise refusal(faults)
    rows = document[given[0]]
    if not isinstance(rows, list):
        faults.add(f"/{given[0]}", "list.expected", "it is no list; put the rows in brackets")
    if faults.count:
        raise refusal(faults)
    return cast("list[object]", rows), f"/{given[0]}"
