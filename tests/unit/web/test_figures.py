from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tidebook.web import figures


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("1234567.895", "USD", "1,234,567.90"),
        ("0.125", "USD", "0.12"),
        ("0.135", "USD", "0.14"),
        ("1234.5", "JPY", "1,234"),
        ("1235.5", "JPY", "1,236"),
        ("1.0005", "KWD", "1.000"),
        ("-1234.5", "EUR", "−1,234.50"),
        ("-0.001", "EUR", "0.00"),
        ("0", "KRW", "0"),
        ("99999999999999999999.999999999999999999", "CHF", "100,000,000,000,000,000,000.00"),
    ],
)
def test_amount_is_rounded_half_even_to_minor_units(
    value: str, currency: str, expected: str
) -> None:
    assert figures.amount(Decimal(value), currency) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("5", "+5.00"), ("-5", "−5.00"), ("0", "0.00"), ("-0.004", "0.00")]
)
def test_signed_amount_marks_a_gain_and_leaves_zero_bare(value: str, expected: str) -> None:
    assert figures.amount(Decimal(value), "USD", signed=True) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.05, "5.00%"), (-0.3390, "−33.90%"), (Decimal("0.99735"), "99.74%"), (1e-9, "0.00%")],
)
def test_percent_reads_a_fraction(fraction: float | Decimal, expected: str) -> None:
    assert figures.percent(fraction) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100", "100.00"),
        ("233.434", "233.434"),
        ("0.0000123", "0.0000123"),
        ("1.123456789", "1.123457"),
        ("-37.63", "−37.63"),
    ],
)
def test_price_keeps_its_digits_up_to_six_places(value: str, expected: str) -> None:
    assert figures.price(Decimal(value), "USD") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1250.000000", "1,250"), ("0.5", "0.5"), ("-3", "−3"), ("1E+3", "1,000"), ("0", "0")],
)
def test_quantity_drops_idle_zeros(value: str, expected: str) -> None:
    assert figures.quantity(Decimal(value)) == expected


def test_a_minute_quantity_is_not_shown_as_zero() -> None:
    assert figures.quantity(Decimal("0.000000000123")) == "0.000000000123"


def test_instant_is_told_in_utc_whatever_its_offset() -> None:
    zurich = timezone(timedelta(hours=2))
    assert figures.instant(datetime(2024, 7, 1, 1, 30, tzinfo=zurich)) == (
        "30 Jun 2024, 23:30:00 UTC"
    )
    assert figures.instant(datetime(2024, 7, 1, 1, 30, tzinfo=UTC)) == "1 Jul 2024, 01:30:00 UTC"


def test_day_needs_no_locale() -> None:
    assert figures.day(date(2022, 12, 3)) == "3 Dec 2022"


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [
        (("0", "2000000", "4000000"), ("0", "2m", "4m")),
        (("0", "500000", "1000000"), ("0", "0.5m", "1.0m")),
        (("95", "97.5", "100"), ("95.0", "97.5", "100.0")),
        (("-20000", "0", "20000"), ("−20k", "0", "20k")),
        (("0", "5000000000"), ("0", "5bn")),
        (("0", "5000"), ("0", "5,000")),
    ],
)
def test_axis_labels_share_one_unit_and_one_precision(
    ticks: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert figures.axis_labels(tuple(map(Decimal, ticks))) == expected


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")]
)
def test_what_is_not_finite_is_no_number(value: Decimal | float | None) -> None:
    assert not figures.is_number(value)
