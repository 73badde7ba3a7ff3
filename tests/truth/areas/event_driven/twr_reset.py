"""Cumulative returns across losses beyond everything and on capital below zero, in percent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.twr import daily_percent, linked_of
from tests.truth.tolerance import assert_all_close, assert_known
from tidebook.analytics import FeeBasis

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Link the days of the case and compare day by day."""
    expected = case["expected"]
    # The formula is a remark in words; what it yields is in the two series.
    assert_known(expected, {"daily_pct", "cumulative_pct_by_day", "reset_days", "formula"})
    tolerance = case["tolerance"]["abs"]
    linked = linked_of(case, FeeBasis.NET)
    assert_all_close(daily_percent(case, linked), expected["daily_pct"], tolerance)
    cumulative = [100 * float(figure) for figure in linked.cumulative]
    assert_all_close(cumulative, expected["cumulative_pct_by_day"], tolerance)
    assert [str(day) for day in linked.resets] == expected.get("reset_days", [])
