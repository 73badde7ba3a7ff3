from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from tidebook.web.scales import along, keep_extremes, place, time_ticks, value_ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("0", "9100000", (0, 2000000, 4000000, 6000000, 8000000, 10000000)),
        ("0", "1", ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ("96", "104", (96, 98, 100, 102, 104)),
        ("-7", "4", ("-7.5", "-5.0", "-2.5", "0", "2.5", "5.0")),
        ("0", "0", ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ("500", "500", (0, 100, 200, 300, 400, 500)),
        ("-500", "-500", (-500, -400, -300, -200, -100, 0)),
    ],
)
def test_value_ticks_are_round_and_enclose(
    low: str, high: str, expected: tuple[int | str, ...]
) -> None:
    assert value_ticks(Decimal(low), Decimal(high)) == tuple(Decimal(tick) for tick in expected)


@given(
    st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
    st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
)
def test_value_ticks_enclose_any_two_values_in_few_even_steps(one: Decimal, other: Decimal) -> None:
    low, high = min(one, other), max(one, other)
    ticks = value_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7
    assert len({after - before for before, after in itertools.pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        (date(2024, 3, 5), date(2024, 3, 5), ["5 Mar 2024"]),
        (date(2024, 3, 5), date(2024, 3, 7), ["5 Mar 2024", "6 Mar", "7 Mar"]),
        (
            date(2024, 3, 5),
            date(2024, 4, 10),
            ["11 Mar 2024", "18 Mar", "25 Mar", "1 Apr", "8 Apr"],
        ),
        (
            date(2023, 10, 15),
            date(2024, 4, 10),
            ["Nov 2023", "Dec", "Jan 2024", "Feb", "Mar", "Apr"],
        ),
        (date(2022, 1, 1), date(2022, 12, 28), ["Jan 2022", "Apr", "Jul", "Oct"]),
        (
            date(2019, 6, 1),
            date(2022, 12, 28),
            ["Jul 2019", "Jan 2020", "Jul", "Jan 2021", "Jul", "Jan 2022", "Jul"],
        ),
        (date(2012, 1, 3), date(2022, 12, 28), ["2014", "2016", "2018", "2020", "2022"]),
        (
            date(2005, 1, 3),
            date(2022, 12, 28),
            ["2006", "2008", "2010", "2012", "2014", "2016", "2018", "2020", "2022"],
        ),
        (
            date(1980, 1, 1),
            date(2022, 12, 28),
            ["1980", "1985", "1990", "1995", "2000", "2005", "2010", "2015", "2020"],
        ),
    ],
)
def test_time_ticks_name_days_weeks_months_or_years(
    start: date, end: date, labels: list[str]
) -> None:
    assert [tick.label for tick in time_ticks(start, end)] == labels


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 40_000))
def test_time_ticks_are_few_and_within(start: date, length_days: int) -> None:
    end = start + timedelta(days=length_days)
    ticks = time_ticks(start, end)
    assert 1 <= len(ticks) <= 9
    assert all(start <= tick.day <= end for tick in ticks)
    assert [tick.day for tick in ticks] == sorted({tick.day for tick in ticks})


def test_a_short_series_is_kept_whole() -> None:
    assert keep_extremes([0.0, 0.5, 1.0], [3.0, 1.0, 2.0], columns=2) == (0, 1, 2)


def test_a_spike_of_one_day_survives() -> None:
    values = [1.0] * 1000
    values[333] = 9.0
    values[667] = -9.0
    kept = keep_extremes([index / 999 for index in range(1000)], values, columns=10)
    assert {0, 333, 667, 999} <= set(kept)
    assert len(kept) <= 22


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=400), st.integers(1, 40))
def test_thinning_keeps_ends_and_the_extremes_of_every_column(
    values: list[float], columns: int
) -> None:
    count = len(values)
    positions = [index / max(1, count - 1) for index in range(count)]
    kept = keep_extremes(positions, values, columns=columns)
    assert list(kept) == sorted(set(kept))
    assert len(kept) <= 2 * columns + 2
    assert (kept[0], kept[-1]) == (0, count - 1)
    for column in range(columns):
        inside = [
            i for i in range(count) if min(columns - 1, int(positions[i] * columns)) == column
        ]
        drawn = [values[i] for i in inside if i in kept]
        if inside:
            assert min(drawn) == min(values[i] for i in inside)
            assert max(drawn) == max(values[i] for i in inside)


def test_one_day_lies_in_the_middle() -> None:
    day = date(2024, 1, 1)
    assert place(day, day, day) == 0.5
    assert place(date(2024, 1, 2), day, date(2024, 1, 5)) == 0.25


def test_many_days_lie_where_each_lies_alone() -> None:
    start, end = date(2024, 1, 1), date(2024, 1, 5)
    assert along([start, date(2024, 1, 2), end], start, end) == [0.0, 0.25, 1.0]
    assert along([start], start, start) == [0.5]
