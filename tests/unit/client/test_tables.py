"""Rows as columns: of numpy, and of the frames of others."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

from tidebook.client.tables import Kind, Table, kinds_of, row_of
from tidebook.errors import MissingExtraError


class Mixed(NamedTuple):
    """One field of each kind, and one that is no column."""

    name: str
    amount: Decimal | None
    share: float | None
    number: int | None
    on: date | None
    at: datetime | None
    also: tuple[str, ...] = ()


AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = Mixed("one", Decimal("1.50"), 0.25, 3, date(2024, 1, 2), AT)
BARE = Mixed("two", None, None, None, None, None)
TABLE = Table(Mixed, (FULL, BARE))


def test_fields_are_read_by_their_types() -> None:
    fields = {
        "name": "one",
        "amount": "1.50",
        "share": 0.25,
        "number": 3,
        "on": "2024-01-02",
        "at": "2024-01-02T03:04:05Z",
        "more": "left alone",
    }
    assert row_of(Mixed, fields) == FULL
    assert row_of(Mixed, {"name": "two"}) == BARE
    assert list(kinds_of(Mixed).values()) == [
        Kind.TEXT,
        Kind.AMOUNT,
        Kind.NUMBER,
        Kind.COUNT,
        Kind.DAY,
        Kind.INSTANT,
    ]


def test_a_table_is_a_sequence_of_its_rows() -> None:
    assert repr(TABLE) == "<Table of 2 Mixed>"
    assert (len(TABLE), TABLE[0], list(TABLE), TABLE[1:]) == (2, FULL, [FULL, BARE], (BARE,))


def test_columns_are_arrays_and_what_is_none_is_no_number() -> None:
    columns = TABLE.columns
    assert columns["name"].tolist() == ["one", "two"]
    assert columns["amount"][0] == 1.5
    assert columns["number"].dtype == np.float64
    assert np.isnan([columns[name][1] for name in ("amount", "share", "number")]).all()
    assert columns["on"][0] == np.datetime64("2024-01-02")
    assert np.isnat(columns["on"][1])
    assert columns["at"][0] == np.datetime64("2024-01-02T03:04:05")
    assert Table(Mixed, (FULL,)).columns["number"].dtype == np.int64


def test_polars_keeps_digits() -> None:
    frame = TABLE.to_polars()
    assert frame["amount"].to_list() == [Decimal("1.50"), None]
    assert frame["at"].to_list() == [AT, None]
    assert frame.columns == ["name", "amount", "share", "number", "on", "at"]


def test_arrow_keeps_digits() -> None:
    table = TABLE.to_arrow()
    assert table.column("amount").to_pylist() == [Decimal("1.50"), None]
    assert str(table.schema.field("amount").type) == "decimal128(38, 2)"
    wide = Table(Mixed, (FULL._replace(amount=Decimal("1e30") + Decimal("1e-18")),))
    found = Decimal(wide.to_arrow().column("amount").to_pylist()[0])
    assert found.adjusted() == 30
    none = Table(Mixed, (BARE,)).to_arrow()
    assert str(none.schema.field("amount").type) == "decimal128(38, 18)"


def test_pandas_holds_floats() -> None:
    frame = TABLE.to_pandas()
    assert frame["amount"].tolist()[0] == 1.5
    assert next(iter(frame.columns)) == "name"


@pytest.mark.parametrize(
    ("module", "extra", "method"),
    [
        ("polars", "polars", "to_polars"),
        ("pandas", "pandas", "to_pandas"),
        ("pyarrow", "arrow", "to_arrow"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, extra: str, method: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=extra) as missing:
        getattr(TABLE, method)()
    assert f"tidebook[{extra}]" in missing.value.hint
