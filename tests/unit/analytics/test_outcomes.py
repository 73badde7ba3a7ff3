"""What a tear sheet tells of a series."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics.figures import Undefined
from tidebook.analytics.outcomes import outcomes
from tidebook.analytics.sampling import DatedReturns, Frequency, resampled

DAYS = np.array(
    ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-31", "2024-02-01", "2024-04-02"],
    "datetime64[D]",
)
FUND = DatedReturns(DAYS, np.array([0.1, -0.5, 0.2, 0.5, -0.1, 0.1]))


def test_quarters_and_years_are_those_of_the_calendar() -> None:
    years = resampled(FUND, Frequency.YEARLY)
    assert [str(day) for day in years.dates] == ["2023-12-29", "2024-04-02"]
    assert years.returns == pytest.approx([1.1 * 0.5 - 1, 1.2 * 1.5 * 0.9 * 1.1 - 1])
    quarters = resampled(FUND, Frequency.QUARTERLY)
    assert [str(day) for day in quarters.dates] == ["2023-12-29", "2024-02-01", "2024-04-02"]
    assert Frequency.QUARTERLY.periods_per_year == 4
    assert Frequency.YEARLY.periods_per_year == 1


def test_the_deepest_falls_come_first() -> None:
    own = outcomes(FUND).own
    assert own.wealth[-1] == pytest.approx(1.1 * 0.5 * 1.2 * 1.5 * 0.9 * 1.1)
    assert [round(fall.depth, 12) for fall in own.worst] == [0.5]
    assert own.worst[0].peak_on == date(2023, 12, 28)
    assert own.worst[0].recovered_on is None


def test_a_benchmark_is_told_over_the_days_that_both_have() -> None:
    market = DatedReturns(DAYS[[1, 3, 4]], np.array([0.02, 0.01, -0.02]))
    found = outcomes(FUND, market, window=2)
    assert found.benchmark is not None
    assert found.own.returns.dates.tolist() == market.dates.tolist()
    assert found.own.returns.returns[1] == pytest.approx(1.2 * 1.5 - 1)
    assert found.left_out == 2
    assert "beta" in found.rolling.figures
    assert found.matched is not None
    spread = np.diff(found.matched, prepend=1.0) / np.concatenate([[1.0], found.matched[:-1]])
    assert spread.std() == pytest.approx(found.own.returns.returns.std())


def test_a_benchmark_that_rests_cannot_be_matched() -> None:
    found = outcomes(FUND, DatedReturns(DAYS, np.zeros(6)))
    assert found.matched is None


def test_of_nothing_nothing_is_told() -> None:
    found = outcomes(DatedReturns(DAYS[:0], np.zeros(0)))
    assert isinstance(found.own.drawdown, Undefined)
    assert all(isinstance(one, Undefined) for one in found.own.suite.figures.values())
    assert found.own.worst == ()
