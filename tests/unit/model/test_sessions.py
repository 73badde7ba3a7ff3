"""Sessions of the exchange against its published holidays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tidebook.model.sessions import (
    is_session,
    last_sessions,
    session_after,
    session_on_or_before,
    settles_on,
)

# The holidays that the exchange publishes for 2024 to 2028 (nyse.com, Holidays & Trading Hours),
# and the day of mourning of 2025-01-09.
PUBLISHED = {
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
    2028: "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_holidays_are_those_that_the_exchange_publishes(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    closed = [day for day in days if day.year == year and day.weekday() < 5 and not is_session(day)]
    assert " ".join(day.strftime("%m-%d") for day in closed) == PUBLISHED[year]


@pytest.mark.parametrize(
    ("year", "sessions"), [(1999, 252), (2001, 248), (2012, 250), (2021, 252), (2023, 250)]
)
def test_a_year_has_as_many_sessions_as_were_held(year: int, sessions: int) -> None:
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    assert sum(day.year == year and is_session(day) for day in days) == sessions


def test_a_window_of_five_sessions_spans_thanksgiving() -> None:
    assert [day.isoformat() for day in last_sessions(date(2025, 12, 2), 5)] == [
        "2025-11-25",
        "2025-11-26",
        "2025-11-28",
        "2025-12-01",
        "2025-12-02",
    ]


def test_a_window_that_ends_on_a_weekend_ends_with_the_friday() -> None:
    assert session_on_or_before(date(2025, 6, 8)) == date(2025, 6, 6)
    assert last_sessions(date(2025, 6, 8), 2) == (date(2025, 6, 5), date(2025, 6, 6))


def test_the_fifteenth_session_is_counted_over_a_holiday() -> None:
    assert session_after(date(2026, 7, 1), 15) == date(2026, 7, 23)


@pytest.mark.parametrize(
    ("traded_on", "settles"),
    [
        (date(2017, 9, 1), date(2017, 9, 7)),  # three sessions, over Labor Day
        (date(2024, 5, 24), date(2024, 5, 29)),  # two sessions, over Memorial Day
        (date(2024, 5, 28), date(2024, 5, 29)),  # one session
    ],
)
def test_a_trade_settles_by_the_rule_of_its_day(traded_on: date, settles: date) -> None:
    assert settles_on(traded_on) == settles
