"""Comparing figures within the tolerance that a golden case states for itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tidebook.analytics import DailyValues, to_days, to_float64
from tidebook.analytics.figures import Undefined

if TYPE_CHECKING:
    from tidebook.analytics import Figure


def assert_close(actual: Figure, expected: float | str | None, tolerance: float | str) -> None:
    """Assert that a figure differs from the expected one by no more than the tolerance.

    An expected None stands for a figure that is undefined.
    """
    if expected is None:
        assert isinstance(actual, Undefined), f"{actual} where nothing is defined"
        return
    assert not isinstance(actual, Undefined), f"{actual.sentence}; expected {expected}"
    difference = abs(actual - float(expected))
    assert difference <= float(tolerance), f"{actual} is {difference} away from {expected}"


def assert_all_close(
    actual: list[float], expected: list[float | str], tolerance: float | str
) -> None:
    """Assert that two lists are equally long and close element by element."""
    assert len(actual) == len(expected), f"{len(actual)} figures where {len(expected)} are due"
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, other, tolerance)


def assert_known(expected: dict[str, Any], known: set[str]) -> None:
    """Assert that an adapter checks every figure a case expects."""
    assert expected, "the case expects nothing"
    assert set(expected) <= known, f"nothing checks {sorted(set(expected) - known)}"


def daily_values(days: list[dict[str, str]]) -> DailyValues:
    """Return the daily values of a case that writes one object per day, amounts as text."""
    columns = {
        name: to_float64(Decimal(day[name]) for day in days)
        for name in ("bmv", "bcf", "ecf", "emv", "fees")
    }
    return DailyValues(to_days([date.fromisoformat(day["date"]) for day in days]), **columns)
