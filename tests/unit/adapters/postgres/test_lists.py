"""Lists as parameters: what is written at once says the same as what the driver writes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, strategies as st
from psycopg import DataError
from psycopg.adapt import PyFormat, Transformer

from tidebook.adapters.postgres.lists import PlainListDumper
from tidebook.book.postings import Leg

if TYPE_CHECKING:
    from psycopg.abc import Buffer

_TEXTS, _DAYS, _NUMBERS = 1009, 1182, 1016
_KEPT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def _written(values: list[Any]) -> bytes:
    """Return what a list is written as; an empty one tells the driver nothing of its elements."""
    dumper = PlainListDumper(list, Transformer())
    written = dumper.upgrade(values, PyFormat.TEXT).dump(values)
    return bytes(cast("Buffer", written))


def _read(text: bytes, oid: int) -> list[Any]:
    """Return what the driver's own reader makes of an array."""
    loader = Transformer().get_loader(oid, PyFormat.as_pq(PyFormat.TEXT))
    return cast("list[Any]", loader.load(text))


@given(st.lists(_KEPT))
def test_any_texts_come_back_as_they_were(values: list[str]) -> None:
    assert _read(_written(values), _TEXTS) == values


def test_texts_that_an_array_could_mistake_are_quoted() -> None:
    written = _written(["NULL", "", "a,b", "{c}", 'say "d"', r"e\f", "g h"])
    assert written == rb'{"NULL","","a,b","{c}","say \"d\"","e\\f","g h"}'


def test_days_and_whole_numbers_need_no_quotes() -> None:
    assert _written([date(2024, 3, 1), date(985, 12, 31)]) == b"{2024-03-01,0985-12-31}"
    assert _written([7, -3, 2**62]) == b"{7,-3,4611686018427387904}"
    assert _read(b"{2024-03-01}", _DAYS) == [date(2024, 3, 1)]
    assert _read(b"{7,-3}", _NUMBERS) == [7, -3]


def test_gaps_and_members_of_enumerations_are_left_to_the_driver() -> None:
    assert _written(["a", None, "b"]) == b"{a,NULL,b}"
    assert _written([Leg.MAIN, Leg.CASH]) == b"{main,cash}"
    assert _written([]) == b"{}"


def test_a_text_that_no_column_can_hold_is_refused_as_ever() -> None:
    with pytest.raises(DataError, match="NUL"):
        _written(["a", "b\x00c"])
