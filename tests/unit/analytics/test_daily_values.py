"""What is taken as a series of daily values, and what is refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import DailyValues, to_days
from tidebook.errors import UnusableSeriesError
from tidebook.model.periods import Span


def _values(days: list[int], emv: list[float]) -> DailyValues:
    zeros = np.zeros(len(days))
    dates = to_days([date(2025, 1, day) for day in days])
    return DailyValues(dates, zeros, zeros, zeros, np.array(emv), zeros)


def test_rows_outside_the_span_are_left_out_and_both_ends_belong_to_it() -> None:
    inside = _values([1, 2, 5, 6, 9], [1, 2, 5, 6, 9]).within(
        Span(date(2025, 1, 2), date(2025, 1, 6))
    )
    assert inside.emv.tolist() == [2, 5, 6]
    assert len(inside) == 3


@pytest.mark.parametrize(
    ("days", "emv", "fault"),
    [
        ([1, 2], [1.0], "differ in length"),
        ([1, 2], [1.0, float("nan")], "not a finite number"),
        ([1], [float("inf")], "not a finite number"),
        ([2, 1], [1.0, 2.0], "do not rise"),
        ([1, 1], [1.0, 2.0], "do not rise"),
    ],
)
def test_rows_that_are_no_series_are_refused(days: list[int], emv: list[float], fault: str) -> None:
    with pytest.raises(UnusableSeriesError, match=fault):
        _values(days, emv)
