"""Daily returns linked into business days, weeks and months, and over another calendar."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest

from tidebook.analytics import (
    DatedReturns,
    Frequency,
    Reason,
    Undefined,
    log_returns,
    paired,
    resampled,
    to_days,
)
from tidebook.errors import UnusableSeriesError

MONDAY = date(2025, 1, 6)


def _returns(first: date, *returns: float) -> DatedReturns:
    days = [first + timedelta(days=number) for number in range(len(returns))]
    return DatedReturns(to_days(days), np.array(returns, np.float64))


def _days(series: DatedReturns) -> list[str]:
    return [str(day) for day in series.dates]


def test_a_weekend_belongs_to_the_business_day_after_it() -> None:
    friday = MONDAY - timedelta(days=3)
    found = resampled(_returns(friday, 0.01, 0.1, 0.0, 0.1, 0.02), Frequency.DAILY)
    assert _days(found) == ["2025-01-03", "2025-01-06", "2025-01-07"]
    assert found.returns == pytest.approx([0.01, 0.21, 0.02], abs=1e-15)


def test_a_weekend_at_the_end_belongs_to_the_business_day_before() -> None:
    found = resampled(_returns(MONDAY + timedelta(days=4), 0.1, 0.0, 0.1), Frequency.DAILY)
    assert _days(found) == ["2025-01-12"]
    assert found.returns == pytest.approx([0.21], abs=1e-15)


def test_a_weekend_alone_is_one_period() -> None:
    found = resampled(_returns(MONDAY + timedelta(days=5), 0.1, 0.1), Frequency.DAILY)
    assert found.returns == pytest.approx([0.21], abs=1e-15)


def test_a_weekend_before_a_holiday_belongs_to_the_next_day_that_is_there() -> None:
    days = to_days([date(2025, 1, 3), date(2025, 1, 5), date(2025, 1, 7)])
    found = resampled(DatedReturns(days, np.array([0.01, 0.1, 0.1])), Frequency.DAILY)
    assert _days(found) == ["2025-01-03", "2025-01-07"]
    assert found.returns == pytest.approx([0.01, 0.21], abs=1e-15)


def test_weeks_end_on_friday() -> None:
    thursday = MONDAY + timedelta(days=3)
    found = resampled(_returns(thursday, 0.1, 0.1, 0.5, 0.0, 0.0), Frequency.WEEKLY)
    assert _days(found) == ["2025-01-10", "2025-01-13"]
    assert found.returns == pytest.approx([0.21, 0.5], abs=1e-15)


def test_weeks_before_1970_end_on_friday_too() -> None:
    thursday = date(1969, 12, 25)
    found = resampled(_returns(thursday, 0.1, 0.1, 0.5, 0.0), Frequency.WEEKLY)
    assert _days(found) == ["1969-12-26", "1969-12-28"]
    assert found.returns == pytest.approx([0.21, 0.5], abs=1e-15)


def test_months_are_those_of_the_calendar() -> None:
    found = resampled(_returns(date(2025, 1, 30), 0.1, 0.1, 0.5, -0.5), Frequency.MONTHLY)
    assert _days(found) == ["2025-01-31", "2025-02-02"]
    assert found.returns == pytest.approx([0.21, -0.25], abs=1e-15)


def test_quarters_and_years_are_those_of_the_calendar() -> None:
    # 30 December to 2 April: a year that ends, the first quarter, and two days of the second.
    told = [0.1, 0.1, *[0.0] * 89, 0.5, -0.5, 0.2]
    series = _returns(date(2024, 12, 30), *told)
    quarters = resampled(series, Frequency.QUARTERLY)
    assert _days(quarters) == ["2024-12-31", "2025-03-31", "2025-04-02"]
    assert quarters.returns == pytest.approx([0.21, 0.5, -0.4], abs=1e-14)
    years = resampled(series, Frequency.YEARLY)
    assert _days(years) == ["2024-12-31", "2025-04-02"]
    assert years.returns == pytest.approx([0.21, -0.1], abs=1e-14)


def test_a_period_of_one_day_is_that_day_to_the_last_digit() -> None:
    returns = _returns(MONDAY, 0.1, -0.2, 0.7)
    assert resampled(returns, Frequency.DAILY).returns.tolist() == [0.1, -0.2, 0.7]
    assert resampled(returns, Frequency.CALENDAR_DAILY) is returns


@pytest.mark.parametrize("frequency", Frequency)
def test_linking_loses_nothing(frequency: Frequency) -> None:
    returns = np.sin(np.arange(400.0)) / 50
    series = _returns(MONDAY, *returns.tolist())
    whole = np.prod(1 + resampled(series, frequency).returns)
    assert whole == pytest.approx(np.prod(1 + returns), rel=1e-12)


def test_no_returns_stay_none() -> None:
    assert len(resampled(_returns(MONDAY), Frequency.WEEKLY)) == 0


def test_a_finer_calendar_is_linked_over_the_days_between() -> None:
    fund = _returns(MONDAY, 0.01, 0.1, 0.1, 0.02)
    index = DatedReturns(fund.dates[[0, 2, 3]], np.array([0.005, 0.03, 0.01]))
    found = paired(fund, index)
    assert [str(day) for day in found.dates] == ["2025-01-06", "2025-01-08", "2025-01-09"]
    assert found.returns == pytest.approx([0.01, 0.21, 0.02], abs=1e-15)
    assert found.benchmark.tolist() == [0.005, 0.03, 0.01]
    assert found.left_out == 0


def test_days_outside_the_common_ones_are_left_out_and_counted() -> None:
    fund = _returns(MONDAY, 0.01, 0.02, 0.03)
    index = _returns(MONDAY + timedelta(days=1), 0.1, 0.2, 0.3, 0.4)
    found = paired(fund, index)
    assert found.returns.tolist() == [0.02, 0.03]
    assert found.benchmark.tolist() == [0.1, 0.2]
    assert found.left_out == 3


def test_series_without_a_common_day_have_no_pair() -> None:
    found = paired(_returns(MONDAY, 0.1), _returns(MONDAY + timedelta(days=1), 0.1))
    assert found.returns.size == found.benchmark.size == 0
    assert found.left_out == 2


def test_a_total_loss_has_no_logarithm() -> None:
    assert log_returns(np.array([0.1, -1.0])) == Undefined(Reason.TOTAL_LOSS)
    found = log_returns(np.array([math.e - 1]))
    assert not isinstance(found, Undefined)
    assert found == pytest.approx([1.0], abs=1e-15)


@pytest.mark.parametrize(
    ("days", "returns"),
    [
        ([MONDAY], [0.1, 0.2]),
        ([MONDAY], [math.nan]),
        ([MONDAY, MONDAY], [0.1, 0.2]),
    ],
)
def test_returns_that_are_no_series_are_refused(days: list[date], returns: list[float]) -> None:
    with pytest.raises(UnusableSeriesError):
        DatedReturns(to_days(days), np.array(returns))


def test_a_frequency_knows_how_many_of_it_make_a_year() -> None:
    assert [each.periods_per_year for each in Frequency] == [252, 365, 52, 12, 4, 1]
