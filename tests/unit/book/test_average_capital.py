"""The capital that was invested on average."""

from __future__ import annotations

from datetime import date

import pytest

from tests.fixtures.booking import D
from tidebook.book.average_capital import average_capital, return_on_average_capital
from tidebook.book.series import HeldSteps

START, END = date(2025, 2, 1), date(2025, 2, 11)


def held(*changes: tuple[int, str, str]) -> HeldSteps:
    """Return a holding from day of the month, quantity and cost after each change."""
    return HeldSteps(
        "ACME",
        "USD",
        is_cash=False,
        days=tuple(date(2025, 2, day) for day, _, _ in changes),
        quantities=tuple(D(quantity) for _, quantity, _ in changes),
        costs_base=tuple(D(cost) for _, _, cost in changes),
    )


def test_each_cost_counts_for_its_days() -> None:
    # Four days at 100 and six at 150.
    found = average_capital(held((1, "10", "100"), (5, "12", "150")), START, END)
    assert found == 130


def test_days_without_a_position_do_not_count() -> None:
    # 100 for two days, nothing for five, 300 for three.
    steps = held((1, "10", "100"), (3, "0", "0"), (8, "5", "300"))
    assert average_capital(steps, START, END) == 220


def test_days_outside_the_period_do_not_count() -> None:
    steps = held((1, "10", "100"), (5, "12", "150"), (9, "1", "15"))
    assert average_capital(steps, date(2025, 2, 4), date(2025, 2, 6)) == 125


@pytest.mark.parametrize("steps", [held(), held((11, "1", "5")), held((1, "0", "0"))])
def test_nothing_held_has_no_capital(steps: HeldSteps) -> None:
    assert average_capital(steps, START, END) is None


def test_a_gain_is_told_over_the_capital() -> None:
    assert return_on_average_capital(D(13), D(130)) == D("0.1")
    assert return_on_average_capital(D(13), None) is None
    assert return_on_average_capital(D(13), D(0)) is None
