"""The same flows in an index."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import DatedAmounts, Reason, Undefined, public_market, to_days
from tidebook.errors import UnusableSeriesError


def flows(*amounts: float) -> DatedAmounts:
    days = [date(2021 + number, 1, 1) for number in range(len(amounts))]
    return DatedAmounts(to_days(days), np.array(amounts))


def test_flows_that_the_index_would_have_grown_further() -> None:
    # 100 doubles; 60 taken out half way would have been worth 120 of 200 by the end.
    found = public_market(flows(-100, 60, 0), np.array([100.0, 100.0, 200.0]), 50.0)
    assert found.end_value == pytest.approx(80, abs=1e-12)
    assert found.kaplan_schoar == pytest.approx((120 + 50) / 200, abs=1e-15)
    # -100, 60 after a year and 80 after two: 1 + r = 0.3 + √(0.09 + 0.8); two years of 365 days.
    assert found.long_nickels == pytest.approx(0.3 + 0.89**0.5 - 1, abs=1e-12)


def test_a_fund_that_is_the_index_has_a_multiple_of_one() -> None:
    found = public_market(flows(-100, 0), np.array([100.0, 130.0]), 130.0)
    assert found.kaplan_schoar == pytest.approx(1, abs=1e-15)
    assert found.long_nickels == pytest.approx(0.3, abs=1e-12)


def test_an_index_that_could_not_have_paid_it_has_no_rate() -> None:
    found = public_market(flows(-100, 260), np.array([100.0, 120.0]), 5.0)
    assert found.end_value == pytest.approx(-140, abs=1e-12)
    assert found.long_nickels == Undefined(Reason.BELOW_TOTAL_LOSS)


def test_nothing_put_in_has_no_multiple() -> None:
    found = public_market(flows(0, 5), np.array([100.0, 120.0]), 5.0)
    assert found.kaplan_schoar == Undefined(Reason.NO_VALUE)


@pytest.mark.parametrize("levels", [[100.0], [100.0, 0.0], [100.0, np.nan]])
def test_an_index_with_holes_is_refused(levels: list[float]) -> None:
    with pytest.raises(UnusableSeriesError):
        public_market(flows(-100, 5), np.array(levels), 5.0)
