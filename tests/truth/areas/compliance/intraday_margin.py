"""The intraday margin level through a day, and what becomes of a deficit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import assert_money, exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.intraday_margin import (
    DatedCash,
    EventKind,
    IntradayRule,
    LevelStep,
    MarginEvent,
    deficit,
    levels,
    worst_order,
)
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.compliance.intraday_margin import (
        Deficit,
    )

FIGURES = {
    "iml_path",
    "intraday_margin_deficit",
    "minor",
    "minor_threshold",
    "status",
    "deficit_date",
    "due_fifth_business_day",
    "expires_after_fifteenth_business_day",
    "satisfied_on",
    "freeze_90_days",
    "freeze_until",
}


def check(case: Content) -> None:
    """Follow the level through the day, and compare the deficit it leaves."""
    expected, account = case["expected"], case["account"]
    assert_known(expected, FIGURES)
    equity, required = exactly(account["equity"]), exactly(account["maintenance_requirement"])
    events = [_event(row) for row in case["events"]]
    if not _is_ordered(case):
        events = worst_order(events)
    later = [
        DatedCash(date.fromisoformat(row["date"]), exactly(row["amount"]))
        for row in case.get("deposits", ())
    ]
    with exact():
        steps = levels(equity, required, events)
        found = deficit(
            date.fromisoformat(case["date"]),
            steps,
            later,
            rule=IntradayRule(),
            is_practice=account.get("practice_of_failing", False),
        )
        _compare_path(
            [LevelStep("open", equity - required, equity, is_reducing=False), *steps], expected
        )
    if found is None:
        assert exactly(expected["intraday_margin_deficit"]) == 0
        assert expected["status"] == "pass"
        absent = FIGURES - {"iml_path", "intraday_margin_deficit", "status", "freeze_90_days"}
        assert all(expected[name] is None for name in absent & expected.keys())
        assert not expected.get("freeze_90_days")
        return
    _compare(found, expected)


def _is_ordered(case: Content) -> bool:
    """Tell whether the order of the day's events is known, in whichever words the case says so."""
    words = ("order_known", "sequence_known", "time_and_tick")
    return not any(named.get(word) is False for named in (case, case["account"]) for word in words)


def _event(row: Content) -> MarginEvent:
    kind = EventKind.MARK if row["kind"] == "mark" else EventKind.TRANSACTION
    changes = (exactly(row.get("equity_delta", 0)), exactly(row.get("req_delta", 0)))
    return MarginEvent(row["id"], kind, *changes)


def _compare_path(steps: list[LevelStep], expected: Content) -> None:
    if "iml_path" not in expected:
        return
    path = expected["iml_path"]
    assert [step.event_id for step in steps] == [row["step"] for row in path]
    for step, row in zip(steps, path, strict=True):
        assert_money(step.level, row["iml"])
        assert step.is_reducing == row.get("iml_reducing", False)


def _compare(found: Deficit, expected: Content) -> None:
    assert_money(found.amount, expected["intraday_margin_deficit"])
    if "minor_threshold" in expected:
        assert_money(found.minor_max, expected["minor_threshold"])
    figures = {
        "minor": found.is_minor,
        "status": found.status,
        "deficit_date": found.on.isoformat(),
        "due_fifth_business_day": found.due_on.isoformat(),
        "expires_after_fifteenth_business_day": found.expires_after.isoformat(),
        "satisfied_on": found.satisfied_on and found.satisfied_on.isoformat(),
        "freeze_90_days": found.frozen_until is not None,
        "freeze_until": found.frozen_until and found.frozen_until.isoformat(),
    }
    for name in figures.keys() & expected.keys():
        assert figures[name] == expected[name], name
