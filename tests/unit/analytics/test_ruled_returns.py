"""Time-weighted returns under the rules of a house."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tidebook.analytics import (
    DailyValues,
    FeeBasis,
    FlowTiming,
    GapPolicy,
    Reason,
    ReturnRules,
    Undefined,
    ruled_returns,
    to_days,
)
from tidebook.errors import UnusableParameterError, UnusableSeriesError

FIRST = date(2025, 3, 3)


def days(*rows: tuple[float, float, float, float], fees: float = 0.0) -> DailyValues:
    """Return consecutive days of opening, flow at start, flow at end, and closing."""
    bmv, bcf, ecf, emv = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    dates = to_days([FIRST + timedelta(days=offset) for offset in range(len(rows))])
    return DailyValues(dates, bmv, bcf, ecf, emv, np.full(len(rows), fees))


def total(values: DailyValues, rules: ReturnRules | None = None) -> float | Undefined:
    return ruled_returns(values, rules or ReturnRules()).total


@pytest.mark.parametrize(
    ("timing", "capital"),
    [
        (FlowTiming.START_OF_DAY, 150.0),
        (FlowTiming.MIDDLE_OF_DAY, 125.0),
        (FlowTiming.END_OF_DAY, 100.0),
        (FlowTiming.AS_RECORDED, 130.0),
    ],
)
def test_a_flow_joins_when_the_rule_says(timing: FlowTiming, capital: float) -> None:
    found = total(days((100, 30, 20, 160)), ReturnRules(timing))
    assert found == pytest.approx(10 / capital)


def test_the_first_flow_joins_at_the_start_whatever_the_rule() -> None:
    found = total(days((0, 0, 1000, 1010)), ReturnRules(FlowTiming.END_OF_DAY))
    assert found == pytest.approx(0.01)


def test_a_large_withdrawal_leaves_the_capital_that_was_there_all_day() -> None:
    # 1000 lose 7 by the day; 990 leave. On the 10 that stay the loss would be 70 %.
    day = days((1000, -990, 0, 3))
    assert total(day) == pytest.approx(-0.7)
    assert total(day, ReturnRules(large_flow_share=0.1)) == pytest.approx(-0.007)


def test_a_large_deposit_is_there_all_day() -> None:
    day = days((10, 0, 990, 1010))
    assert total(day) == pytest.approx(1.0)
    assert total(day, ReturnRules(large_flow_share=0.1)) == pytest.approx(0.01)


def test_a_flow_within_the_limit_is_not_large() -> None:
    found = total(days((100, 0, 10, 111)), ReturnRules(large_flow_share=0.1))
    assert found == pytest.approx(0.01)


def test_fees_are_added_back_to_a_gross_return() -> None:
    day = days((100, 0, 0, 109), fees=1.0)
    assert total(day) == pytest.approx(0.09)
    assert total(day, ReturnRules(basis=FeeBasis.GROSS)) == pytest.approx(0.1)


GAP = days((100, 0, 0, 110), (110, 0, 55, 0), (0, 0, 0, 176))
VALUED = np.array([True, False, True])


def test_a_flow_inside_a_gap_leaves_no_true_return() -> None:
    found = ruled_returns(GAP, ReturnRules(), VALUED)
    assert found.total == Undefined(Reason.FLOW_WITHOUT_VALUE)
    assert found.daily == (pytest.approx(0.1), Undefined(Reason.FLOW_WITHOUT_VALUE))


def test_dietz_may_stand_for_it_and_is_told() -> None:
    # 11 gained on 110 and half of 55.
    found = ruled_returns(GAP, ReturnRules(gaps=GapPolicy.DIETZ), VALUED)
    assert found.approximated == (FIRST + timedelta(days=2),)
    assert found.total == pytest.approx(1.1 * (1 + 11 / 137.5) - 1)


def test_a_gap_at_the_end_has_no_return() -> None:
    found = ruled_returns(GAP, ReturnRules(), np.array([True, False, False]))
    assert found.total == pytest.approx(0.1)
    assert len(found.dates) == 1


def test_a_debt_links_by_what_is_left_of_it() -> None:
    # 100 owed become 90, then 81.
    found = ruled_returns(days((-100, 0, 0, -90), (-90, 0, 0, -81)), ReturnRules())
    assert found.total == pytest.approx(0.19)
    assert len(found.indebted) == 2


def test_a_loss_of_more_than_everything_ends_the_chain() -> None:
    found = total(days((100, 0, 0, -20)))
    assert found == Undefined(Reason.CAPITAL_CROSSED_ZERO)


def test_capital_below_the_minimum_earns_no_return() -> None:
    values = days((0.01, 0, 0, 5), (100, 0, 0, 110))
    found = ruled_returns(values, ReturnRules(capital_min=1.0))
    assert found.daily[0] == Undefined(Reason.CAPITAL_BELOW_MINIMUM)
    assert found.total == pytest.approx(0.1)


def test_no_day_has_no_return() -> None:
    nothing = days((100, 0, 0, 110))
    assert ruled_returns(nothing, ReturnRules(), np.array([False])).total == Undefined(
        Reason.NO_DATA
    )


def test_rules_without_meaning_are_refused() -> None:
    with pytest.raises(UnusableParameterError, match="large_flow_share"):
        ReturnRules(large_flow_share=-0.1)
    with pytest.raises(UnusableSeriesError, match="for each day"):
        ruled_returns(GAP, ReturnRules(), np.array([True]))
