"""What the published cases leave open of the intraday margin standard."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tidebook.compliance.intraday_margin import (
    DatedCash,
    EventKind,
    IntradayRule,
    MarginEvent,
    deficit,
    levels,
    worst_order,
)

DAY = date(2026, 7, 1)
RULE = IntradayRule()


def event(
    name: str, equity: int, required: int, kind: EventKind = EventKind.TRANSACTION
) -> MarginEvent:
    return MarginEvent(name, kind, Decimal(equity), Decimal(required))


def test_getting_better_on_the_same_day_does_not_erase_a_deficit() -> None:
    events = [event("buy", 0, 15000), event("sell", 0, -15000)]
    found = deficit(DAY, levels(Decimal(10000), Decimal(0), events), rule=RULE)
    assert found is not None
    assert found.amount == 5000


def test_a_fall_after_a_purchase_makes_no_larger_deficit_by_itself() -> None:
    events = [event("buy", 0, 11000), event("mark", -4000, -1000, EventKind.MARK)]
    found = deficit(DAY, levels(Decimal(10000), Decimal(0), events), rule=RULE)
    assert found is not None
    assert found.amount == 1000


def test_an_unknown_order_is_taken_at_its_worst() -> None:
    events = [event("sell", 0, -5000), event("buy", 0, 12000)]
    steps = levels(Decimal(10000), Decimal(0), worst_order(events))
    assert [step.event_id for step in steps] == ["buy", "sell"]
    assert steps[0].level == -2000


def test_a_deficit_met_after_the_fifth_day_freezes_until_it_is_met() -> None:
    steps = levels(Decimal(10000), Decimal(0), [event("buy", 0, 15000)])
    later = [DatedCash(DAY, Decimal(5000)), DatedCash(date(2026, 7, 14), Decimal(5000))]
    found = deficit(DAY, steps, later, rule=RULE, is_practice=True)
    assert found is not None
    # What came in on the day itself is in that day's end already.
    assert found.satisfied_on == date(2026, 7, 14)
    assert found.frozen_until == date(2026, 7, 14)


def test_a_minor_deficit_freezes_nothing() -> None:
    steps = levels(Decimal(10000), Decimal(0), [event("buy", 0, 10400)])
    found = deficit(DAY, steps, rule=RULE, is_practice=True)
    assert found is not None
    assert (found.is_minor, found.frozen_until) == (True, None)
