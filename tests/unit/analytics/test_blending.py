"""A blend of indices between and on the days on which it is rebalanced."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import Rebalancing, blended, to_days
from tidebook.errors import UnusableParameterError, UnusableSeriesError

DAYS = to_days([date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)])
UP = np.array([100.0, 200.0, 400.0, 400.0])
FLAT = np.array([10.0, 10.0, 10.0, 20.0])
HALVES = np.array([0.5, 0.5])


def test_rebalanced_daily_every_day_starts_from_the_weights() -> None:
    # Half doubles: 1.5; half doubles again: 1.5; the other half doubles: 1.5.
    found = blended(DAYS, [UP, FLAT], HALVES, Rebalancing.DAILY)
    assert found.tolist() == pytest.approx([100, 150, 225, 337.5])


def test_rebalanced_monthly_weights_drift_inside_a_month() -> None:
    # January ends at 150 and is rebalanced: 75 and 75. On 1 February they are 150 and 75, and on
    # the 2nd 150 and 150: inside the month nothing is brought back.
    found = blended(DAYS, [UP, FLAT], HALVES, Rebalancing.MONTHLY)
    assert found.tolist() == pytest.approx([100, 150, 225, 300])


def test_one_part_is_that_part() -> None:
    for way in Rebalancing:
        found = blended(DAYS, [UP], np.array([1.0]), way)
        assert found.tolist() == pytest.approx(UP.tolist())


def test_one_day_is_the_start() -> None:
    for way in Rebalancing:
        assert blended(DAYS[:1], [UP[:1], FLAT[:1]], HALVES, way).tolist() == [100]


@pytest.mark.parametrize("weights", [[0.5, 0.4], [1.5, -0.5], [1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(UnusableParameterError):
        blended(DAYS, [UP, FLAT], np.array(weights), Rebalancing.DAILY)


@pytest.mark.parametrize("levels", [FLAT[:2], np.array([1.0, 0.0, 1.0, 1.0]), FLAT * np.nan])
def test_levels_that_are_none_are_refused(levels: np.ndarray) -> None:
    with pytest.raises(UnusableSeriesError):
        blended(DAYS, [UP, levels], HALVES, Rebalancing.DAILY)
