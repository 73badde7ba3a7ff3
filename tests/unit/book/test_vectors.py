"""Sums of products over days, against sums written out in decimals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.book.vectors import steps, sum_of_products
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tidebook.book.vectors import Steps

D = Decimal
FIRST = date(2025, 1, 1)


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def function(*points: tuple[int, str]) -> Steps:
    return steps([day(offset) for offset, _ in points], [D(value) for _, value in points])


def over(days: int, *pairs: tuple[Steps, Steps]) -> list[Decimal]:
    ordinals = np.array([day(offset).toordinal() for offset in range(days)], np.int64)
    return sum_of_products([left for left, _ in pairs], [right for _, right in pairs], ordinals)


def product(left: str, right: str) -> Decimal:
    with exact():
        return D(left) * D(right)


def test_a_step_holds_until_the_next_and_counts_for_nothing_before_the_first() -> None:
    held = function((1, "10"), (3, "4"))
    price = function((0, "2.5"), (2, "3"))
    assert over(5, (held, price)) == [0, 25, 30, 12, 12]


def test_products_add_up_whatever_their_places() -> None:
    pairs = (function((0, "1.5")), function((0, "0.25"))), (function((0, "-2")), function((0, "3")))
    assert over(1, *pairs) == [D("-5.625")]


def test_no_function_sums_to_nothing() -> None:
    assert over(2) == [0, 0]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ("-99999999999999999999.999999999999999999", "0.000000000000000001"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("-0.000000000000000001", "-12345678901234567890"),
        ("16777216", "-281474976710656"),
        ("-16777215.99999999", "281474976710655.00000001"),
        ("4611686018427387904", "1"),
        ("-9223372036854775808", "1"),
        ("1E+15", "1E+12"),
    ],
)
def test_huge_and_tiny_numbers_lose_no_digit(left: str, right: str) -> None:
    assert over(1, (function((0, left)), function((0, right)))) == [product(left, right)]
    assert over(1, (function((0, right)), function((0, left)))) == [product(left, right)]


@pytest.mark.parametrize("zero", ["0", "0.000000000000000000"])
def test_nothing_held_of_something_dear_is_nothing(zero: str) -> None:
    dear = function((0, "123456789.123456789012345678"))
    none = function((0, zero))
    assert over(1, (none, dear)) == [0]
    assert over(1, (dear, none)) == [0]
    assert over(1, (none, dear), (function((0, "2")), function((0, "3")))) == [6]


def test_a_huge_product_beside_a_small_one_keeps_both() -> None:
    huge = "99999999999999999999.123456789012345678"
    pairs = (function((0, huge)), function((0, huge))), (function((0, "-7")), function((0, "0.1")))
    with exact():
        expected = D(huge) * D(huge) - D("0.7")
    assert over(1, *pairs) == [expected]


def test_opposite_huge_products_cancel_to_the_last_digit() -> None:
    huge, less = (
        "99999999999999999999.999999999999999999",
        "99999999999999999999.999999999999999998",
    )
    one = function((0, "-1")), function((0, less))
    assert over(1, (function((0, huge)), function((0, "1"))), one) == [D("0.000000000000000001")]


def test_more_terms_than_the_limbs_can_hold_at_once_are_carried_over() -> None:
    # Each pair has one limb against one; 16,384 of them reach the bound of a machine integer.
    pairs = 16_400
    left = function((0, "16777215"))
    wide = function((0, "281474976710655"))
    sums = over(1, *([(left, wide)] * pairs))
    assert sums == [pairs * 16777215 * 281474976710655]


def test_signs_may_change_from_step_to_step() -> None:
    held = function((0, "-99999999999999999999.5"), (1, "0"), (2, "99999999999999999999.5"))
    price = function((0, "1234567.000000000000000001"))
    first = product("-99999999999999999999.5", "1234567.000000000000000001")
    with exact():
        assert over(3, (held, price)) == [first, 0, -first]
