"""Exactness, and the two roundings that are allowed."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from tidebook.model.money import (
    converted,
    decimal_text,
    exact,
    quotient,
    rounded,
    share,
    storable,
)

D = Decimal


def test_exact_arithmetic_keeps_every_digit_or_raises() -> None:
    with exact():
        product = D("99999999999999999999.999999999999999999") ** 2
        # (10^20 - 10^-18)^2 = 10^40 - 2 x 10^2 + 10^-36
        assert product == D(10) ** 40 - 200 + D("1e-36")
        with pytest.raises(decimal.Inexact):
            _ = D(1) / D(3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.0000000000000000005", "0"),
        ("0.0000000000000000015", "0.000000000000000002"),
        ("0.0000000000000000025", "0.000000000000000002"),
        ("-0.0000000000000000015", "-0.000000000000000002"),
        ("0.00000000000000000250001", "0.000000000000000003"),
        ("1.5", "1.5"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_rounding_is_half_even_at_the_eighteenth_place(value: str, expected: str) -> None:
    assert rounded(D(value)) == D(expected)


def test_what_needs_no_rounding_stays_as_it_was_written() -> None:
    assert str(rounded(D("1.50"))) == "1.50"


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("1", "3", "0.333333333333333333"),
        ("2", "3", "0.666666666666666667"),
        ("-2", "3", "-0.666666666666666667"),
        ("10", "4", "2.5"),
        ("1", "2e18", "0"),
        ("3", "2e18", "0.000000000000000002"),
        ("12345678901234567890", "7", "1763668414462081127.142857142857142857"),
    ],
)
def test_a_quotient_is_rounded_once(numerator: str, denominator: str, expected: str) -> None:
    assert quotient(D(numerator), D(denominator)) == D(expected)


def test_a_quotient_just_above_a_tie_is_not_taken_for_the_tie() -> None:
    # 0.5 x 10^-18 and a trace of 10^-200: rounding twice would lose the trace and go to even, 0.
    with exact():
        above = D("0.5e-18") + D("1e-200")
    assert quotient(above, D(1)) == D("1e-18")


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(decimal.DivisionByZero):
        quotient(D(1), D(0))


def test_a_conversion_at_one_is_the_amount_itself() -> None:
    amount = D("1.123456789012345678901")
    assert converted(amount, D(1)) is amount
    assert converted(amount, D("1.00")) is amount


def test_a_conversion_is_rounded_half_even() -> None:
    assert converted(D("0.000000000000000001"), D("0.5")) == 0
    assert converted(D("0.000000000000000003"), D("0.5")) == D("0.000000000000000002")
    assert converted(D("100"), D("1.1")) == 110


def test_a_share_multiplies_before_it_divides() -> None:
    assert share(D(100), D(1), D(3)) == D("33.333333333333333333")
    assert share(D(1), D(3), D(3)) == 1
    assert share(D("0.01"), D("-3"), D("-10")) == D("0.003")
    assert share(D(-90), D(1), D(3)) == -30


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.500", "1.5"), ("100", "100"), ("1E+3", "1000"), ("-0", "0"), ("-0.00", "0"),
        ("1E-18", "0.000000000000000001"), ("-7.10", "-7.1"), ("0E+2", "0"), ("0.0", "0"),
    ],
)  # fmt: skip
def test_the_text_of_a_decimal_is_plain_digits(value: str, text: str) -> None:
    assert decimal_text(D(value)) == text


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("99999999999999999999.999999999999999999", True),
        ("100000000000000000000", False),
        ("1E+19", True),
        ("1E+20", False),
        ("0.000000000000000001", True),
        ("0.0000000000000000001", False),
        ("1.5000000000000000000000", True),
        ("-99999999999999999999", True),
        ("0", True),
        ("0E-30", True),
        ("0E+30", True),
        ("NaN", False),
        ("Infinity", False),
        ("-Infinity", False),
    ],
)
def test_a_number_is_storable_when_it_fits_twenty_and_eighteen_digits(
    value: str, fits: bool
) -> None:
    assert storable(D(value)) is fits
