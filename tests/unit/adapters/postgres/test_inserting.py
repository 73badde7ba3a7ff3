"""Columns as the text of arrays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tidebook.adapters.postgres.inserting import arrays
from tidebook.model.facts import TransactionType


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (["a", "b c"], '{"a","b c"}'),
        (['say "x"', "back\\slash"], r'{"say \"x\"","back\\slash"}'),
        (["NULL", "", None], '{"NULL","",NULL}'),
        ([None, None], "{NULL,NULL}"),
        ([1, -2], "{1,-2}"),
        ([True, False], '{"t","f"}'),
        ([Decimal("1.50"), Decimal("1E-18")], "{1.50,1E-18}"),
        ([date(2024, 3, 11), None], '{"2024-03-11",NULL}'),
        ([datetime(2024, 3, 11, 10, tzinfo=UTC)], '{"2024-03-11T10:00:00+00:00"}'),
        ([TransactionType.BUY], '{"BUY"}'),
        ([b"\x01\xff"], r'{"\\x01ff"}'),
    ],
)
def test_a_column_is_an_array_that_the_server_reads(column: list[object], text: str) -> None:
    assert arrays([(cell,) for cell in column]) == [text]  # pyright: ignore[reportArgumentType]


def test_rows_become_one_array_a_column() -> None:
    assert arrays([("a", 1), ("b", 2)]) == ['{"a","b"}', "{1,2}"]
