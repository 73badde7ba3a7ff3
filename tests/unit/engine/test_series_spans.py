"""Days that end, as spans in which nothing else is stored."""

from __future__ import annotations

from datetime import date

from tidebook.engine.stages.series import spans
from tidebook.engine.valuing import Span

DAYS = [date(2024, 6, day) for day in (3, 4, 5, 6, 7, 10)]


def test_nothing_ends() -> None:
    assert spans([], []) == []
    assert spans([], DAYS) == []


def test_all_that_is_stored_ends_in_one_span() -> None:
    assert spans(DAYS, DAYS) == [Span(date(2024, 6, 3), date(2024, 6, 10))]
    assert spans(DAYS[::-1], DAYS) == [Span(date(2024, 6, 3), date(2024, 6, 10))]


def test_a_day_that_stays_parts_two_spans() -> None:
    close = [DAYS[0], DAYS[1], DAYS[3]]
    found = [Span(date(2024, 6, 3), date(2024, 6, 4)), Span(date(2024, 6, 6), date(2024, 6, 6))]
    assert spans(close, DAYS) == found
    assert spans(close[::-1], DAYS[::-1]) == found


def test_a_day_that_was_never_stored_parts_nothing() -> None:
    assert spans(DAYS[4:], DAYS) == [Span(date(2024, 6, 7), date(2024, 6, 10))]
