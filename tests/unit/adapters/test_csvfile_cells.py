"""Single cells: numbers, days and instants, and what is refused rather than guessed."""

from __future__ import annotations

import pytest

from tidebook.adapters.csvfile.cells import (
    Refused,
    read_currency,
    read_day,
    read_flag,
    read_instant,
    read_number_with_comma,
    read_number_with_point,
    reader,
)
from tidebook.adapters.csvfile.layout import Column, Form


@pytest.mark.parametrize(
    ("point", "comma", "number"),
    [
        ("0", "0", "0"),
        ("1234", "1234", "1234"),
        ("1234.50", "1234,50", "1234.50"),
        ("0.000000000000000001", "0,000000000000000001", "0.000000000000000001"),
        (".5", ",5", "0.5"),
        ("007", "007", "007"),
        ("+12.5", "+12,5", "12.5"),
        ("-12.5", "-12,5", "-12.5"),
        ("−12.5", "−12,5", "-12.5"),
        ("1,234.5", "1.234,5", "1234.5"),
        ("1,234,567", "1.234.567", "1234567"),
        ("12,345,678.90", "12.345.678,90", "12345678.90"),
        ("1'234.50", "1'234,50", "1234.50"),
        ("1’234’567", "1’234’567", "1234567"),
        ("1 234", "1 234", "1234"),
        ("1\u00a0234.5", "1\u202f234,5", "1234.5"),
        ("1.234", "1,234", "1.234"),
    ],
)
def test_a_number_keeps_its_digits_under_either_decimal_mark(
    point: str, comma: str, number: str
) -> None:
    assert read_number_with_point(point) == number
    assert read_number_with_comma(comma) == number


@pytest.mark.parametrize(
    ("point", "comma", "together"),
    [("1,234", "1.234", "1234"), ("-12,345", "-12.345", "12345"), ("999,000", "999.000", "999000")],
)
def test_three_digits_after_the_other_mark_are_not_guessed(
    point: str, comma: str, together: str
) -> None:
    for refused in (read_number_with_point(point), read_number_with_comma(comma)):
        assert isinstance(refused, Refused)
        assert f"may be {together} or a fraction" in refused.what


@pytest.mark.parametrize("text", ["1.5", "12.50", "0.123", "1234.567", ".5", "1.2345"])
def test_a_point_for_a_comma_is_pointed_out(text: str) -> None:
    refused = read_number_with_comma(text)

    assert isinstance(refused, Refused)
    assert "not written with the decimal comma" in refused.what


def test_the_remedy_spells_the_number_out() -> None:
    refused = read_number_with_point("12,50")

    assert isinstance(refused, Refused)
    assert refused.remedy.startswith("write 12.50;")


@pytest.mark.parametrize("text", ["1E5", "1.2e-7", "12E+05"])
def test_scientific_notation_is_refused(text: str) -> None:
    refused = read_number_with_point(text)

    assert isinstance(refused, Refused)
    assert "scientific" in refused.what


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "-",
        ".",
        "5.",
        "1..5",
        "1 2 3",
        "12 34",
        "1,23,456.0",
        "1,2345.0",
        "1234,567,890",
        "1'234,567.0",
        "1.234.567",
        "(100)",
        "100-",
        "$100",
        "5%",
        "NaN",
        "Infinity",
        "1_000",
        "٣",
        "1\n2",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert isinstance(read_number_with_point(text), Refused)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-29", "2024-02-29"),
        ("29.02.2024", "2024-02-29"),
        ("3.4.2024", "2024-04-03"),
        ("1900-01-01", "1900-01-01"),
    ],
)
def test_a_day_is_year_first_or_dotted(text: str, day: str) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2024",
        "13/04/2024",
        "2024/04/13",
        "13.04.24",
        "20240413",
        "2023-02-29",
        "32.01.2024",
        "04.13.2024",
        "2024-W15",
        "0024-04-13",
        "2024-4-13",
        "13 April 2024",
    ],
)
def test_a_day_that_could_be_another_or_none_is_refused(text: str) -> None:
    assert isinstance(read_day(text), Refused)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-01T15:30:00Z", "2024-03-01T15:30:00Z"),
        ("2024-03-01T15:30:00z", "2024-03-01T15:30:00Z"),
        ("2024-03-01 15:30Z", "2024-03-01T15:30:00Z"),
        ("2024-03-01 15:30:01.250 +0100", "2024-03-01T15:30:01.250+01:00"),
        ("01.03.2024 15:30:00-05:00", "2024-03-01T15:30:00-05:00"),
        ("2024-03-01", "2024-03-01"),
        ("01.03.2024", "2024-03-01"),
    ],
)
def test_an_instant_has_an_offset_and_a_day_alone_stays_one(text: str, instant: str) -> None:
    assert read_instant(text) == instant


def test_a_time_without_offset_is_not_placed_in_a_zone() -> None:
    refused = read_instant("2024-03-01T15:30:00")

    assert isinstance(refused, Refused)
    assert "does not say in which time zone" in refused.what


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T24:00:00Z",
        "2024-03-01T15:60:00Z",
        "2024-03-01T15:30:00+15:00",
        "2024-03-01T3 pm",
        "2024-02-30T15:30:00Z",
        "15:30",
    ],
)
def test_an_instant_that_is_none_is_refused(text: str) -> None:
    assert isinstance(read_instant(text), Refused)


def test_currencies_are_letters_and_digits_in_capitals() -> None:
    assert read_currency("chf") == "CHF"
    assert isinstance(read_currency("US$"), Refused)
    assert isinstance(read_currency("EU-R"), Refused)


def test_flags_are_true_or_false() -> None:
    assert [read_flag(text) for text in ("TRUE", "yes", "1")] == ["true"] * 3
    assert [read_flag(text) for text in ("False", "no", "0")] == ["false"] * 3
    assert isinstance(read_flag("maybe"), Refused)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("T-1", "no list of pairs"),
        ("T-1=", "no list of pairs"),
        ("=5", "no list of pairs"),
        ("T-1=5 |", "no list of pairs"),
        ("T-1=five", "is not a number"),
        ("T-1=5,5", "decimal point"),
    ],
)
def test_a_cell_that_is_no_list_of_lots_is_refused(text: str, said: str) -> None:
    read = reader(Column("lots", Form.LOTS), ",")
    refused = read(text)
    assert isinstance(refused, Refused)
    assert said in refused.what
    assert refused.remedy


def test_lots_are_read_with_the_decimal_mark_of_the_file() -> None:
    column = Column("lots", Form.LOTS)
    assert reader(column, ";")(" T-1 = 1.000,50|a=b=2") == "T-1=1000.50|a=b=2"
    assert reader(column, "\t")("T-1=1,000.50") == "T-1=1000.50"


def test_changes_are_read_with_their_days_in_either_form() -> None:
    read = reader(Column("cost_basis_method_changes", Form.CHANGES), ";")
    assert read("31.01.2024=LIFO|2024-12-31 = HIFO") == "2024-01-31=LIFO|2024-12-31=HIFO"
    assert isinstance(read("soon=LIFO"), Refused)
