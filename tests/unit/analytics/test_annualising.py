"""A year of a return, fees of a year, and returns told in two currencies."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import (
    Reason,
    Undefined,
    YearBasis,
    annual_rate,
    base_return,
    linked_base_return,
    net_of_fee,
    years_between,
)
from tidebook.errors import UnusableParameterError, UnusableSeriesError


@pytest.mark.parametrize(
    ("start", "end", "basis", "years"),
    [
        (date(2021, 1, 1), date(2023, 1, 1), YearBasis.ACT_365F, 2.0),
        (date(2020, 1, 1), date(2024, 1, 1), YearBasis.ACT_365_25, 4.0),
        (date(2020, 1, 1), date(2021, 1, 1), YearBasis.ACT_ACT, 1.0),
        (date(2023, 7, 1), date(2024, 12, 31), YearBasis.ACT_ACT, 1 + 183 / 365),
        (date(2024, 2, 29), date(2025, 2, 27), YearBasis.ACT_ACT, 364 / 365),
        (date(2025, 1, 31), date(2025, 1, 31), YearBasis.ACT_ACT, 0.0),
    ],
)
def test_days_become_years(start: date, end: date, basis: YearBasis, years: float) -> None:
    assert years_between(start, end, basis) == pytest.approx(years, abs=1e-15)


def test_two_years_are_the_root() -> None:
    found = annual_rate(0.21, date(2021, 1, 1), date(2023, 1, 1))
    assert found == pytest.approx(0.1)


def test_a_day_short_of_a_year_is_no_year() -> None:
    found = annual_rate(0.1, date(2021, 1, 1), date(2021, 12, 31))
    assert found == Undefined(Reason.UNDER_ONE_YEAR)


def test_a_loss_of_more_than_everything_has_no_rate() -> None:
    found = annual_rate(-1.1, date(2021, 1, 1), date(2023, 1, 1))
    assert found == Undefined(Reason.BELOW_TOTAL_LOSS)


def test_a_fee_that_is_no_number_is_refused() -> None:
    with pytest.raises(UnusableParameterError, match="fee_annual"):
        net_of_fee(np.array([0.01]), float("nan"), 12)


def test_local_and_currency_returns_sum_to_the_base_return() -> None:
    local, currency = np.array([0.1, 0.1]), np.array([0.0, -0.5])
    found = linked_base_return(local, currency)
    assert found.base == pytest.approx(1.21 * 0.5 - 1)
    assert (found.local, found.currency) == (pytest.approx(0.21), -0.5)
    assert found.local + found.currency + found.interaction == pytest.approx(found.base)
    assert base_return(0.1, 0.0).base == pytest.approx(0.1)


def test_currency_returns_of_other_periods_are_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        linked_base_return(np.zeros(2), np.zeros(1))
