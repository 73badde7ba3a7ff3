"""The crossing from exact amounts to float64."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np

from tidebook.analytics import to_date, to_days, to_float64


def test_each_amount_becomes_the_nearest_float() -> None:
    crossed = to_float64(Decimal(text) for text in ("0.1", "-2.50", "1E+20"))
    assert crossed.dtype == np.float64
    assert crossed.tolist() == [0.1, -2.5, 1e20]


def test_no_amounts_become_an_empty_array() -> None:
    assert to_float64([]).shape == (0,)
    assert to_days([]).shape == (0,)


def test_days_survive_the_way_there_and_back() -> None:
    days = to_days([date(2024, 2, 29), date(1969, 12, 31)])
    assert [to_date(day) for day in days] == [date(2024, 2, 29), date(1969, 12, 31)]


def test_a_zero_of_any_spelling_is_zero() -> None:
    assert to_float64(map(Decimal, ("0", "0.00", "-0", "0E+7"))).tolist() == [0.0] * 4


def test_days_are_those_that_numpy_reads_from_text() -> None:
    texts = ["0001-01-01", "1900-03-01", "1970-01-01", "2000-02-29", "9999-12-31"]
    days = to_days([date.fromisoformat(text) for text in texts])
    assert days.dtype == np.dtype("datetime64[D]")
    assert (days == np.array(texts, "datetime64[D]")).all()
