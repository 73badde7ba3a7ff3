"""Daily and cumulative time-weighted returns, before and after fees, in percent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_all_close, assert_close, assert_known, daily_values
from tidebook.analytics import FeeBasis, time_weighted, to_date
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.analytics import Linked


def check(case: Content) -> None:
    """Link the days of the case once gross and once net."""
    expected = case["expected"]
    assert_known(expected, {"gross", "net"})
    tolerance = case["tolerance"]["abs"]
    for basis, figures in expected.items():
        assert_known(figures, {"daily_pct", "cumulative_pct"})
        linked = linked_of(case, FeeBasis(basis.upper()))
        if "daily_pct" in figures:
            assert_all_close(daily_percent(case, linked), figures["daily_pct"], tolerance)
        if "cumulative_pct" in figures:
            total = linked.total * 100 if isinstance(linked.total, float) else linked.total
            assert_close(total, figures["cumulative_pct"], tolerance)


def linked_of(case: Content, basis: FeeBasis) -> Linked:
    """Return the linked returns over the case's period, which inception cuts off."""
    inputs = case["inputs"]
    start = max(date.fromisoformat(inputs["from"]), date.fromisoformat(inputs["inception"]))
    span = Span(start, date.fromisoformat(inputs["to"]))
    return time_weighted(daily_values(inputs["days"]), span, basis)


def daily_percent(case: Content, linked: Linked) -> list[float]:
    """Return a percentage for each day the case writes; days outside the period earn 0."""
    earned = {to_date(on): 100 * r for on, r in zip(linked.dates, linked.daily, strict=True)}
    return [earned.get(date.fromisoformat(day["date"]), 0.0) for day in case["inputs"]["days"]]
