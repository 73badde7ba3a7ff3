"""Time-weighted returns where the sleeve changes, breaks or stands still."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    DailyValues,
    FeeBasis,
    Reason,
    Undefined,
    WarningKind,
    annualise,
    time_weighted,
    to_days,
)
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tidebook.analytics import Linked

FIRST = date(2025, 3, 10)
ALWAYS = Span(date(2000, 1, 1), date(2100, 1, 1))


def _link(
    rows: list[tuple[float, float, float, float]],
    *,
    fees: float = 0.0,
    basis: FeeBasis = FeeBasis.NET,
    span: Span = ALWAYS,
) -> Linked:
    """Link rows of opening value, flow at start, flow at end and closing value."""
    bmv, bcf, ecf, emv = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    dates = to_days([FIRST + timedelta(days=day) for day in range(len(rows))])
    values = DailyValues(dates, bmv, bcf, ecf, emv, np.full(len(rows), fees))
    return time_weighted(values, span, basis)


def test_a_period_of_one_day_earns_that_day_once() -> None:
    linked = _link([(1000, 0, 0, 1010)])
    assert linked.total == pytest.approx(0.01, abs=1e-15)
    short = _link([(-1000, 0, 0, -990)])
    assert short.total == pytest.approx(0.01, abs=1e-15)


def test_a_fee_lowers_the_net_return_and_not_the_gross_one() -> None:
    assert _link([(1000, 0, 0, 995)], fees=5).total == pytest.approx(-0.005, abs=1e-15)
    gross = _link([(1000, 0, 0, 995)], fees=5, basis=FeeBasis.GROSS)
    assert gross.total == 0.0


def test_days_outside_the_span_do_not_count() -> None:
    second = FIRST + timedelta(days=1)
    rows = [(100.0, 0.0, 0.0, 50.0), (50.0, 0.0, 0.0, 55.0), (55.0, 0.0, 0.0, 110.0)]
    assert _link(rows, span=Span(second, second)).total == pytest.approx(0.1, abs=1e-15)


def test_without_any_day_the_return_is_undefined() -> None:
    linked = _link([(100, 0, 0, 101)], span=Span(date(1999, 1, 1), date(1999, 12, 31)))
    assert linked.total == Undefined(Reason.NO_DATA)
    assert linked.cumulative.size == 0


def test_a_gain_without_capital_is_reported_and_not_earned() -> None:
    linked = _link([(0, 0, 0, 1), (1, 0, 0, 1.5)])
    assert linked.daily.tolist() == [0.0, 0.5]
    (warning,) = linked.warnings
    assert (warning.kind, warning.on) == (WarningKind.GAIN_WITHOUT_CAPITAL, FIRST)
    assert "2025-03-10" in warning.sentence


def test_cancelling_flows_leave_neither_capital_nor_a_gain_behind() -> None:
    # 0.1 + 0.2 and 0.3 differ in float64 by 5.6e-17, which must not become a return.
    linked = _link([(0.1 + 0.2, -0.3, 0, 0), (0, 0, 100.1, 100.0)], fees=0.1, basis=FeeBasis.GROSS)
    assert linked.daily[0] == 0.0
    assert [warning.on for warning in linked.warnings] == [FIRST]  # the fee of the first day


def test_capital_that_leaves_and_comes_back_carries_the_return_over_the_gap() -> None:
    linked = _link([(100, 0, -110, 0), (0, 0, 0, 0), (0, 200, 0, 220)])
    assert linked.cumulative == pytest.approx([0.1, 0.1, 0.21], abs=1e-15)
    assert linked.warnings == ()


def test_a_long_and_a_short_sleeve_multiply() -> None:
    # +10 % long; then a debt of 100 shrinks to 80 (+20 % of it): 1.1 * 1.2 - 1.
    linked = _link([(100, 0, -110, 0), (0, -100, 0, -80)])
    assert linked.daily == pytest.approx([0.1, 0.2], abs=1e-15)
    assert linked.total == pytest.approx(0.32, abs=1e-15)


def test_a_short_sleeve_that_loses_more_than_everything_is_reset() -> None:
    linked = _link([(-100, 0, 0, -210), (-210, 0, 0, -189)])
    assert linked.daily == pytest.approx([-1.1, 0.1], abs=1e-15)
    assert linked.cumulative == pytest.approx([0.0, 0.1], abs=1e-15)
    assert linked.resets == (FIRST,)
    assert [warning.kind for warning in linked.warnings] == [WarningKind.CHAIN_RESET]


def test_a_debt_more_than_earned_back_keeps_its_gain() -> None:
    # The debt of 100 becomes a value of 50: +150 %; a new debt then gains 10 %: 2.5 * 1.1 - 1.
    linked = _link([(-100, 0, 0, 50), (50, -150, 0, -90)])
    assert linked.total == pytest.approx(1.75, abs=1e-14)
    assert linked.resets == ()


def test_each_loss_of_more_than_everything_resets_anew() -> None:
    rows = [(100.0, 0.0, 0.0, -10.0), (-10.0, 110.0, 0.0, 110.0), (110.0, 0.0, 0.0, -11.0)]
    linked = _link([*rows, (-11, 111, 0, 105)])
    assert linked.cumulative == pytest.approx([0.0, 0.1, 0.0, 0.05], abs=1e-15)
    assert linked.resets == (FIRST, FIRST + timedelta(days=2))


def test_a_loss_of_exactly_everything_stays_and_is_no_reset() -> None:
    linked = _link([(0.3, 0, 0, 0), (0, 100, 0, 150)])
    assert linked.cumulative.tolist() == [-1.0, -1.0]
    assert linked.resets == ()
    assert [warning.kind for warning in linked.warnings] == [WarningKind.TOTAL_LOSS]


@pytest.mark.parametrize(
    ("cumulative", "start", "end", "rate"),
    [
        (0.05, date(2024, 1, 1), date(2024, 1, 1), 0.05),
        (0.08, date(2024, 1, 1), date(2024, 12, 31), 0.08),  # 366 days, both ends counted
        (-1.0, date(2020, 1, 1), date(2024, 12, 31), -1.0),
        (0.21, date(2001, 1, 1), date(2004, 12, 31), 1.21**0.25 - 1),  # 1461 days: four years
    ],
)
def test_a_rate_is_annualised_only_beyond_366_days(
    cumulative: float, start: date, end: date, rate: float
) -> None:
    assert annualise(cumulative, start, end) == pytest.approx(rate, abs=1e-15)


def test_a_loss_of_more_than_everything_has_no_yearly_rate() -> None:
    result = annualise(-1.01, date(2020, 1, 1), date(2024, 1, 1))
    assert result == Undefined(Reason.BELOW_TOTAL_LOSS)
