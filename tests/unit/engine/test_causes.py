"""By how much history moved: exact differences, and none where there is nothing to compare."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tidebook.engine.causes import Amounts, SeriesRestated

ON = date(2024, 3, 1)


def test_a_change_keeps_every_digit() -> None:
    # Thirty-eight digits: an ordinary context would have rounded them away.
    before = Amounts(Decimal(1), Decimal("99999999999999999999.999999999999999999"), Decimal(0))
    after = Amounts(Decimal(3), Decimal(100000000000000000000), Decimal(-2))
    change = Amounts(Decimal(2), Decimal("0.000000000000000001"), Decimal(-2))
    assert after.less(before) == change


def test_a_series_without_a_day_in_common_has_no_change() -> None:
    gone = SeriesRestated(ON, ON, 1, None, None, None)
    assert gone.value_change is None
    moved = SeriesRestated(ON, ON, 1, ON, Decimal(100), Decimal("99.5"))
    assert moved.value_change == Decimal("-0.5")
