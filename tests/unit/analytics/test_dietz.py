"""Returns of one period without daily values."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import (
    DatedAmounts,
    FlowTiming,
    Reason,
    Undefined,
    between_flows,
    dietz,
    modified_dietz,
    simple_dietz,
    to_days,
)
from tidebook.errors import UnusableSeriesError
from tidebook.model.periods import Span

APRIL = Span(date(2025, 4, 1), date(2025, 4, 30))


def flow(on: date, amount: float) -> DatedAmounts:
    return DatedAmounts(to_days([on]), np.array([amount]))


@pytest.mark.parametrize(
    ("timing", "capital"),
    [
        (FlowTiming.START_OF_DAY, 100 + 60 * 21 / 30),
        (FlowTiming.MIDDLE_OF_DAY, 100 + 60 * 20.5 / 30),
        (FlowTiming.END_OF_DAY, 100 + 60 * 20 / 30),
    ],
)
def test_a_flow_works_for_what_is_left_of_the_month(timing: FlowTiming, capital: float) -> None:
    found = modified_dietz(
        flow(date(2025, 4, 10), 60.0), APRIL, opening=100.0, closing=170.0, timing=timing
    )
    assert found == pytest.approx(10 / capital)


def test_a_flow_on_the_last_day_at_its_end_never_worked() -> None:
    found = modified_dietz(flow(date(2025, 4, 30), 60.0), APRIL, opening=100.0, closing=170.0)
    assert found == pytest.approx(0.1)


def test_without_capital_there_is_no_return() -> None:
    assert simple_dietz(-50.0, 60.0, 100.0) == Undefined(Reason.NO_CAPITAL)


def test_a_gain_on_a_debt_is_a_gain() -> None:
    assert dietz(-100.0, -90.0, np.zeros(0), np.zeros(0)) == pytest.approx(0.1)


def test_what_cannot_be_weighted_is_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="outside"):
        modified_dietz(flow(date(2025, 5, 1), 1.0), APRIL, opening=1.0, closing=1.0)
    with pytest.raises(UnusableSeriesError, match="when in the day"):
        modified_dietz(
            flow(date(2025, 4, 1), 1.0),
            APRIL,
            opening=1.0,
            closing=1.0,
            timing=FlowTiming.AS_RECORDED,
        )
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        dietz(1.0, 1.0, np.ones(1), np.ones(2))
    with pytest.raises(UnusableSeriesError, match="finite"):
        dietz(1.0, float("nan"), np.ones(1), np.ones(1))


def test_a_withdrawal_of_everything_leaves_nothing_to_measure() -> None:
    found = between_flows(np.array([100.0, 110.0, 0.0]), np.array([0.0, -110.0]))
    assert found == Undefined(Reason.NO_CAPITAL)


def test_values_and_flows_have_to_fit() -> None:
    with pytest.raises(UnusableSeriesError, match="one more value"):
        between_flows(np.ones(2), np.ones(2))
