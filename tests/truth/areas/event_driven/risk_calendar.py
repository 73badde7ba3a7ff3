"""Volatility of a week whose weekend returned nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from tests.truth.tolerance import assert_all_close, assert_close, assert_known
from tidebook.analytics import Conventions, DatedReturns, Frequency, figure, resampled, to_days

if TYPE_CHECKING:
    from tests.truth.cases import Content

MONDAY = date(2025, 1, 6)


def check(case: Content) -> None:
    """Link the calendar days into business days; a mixture of both understates the volatility."""
    inputs, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]["abs"]
    assert_known(expected, {"vol_business", "vol_reference_style"})
    assert inputs["k_business"] == Frequency.DAILY.periods_per_year
    assert inputs["k_calendar"] == Frequency.CALENDAR_DAILY.periods_per_year
    calendar = np.array(inputs["calendar_returns"], np.float64)
    days = to_days([MONDAY + timedelta(days=day) for day in range(len(calendar))])
    business = resampled(DatedReturns(days, calendar), Frequency.DAILY).returns
    assert_all_close(business.tolist(), inputs["business_returns"], 1e-15)
    conventions = Conventions(inputs["k_business"])
    found = figure("volatility", business, None, conventions)
    assert_close(found, expected["vol_business"], tolerance)
    mixed = figure("volatility", calendar, None, conventions)
    assert_close(mixed, expected["vol_reference_style"], tolerance)
