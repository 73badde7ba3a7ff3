"""Money-weighted returns where rates are steep, several, or missing."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tidebook.analytics import (
    DatedAmounts,
    Reason,
    RootStatus,
    Undefined,
    internal_rate,
    money_weighted,
    present_value,
    to_days,
)
from tidebook.errors import UnusableSeriesError
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tidebook.analytics import MoneyWeighted

START = date(2021, 1, 1)
NO_FLOWS = DatedAmounts(to_days([]), np.zeros(0))


def _flows(*amounts: float, days: tuple[int, ...] | None = None) -> DatedAmounts:
    """Return flows on the given days after the start, or a year of 365 days apart."""
    offsets = days or tuple(365 * year for year in range(len(amounts)))
    dates = to_days([START + timedelta(days=offset) for offset in offsets])
    return DatedAmounts(dates, np.array(amounts, dtype=np.float64))


def _over(days: int, opening: float, closing: float) -> MoneyWeighted:
    span = Span(START, START + timedelta(days=days))
    return money_weighted(NO_FLOWS, span, opening=opening, closing=closing)


def test_a_year_of_ten_percent_is_ten_percent() -> None:
    result = _over(365, 100, 110)
    assert result.rate_annual == pytest.approx(0.1, abs=1e-12)
    assert result.rate_period == pytest.approx(0.1, abs=1e-12)
    assert result.rate_annualised == result.rate_annual
    assert result.status is RootStatus.UNIQUE


def test_one_day_less_than_a_year_is_not_annualised() -> None:
    result = _over(364, 100, 110)
    assert result.rate_annualised == Undefined(Reason.UNDER_ONE_YEAR)
    assert result.rate_period == pytest.approx(0.1, abs=1e-12)


def test_a_rate_beyond_all_floats_leaves_the_return_of_the_period() -> None:
    result = _over(1, 1, 1000)
    assert result.rate_annual == Undefined(Reason.TOO_LARGE)
    assert result.rate_period == pytest.approx(999, rel=1e-12)
    assert result.status is RootStatus.UNIQUE


def test_all_but_everything_lost_in_a_day_has_a_rate() -> None:
    found = internal_rate(_flows(-1.0, 1e-9, days=(0, 1)))
    assert found.log_rates[0] == pytest.approx(365 * math.log(1e-9), rel=1e-12)
    assert found.rate_annual == -1.0


def test_money_that_is_all_gone_is_a_total_loss() -> None:
    result = _over(400, 100, 0)
    assert (result.rate_annual, result.rate_period, result.rate_annualised) == (-1.0, -1.0, -1.0)
    assert result.status is RootStatus.TOTAL_LOSS
    assert _over(30, 100, 0).rate_annualised == Undefined(Reason.UNDER_ONE_YEAR)


@pytest.mark.parametrize(
    ("amounts", "roots"),
    [
        ((-100, 230, -132), [0.1, 0.2]),  # 100 (1.1 - x)(1.2 - x)
        ((-1000, 6000, -11000, 6000), [0.0, 1.0, 2.0]),  # (x - 1)(x - 2)(x - 3)
        ((100, -230, 132), [0.1, 0.2]),
        ((-1000, 2500.1, -1562.625), [0.25, 0.2501]),  # 1000 (1.25 - x)(1.2501 - x)
    ],
)
def test_every_rate_is_found_and_none_is_chosen(
    amounts: tuple[float, ...], roots: list[float]
) -> None:
    found = internal_rate(_flows(*amounts))
    assert found.status is RootStatus.MULTIPLE
    assert found.rate_annual == Undefined(Reason.MULTIPLE_ROOTS)
    assert found.roots_annual == pytest.approx(roots, abs=1e-10)


def test_a_rate_at_which_the_value_only_touches_zero_is_found() -> None:
    found = internal_rate(_flows(-100, 220, -121))  # -100 (1.1 - x)**2
    assert found.status is RootStatus.UNIQUE
    assert found.rate_annual == pytest.approx(0.1, abs=1e-6)  # a double root has half the digits


@pytest.mark.parametrize(
    "amounts",
    [
        (-100, 200, -121),  # -100 ((1 - x)**2 + 0.21)
        (-100, 220, -121.01),  # -100 ((1.1 - x)**2 + 0.0001): a near miss
    ],
)
def test_flows_that_no_rate_explains_say_so(amounts: tuple[float, ...]) -> None:
    found = internal_rate(_flows(*amounts))
    assert found.status is RootStatus.NONE
    assert found.rate_annual == Undefined(Reason.NO_ROOT)


def test_a_period_without_a_rate_has_no_return_either() -> None:
    result = _over(400, 100, -1)
    assert result.rate_annual == Undefined(Reason.NO_SIGN_CHANGE)
    assert result.rate_period == result.rate_annualised == result.rate_annual
    assert result.roots_annual == ()


def test_many_changes_of_sign_still_have_one_rate_while_capital_is_at_work() -> None:
    # 1000 earn 5 % a year throughout, with 50 taken out and 40 put in turn by turn.
    capital, amounts = 1000.0, [-1000.0]
    for year in range(1, 10):
        flow = 50.0 if year % 2 else -40.0
        amounts.append(flow)
        capital = capital * 1.05 - flow
    found = internal_rate(_flows(*amounts, capital * 1.05))
    assert found.status is RootStatus.UNIQUE
    assert found.rate_annual == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        (_flows(-100, 110, days=(0, 0)), Reason.ZERO_DURATION),
        (_flows(-100), Reason.ZERO_DURATION),
        (_flows(-100, -1), Reason.NO_SIGN_CHANGE),
        (_flows(100, 1), Reason.NO_SIGN_CHANGE),
        (_flows(0, 0), Reason.NO_SIGN_CHANGE),
        (NO_FLOWS, Reason.NO_SIGN_CHANGE),
    ],
)
def test_what_has_no_rate_says_why(flows: DatedAmounts, reason: Reason) -> None:
    found = internal_rate(flows)
    assert found.rate_annual == Undefined(reason)
    assert found.status is RootStatus.NONE
    assert found.roots_annual == ()


def test_flows_of_one_day_are_added_up_and_their_order_is_free() -> None:
    merged = internal_rate(_flows(-100, 50, 60))
    mixed = internal_rate(_flows(60, -70, 25, -30, 25, days=(730, 0, 365, 0, 365)))
    assert mixed.rate_annual == pytest.approx(merged.rate_annual, abs=1e-14)


def test_a_flow_outside_the_span_is_refused() -> None:
    span = Span(START, START + timedelta(days=10))
    with pytest.raises(UnusableSeriesError, match="outside 2021-01-01 to 2021-01-11"):
        money_weighted(_flows(1, days=(11,)), span, opening=1, closing=2)


def test_amounts_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="not a finite number"):
        _flows(-1, math.nan)
    with pytest.raises(UnusableSeriesError, match="not a finite number"):
        _over(10, math.inf, 1)
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        DatedAmounts(to_days([START]), np.zeros(2))


def test_a_present_value_discounts_to_the_earliest_day() -> None:
    assert present_value(_flows(110, -50, days=(365, 0)), 0.1) == pytest.approx(50, abs=1e-12)
    assert present_value(NO_FLOWS, 0.1) == 0.0
