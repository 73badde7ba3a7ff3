"""Sums in vectors are the sums written out in decimals, whatever the numbers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, strategies as st

from tests.laws.strategies import FIRST, decimals
from tidebook.book.vectors import steps, sum_of_products
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from tidebook.book.vectors import Steps

DAYS = 8
Points = dict[int, Decimal]

numbers = st.one_of(
    st.integers(-1_000, 1_000).map(Decimal),
    decimals("-1e3", "1e3"),
    decimals("-1e20", "1e20"),
    decimals("-1e-12", "1e-12"),
    st.sampled_from([Decimal(0), Decimal("0E-18"), Decimal("1E+15"), Decimal("-1e-18")]),
)
points = st.dictionaries(st.integers(0, DAYS - 1), numbers, max_size=4)


def function(drawn: Points) -> Steps:
    offsets = sorted(drawn)
    return steps(
        [FIRST + timedelta(days=offset) for offset in offsets],
        [drawn[offset] for offset in offsets],
    )


def at(drawn: Points, offset: int) -> Decimal:
    known = [day for day in drawn if day <= offset]
    return drawn[max(known)] if known else ZERO


@given(st.lists(st.tuples(points, points), max_size=6))
def test_a_sum_in_vectors_is_the_sum_in_decimals(pairs: list[tuple[Points, Points]]) -> None:
    ordinals = np.array([FIRST.toordinal() + offset for offset in range(DAYS)], np.int64)
    found = sum_of_products(
        [function(left) for left, _ in pairs], [function(right) for _, right in pairs], ordinals
    )
    with exact():
        expected = [
            sum((at(left, offset) * at(right, offset) for left, right in pairs), ZERO)
            for offset in range(DAYS)
        ]
    assert found == expected
