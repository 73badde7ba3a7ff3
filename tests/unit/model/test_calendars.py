"""Valuation days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tidebook.model.calendars import days_between, valuation_days


def january(*numbers: int) -> tuple[date, ...]:
    """Return days of January 2025, whose first was a Wednesday."""
    return tuple(date(2025, 1, number) for number in numbers)


def days(
    first: int, last: int, known: tuple[int, ...] = (), active: tuple[int, ...] = ()
) -> object:
    return valuation_days(
        date(2025, 1, first), date(2025, 1, last), january(*known), january(*active)
    )


def test_without_a_calendar_the_days_from_monday_to_friday_count() -> None:
    assert days(1, 8) == january(1, 2, 3, 6, 7, 8)


def test_known_business_days_are_the_calendar_inside_their_span() -> None:
    assert days(1, 8, known=(2, 4, 7)) == january(1, 2, 4, 7, 8)


def test_before_and_after_the_known_span_weekdays_count() -> None:
    assert days(1, 14, known=(7, 9)) == january(1, 2, 3, 6, 7, 9, 10, 13, 14)
    assert days(1, 3, known=(7, 9)) == january(1, 2, 3)
    assert days(10, 14, known=(7, 9)) == january(10, 13, 14)


def test_the_order_of_the_calendar_does_not_matter() -> None:
    assert days(1, 8, known=(7, 2, 4)) == days(1, 8, known=(2, 4, 7))


def test_a_day_of_activity_counts_even_on_a_sunday() -> None:
    assert days(3, 6, active=(5,)) == january(3, 5, 6)
    assert days(3, 6, known=(3, 6), active=(5, 20)) == january(3, 5, 6)


def test_both_ends_belong_to_the_range_and_an_empty_one_has_no_days() -> None:
    assert days(2, 2) == january(2)
    assert days(4, 5) == ()
    assert days(3, 2, active=(3,)) == ()


FRIDAY, MONDAY = date(2024, 3, 1), date(2024, 3, 4)


@pytest.mark.parametrize(
    ("after", "through", "count"),
    [
        (FRIDAY, FRIDAY, 0),
        (MONDAY, FRIDAY, 0),
        (FRIDAY, date(2024, 3, 3), 0),  # the weekend
        (FRIDAY, MONDAY, 1),
        (FRIDAY, date(2024, 3, 8), 5),
        (date(2024, 3, 2), date(2024, 3, 16), 10),
        (date(2024, 1, 31), date(2024, 2, 29), 21),  # February 2024 has 21 weekdays
    ],
)
def test_without_a_calendar_weekdays_are_counted(after: date, through: date, count: int) -> None:
    assert days_between(after, through, ()) == count


def test_inside_its_span_the_calendar_counts_and_outside_it_weekdays() -> None:
    # Known: Monday, Wednesday and Saturday of the first week of March 2024.
    known = (MONDAY, date(2024, 3, 6), date(2024, 3, 9))
    assert days_between(MONDAY, date(2024, 3, 9), known) == 2
    assert days_between(date(2024, 2, 28), MONDAY, known) == 3
    assert days_between(date(2024, 2, 28), date(2024, 3, 12), known) == 7
    assert days_between(date(2024, 3, 9), date(2024, 3, 12), known) == 2


def test_days_between_counts_the_valuation_days() -> None:
    known = tuple(date(2024, 3, day) for day in (4, 6, 7, 15, 16, 25))
    for start in range(1, 29):
        for end in range(start, 29):
            after, through = date(2024, 3, start), date(2024, 3, end)
            listed = valuation_days(after + timedelta(days=1), through, known)
            assert days_between(after, through, known) == len(listed)
