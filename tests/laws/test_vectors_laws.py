"""Sums of products over step functions: equal, to the last digit, to sums formed one by one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, strategies as st

from tidebook.book.vectors import steps, sum_of_products
from tidebook.model.money import exact

_FIRST = date(2024, 1, 1)

Run = dict[int, Decimal]

places = st.sampled_from([0, 1, 2, 6, 18])


def _decimal(digits: int, scale: int) -> Decimal:
    with exact():
        return Decimal(digits).scaleb(-scale)


values = st.builds(
    _decimal,
    st.one_of(st.just(0), st.integers(-999, 999), st.integers(-(10**30), 10**30)),
    places,
)
runs = st.dictionaries(st.integers(0, 40), values, max_size=12)
pairs = st.lists(st.tuples(runs, runs), max_size=5)
calendars = st.sets(st.integers(0, 45), max_size=30).map(sorted)


@given(pairs, calendars)
def test_a_vector_sum_is_the_sum_of_its_products(
    given_pairs: list[tuple[Run, Run]], calendar: list[int]
) -> None:
    assert _by_vectors(given_pairs, calendar) == _one_by_one(given_pairs, calendar)


@given(runs.filter(bool), st.data())
def test_a_function_that_changes_on_every_day_is_valued_on_any_part_of_them(
    run: Run, data: st.DataObject
) -> None:
    changes = sorted(run)
    start = data.draw(st.integers(0, len(changes) - 1))
    end = data.draw(st.integers(start, len(changes) - 1))
    calendar = changes[start : end + 1]
    given_pairs = [(run, {0: Decimal(1)})]
    assert _by_vectors(given_pairs, calendar) == [run[day] for day in calendar]


def test_a_price_of_zero_makes_any_quantity_worth_nothing() -> None:
    quantity = Decimal("10.123456789012345678")
    assert _by_vectors([({0: quantity}, {0: Decimal(0)})], [0, 1]) == [0, 0]


def test_a_quantity_of_zero_is_worth_nothing_beside_the_finest_of_products() -> None:
    fine = Decimal("0.000000000000000001")
    given_pairs = [({0: Decimal(0)}, {0: Decimal(7)}), ({0: fine}, {0: fine})]
    assert _by_vectors(given_pairs, [0]) == [Decimal("1e-36")]


def test_nothing_has_a_value_before_its_first_step() -> None:
    given_pairs = [({2: Decimal(3)}, {1: Decimal(5)}), ({1: Decimal("0.5")}, {4: Decimal(2)})]
    assert _by_vectors(given_pairs, [0, 1, 2, 3, 4]) == [0, 0, 15, 15, 16]


def _by_vectors(given_pairs: list[tuple[Run, Run]], calendar: list[int]) -> list[Decimal]:
    days = np.array([(_FIRST + timedelta(days=day)).toordinal() for day in calendar], np.int64)
    lefts = [steps(_days(left), _values(left)) for left, _ in given_pairs]
    rights = [steps(_days(right), _values(right)) for _, right in given_pairs]
    return sum_of_products(lefts, rights, days)


def _days(run: Run) -> list[date]:
    return [_FIRST + timedelta(days=day) for day in sorted(run)]


def _values(run: Run) -> list[Decimal]:
    return [run[day] for day in sorted(run)]


def _one_by_one(given_pairs: list[tuple[Run, Run]], calendar: list[int]) -> list[Decimal]:
    with exact():
        return [
            sum((_at(left, day) * _at(right, day) for left, right in given_pairs), Decimal(0))
            for day in calendar
        ]


def _at(run: Run, day: int) -> Decimal:
    return next((run[change] for change in sorted(run, reverse=True) if change <= day), Decimal(0))
