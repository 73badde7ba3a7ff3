"""Intraday margin deficits over days, told to the record one by one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tidebook.compliance.intraday_margin import IntradayRule
from tidebook.compliance.margin_days import DeficitRecord
from tidebook.compliance.trades import Known

D = Decimal
DAYS = (date(2026, 7, 1), date(2026, 8, 3), date(2026, 9, 1), date(2026, 10, 1))
"""Each is followed by five sessions and more before the next one."""


def short_by(record: DeficitRecord, on: date, missing: int, equity: int = 10000) -> None:
    """Tell the record of a day on which a purchase left a level of minus ``missing``."""
    record.begin(on, (Known(D(equity)), D(0)), IntradayRule(), lambda _: D(-missing))
    record.take("b", D(0), D(equity + missing))


def after(record: DeficitRecord, on: date) -> None:
    """Let the days pass up to a day on which nothing is done yet."""
    record.begin(on, (Known(D(10000)), D(0)), IntradayRule(), lambda _: None)


def test_four_late_deficits_of_twelve_months_freeze_for_ninety_days() -> None:
    record = DeficitRecord()
    for count, on in enumerate(DAYS, 1):
        short_by(record, on, 5000)
        after(record, date(2026, on.month, 28))
        assert len(record.standing(date(2026, on.month, 28)).late) == count
    # Five sessions after 1 October are the 8th; the 8th and 90 days are 6 January.
    assert record.standing(date(2026, 10, 28)).frozen_until == date(2027, 1, 6)
    assert record.standing(date(2027, 1, 6)).frozen_until == date(2027, 1, 6)
    assert record.standing(date(2027, 1, 7)).frozen_until is None


def test_minor_deficits_make_no_practice() -> None:
    record = DeficitRecord()
    for on in DAYS:
        # 5 % of 10,000 are 500.
        short_by(record, on, 500)
        after(record, date(2026, on.month, 28))
    assert record.standing(date(2026, 10, 28)).late == ()


def test_a_deficit_is_gone_after_its_fifteenth_session() -> None:
    record = DeficitRecord()
    short_by(record, DAYS[0], 5000)
    # Fifteen sessions after 1 July 2026 are the 23rd.
    after(record, date(2026, 7, 23))
    assert [one.on for one in record.standing(date(2026, 7, 23)).open] == [DAYS[0]]
    after(record, date(2026, 7, 24))
    assert record.standing(date(2026, 7, 24)).open == ()


@pytest.mark.parametrize(("timed", "level"), [(True, 0), (False, -5000)])
def test_where_no_instant_is_known_the_worst_order_counts(timed: bool, level: int) -> None:
    record = DeficitRecord()
    record.begin(DAYS[0], (Known(D(10000)), D(10000)), IntradayRule(), lambda _: None)
    record.take("sold", D(0), D(-5000), timed=timed)
    step = record.take("bought", D(0), D(5000), timed=timed)
    assert step is not None
    assert step.level == D(level)


def test_a_day_whose_level_is_not_known_is_counted_as_such() -> None:
    record = DeficitRecord()
    unknown = Known(None, "no price is known of X")
    record.begin(DAYS[0], (unknown, D(0)), IntradayRule(), lambda _: None)
    assert record.take("b", D(0), D(5000)) is None
    after(record, DAYS[1])
    assert record.standing(DAYS[1]).unknown_days == 1
