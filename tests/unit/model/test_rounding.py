"""Output rounding beyond the golden vectors."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tidebook.model.rounding import PLACES, FigureKind, round_output


def test_each_kind_has_the_places_of_the_published_vectors() -> None:
    assert [PLACES[FigureKind(kind)] for kind in ("money", "price", "fx_rate")] == [2, 6, 8]
    assert [PLACES[FigureKind(kind)] for kind in ("quantity", "ratio")] == [6, 6]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.005", "0.00"),
        ("0.015", "0.02"),
        ("0.0051", "0.01"),
        ("7", "7.00"),
        ("0E+30", "0.00"),
        ("1E+3", "1000.00"),
        ("-0.001", "0.00"),
    ],
)
def test_halves_go_to_the_even_digit_and_zero_has_no_sign(value: str, shown: str) -> None:
    assert str(round_output(Decimal(value), FigureKind.MONEY)) == shown


def test_the_largest_amount_that_can_be_stored_is_rounded_too() -> None:
    largest = Decimal("99999999999999999999.999999999999999999")
    assert str(round_output(largest, FigureKind.FX_RATE)) == "100000000000000000000.00000000"
