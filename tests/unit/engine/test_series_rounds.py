"""How many portfolios a round of the series takes: by their days, not by their number."""

from __future__ import annotations

from datetime import date, timedelta

from tidebook.engine.stages.series import at_once
from tidebook.engine.valuing import SeriesJob
from tidebook.model.portfolios import Portfolio

FIRST = date(2020, 1, 1)
DAYS = tuple(FIRST + timedelta(days=number) for number in range(4000))


def jobs(count: int, from_date: date) -> list[SeriesJob]:
    return [
        SeriesJob(Portfolio(f"P{number:03d}", "USD", FIRST), 1, 0, from_date)
        for number in range(count)
    ]


def test_many_short_series_are_taken_in_one_round() -> None:
    assert len(at_once(jobs(500, DAYS[-20]), DAYS)) == 500


def test_long_series_are_taken_a_few_at_a_time() -> None:
    # 4,000 days each: two have 8,000 and three would have 12,000, above 10,000.
    assert len(at_once(jobs(500, FIRST), DAYS)) == 2


def test_a_series_longer_than_a_round_is_taken_alone() -> None:
    days = tuple(FIRST + timedelta(days=number) for number in range(12_000))
    assert len(at_once(jobs(3, FIRST), days)) == 1


def test_without_business_dates_a_hundred_are_taken() -> None:
    assert len(at_once(jobs(500, FIRST), ())) == 100
