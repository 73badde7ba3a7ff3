"""Named periods on the days where calendars are awkward."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from tidebook.errors import InvalidPeriodError
from tidebook.model.periods import (
    Breakdown,
    NoSpan,
    NoSpanReason,
    PeriodRequest,
    PeriodType,
    Span,
    counted,
    cut,
    period_named,
    resolve,
)

LONG_AGO = date(1990, 1, 1)
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
NEEDS_MORE = {
    PeriodType.EXPLICIT,
    PeriodType.YEAR,
    PeriodType.ROLLING,
    PeriodType.SINCE_RESTATEMENT,
}
TO_DATE = [kind for kind in PeriodType if kind not in NEEDS_MORE]


def _start(period: PeriodType, as_of: date, inception: date = LONG_AGO) -> date:
    span = resolve(PeriodRequest(period), as_of=as_of, inception=inception)
    assert isinstance(span, Span)
    assert span.end == as_of
    return span.start


@pytest.mark.parametrize(
    ("period", "as_of", "start"),
    [
        (PeriodType.WTD, date(2025, 8, 13), date(2025, 8, 11)),  # a Wednesday
        (PeriodType.WTD, date(2025, 8, 11), date(2025, 8, 11)),  # a Monday
        (PeriodType.WTD, date(2025, 8, 17), date(2025, 8, 11)),  # a Sunday
        (PeriodType.MTD, date(2025, 8, 13), date(2025, 8, 1)),
        (PeriodType.QTD, date(2025, 8, 13), date(2025, 7, 1)),
        (PeriodType.QTD, date(2025, 3, 31), date(2025, 1, 1)),
        (PeriodType.QTD, date(2025, 12, 31), date(2025, 10, 1)),
        (PeriodType.YTD, date(2025, 8, 13), date(2025, 1, 1)),
        (PeriodType.ONE_YEAR, date(2025, 2, 28), date(2024, 2, 29)),
        (PeriodType.ONE_YEAR, date(2024, 2, 29), date(2023, 3, 1)),
        (PeriodType.FIVE_YEAR, date(2024, 2, 29), date(2019, 3, 1)),
        (PeriodType.THREE_YEAR, date(2025, 12, 31), date(2023, 1, 1)),
        (PeriodType.SI, date(2025, 8, 13), LONG_AGO),
    ],
)
def test_a_named_period_starts_where_its_name_says(
    period: PeriodType, as_of: date, start: date
) -> None:
    assert _start(period, as_of) == start


def test_no_period_starts_before_inception() -> None:
    inception = date(2025, 8, 5)
    for period in PeriodType:
        if period not in NEEDS_MORE | {PeriodType.WTD}:
            assert _start(period, date(2025, 8, 13), inception) == inception


def test_years_before_the_calendar_begins_leave_the_start_to_inception() -> None:
    assert _start(PeriodType.FIVE_YEAR, date(3, 5, 1), date(2, 1, 1)) == date(2, 1, 1)


def test_a_year_and_an_explicit_period_are_not_cut_off_at_the_day_asked_for() -> None:
    as_of = date(2025, 3, 1)
    year = resolve(PeriodRequest(PeriodType.YEAR, year=2025), as_of=as_of, inception=LONG_AGO)
    assert year == Span(date(2025, 1, 1), date(2025, 12, 31))
    explicit = PeriodRequest(PeriodType.EXPLICIT, date(2025, 2, 1), date(2025, 4, 30))
    resolved = resolve(explicit, as_of=as_of, inception=LONG_AGO)
    assert resolved == Span(date(2025, 2, 1), date(2025, 4, 30))


def test_a_period_that_ends_before_inception_has_no_span_and_says_why() -> None:
    inception = date(2024, 3, 1)
    found = resolve(
        PeriodRequest(PeriodType.YEAR, year=2023), as_of=date(2025, 1, 1), inception=inception
    )
    assert isinstance(found, NoSpan)
    assert found == NoSpan(NoSpanReason.ENDS_BEFORE_INCEPTION, date(2023, 12, 31), inception)
    assert found.sentence == ("the period ends on 2023-12-31, before the inception on 2024-03-01")


def test_a_period_that_ends_on_the_day_of_inception_is_that_day() -> None:
    day = date(2024, 3, 1)
    assert resolve(PeriodRequest(PeriodType.SI), as_of=day, inception=day) == Span(day, day)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("ytd", PeriodType.YTD),
        (" 1Y ", PeriodType.ONE_YEAR),
        ("3y", PeriodType.THREE_YEAR),
        ("5Y", PeriodType.FIVE_YEAR),
        ("ITD", PeriodType.SI),
        ("THREE_YEAR", PeriodType.THREE_YEAR),
    ],
)
def test_names_and_their_aliases_are_understood(text: str, period: PeriodType) -> None:
    assert PeriodType.parse(text) is period


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidPeriodError, match="period 7Y is none of EXPLICIT, YEAR, WTD"):
        PeriodType.parse("7Y")


@pytest.mark.parametrize(
    ("fault", "period", "start", "end", "year"),
    [
        ("needs both", PeriodType.EXPLICIT, date(2025, 1, 1), None, None),
        ("takes neither", PeriodType.MTD, date(2025, 1, 1), None, None),
        ("needs its year", PeriodType.YEAR, None, None, None),
        ("takes no year", PeriodType.YTD, None, None, 2024),
        ("has no year 10000", PeriodType.YEAR, None, None, 10_000),
        ("ends before it starts", PeriodType.EXPLICIT, date(2025, 1, 2), date(2025, 1, 1), None),
    ],
)
def test_a_request_that_names_no_days_is_refused(
    fault: str, period: PeriodType, start: date | None, end: date | None, year: int | None
) -> None:
    with pytest.raises(InvalidPeriodError, match=fault):
        PeriodRequest(period, start, end, year)


@pytest.mark.parametrize(
    ("breakdown", "ends"),
    [
        (Breakdown.WEEKLY, ["2024-12-29", "2025-01-05", "2025-01-07"]),
        (Breakdown.MONTHLY, ["2024-12-31", "2025-01-07"]),
        (Breakdown.QUARTERLY, ["2024-12-31", "2025-01-07"]),
        (Breakdown.YEARLY, ["2024-12-31", "2025-01-07"]),
    ],
)
def test_parts_end_with_their_week_month_quarter_or_year(
    breakdown: Breakdown, ends: list[str]
) -> None:
    span = Span(date(2024, 12, 28), date(2025, 1, 7))  # Saturday to Tuesday
    assert [str(part.end) for part in cut(span, breakdown)] == ends


def test_a_leap_february_and_the_four_quarters_have_their_own_length() -> None:
    year = Span(date(2024, 1, 1), date(2024, 12, 31))
    months = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert [part.days for part in cut(year, Breakdown.MONTHLY)] == months
    assert [part.days for part in cut(year, Breakdown.QUARTERLY)] == [91, 91, 92, 92]
    assert cut(year, Breakdown.YEARLY) == (year,)


def test_the_last_days_of_the_calendar_can_be_cut() -> None:
    span = Span(date(9999, 12, 30), date.max)
    for breakdown in (Breakdown.WEEKLY, Breakdown.MONTHLY, Breakdown.YEARLY):
        assert cut(span, breakdown) == (span,)


@given(DAYS, st.integers(0, 800), st.sampled_from(Breakdown))
def test_parts_cover_the_span_without_gap_or_overlap(
    start: date, length: int, breakdown: Breakdown
) -> None:
    span = Span(start, start + timedelta(days=length))
    parts = cut(span, breakdown)
    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    for earlier, later in itertools.pairwise(parts):
        assert later.start - earlier.end == timedelta(days=1)
    assert sum(part.days for part in parts) == span.days


@given(DAYS, DAYS, st.sampled_from(TO_DATE))
def test_a_named_period_holds_its_day_or_has_no_span(
    as_of: date, inception: date, period: PeriodType
) -> None:
    found = resolve(PeriodRequest(period), as_of=as_of, inception=inception)
    if as_of < inception:
        assert isinstance(found, NoSpan)
    else:
        assert isinstance(found, Span)
        assert inception <= found.start <= found.end == as_of


@pytest.mark.parametrize(
    ("word", "as_of", "start"),
    [
        ("3M", date(2025, 5, 31), date(2025, 3, 1)),  # February has no 31st
        ("3m", date(2025, 6, 30), date(2025, 3, 31)),
        ("18M", date(2025, 1, 15), date(2023, 7, 16)),
        ("1D", date(2025, 1, 15), date(2025, 1, 15)),
        ("90D", date(2025, 3, 31), date(2025, 1, 1)),
        ("99999M", date(2025, 3, 31), LONG_AGO),
    ],
)
def test_a_rolling_period_ends_on_the_day_asked_for(word: str, as_of: date, start: date) -> None:
    span = resolve(period_named(word), as_of=as_of, inception=LONG_AGO)
    assert span == Span(start, as_of)


def test_a_rolling_period_has_one_length() -> None:
    for months, days in ((None, None), (3, 3), (0, None), (None, -1)):
        with pytest.raises(InvalidPeriodError):
            PeriodRequest(PeriodType.ROLLING, months=months, days=days)
    with pytest.raises(InvalidPeriodError):
        PeriodRequest(PeriodType.YTD, months=3)


def test_since_the_last_restatement_starts_on_the_first_day_it_touched() -> None:
    period, as_of = PeriodRequest(PeriodType.SINCE_RESTATEMENT), date(2025, 6, 30)
    restated = resolve(period, as_of=as_of, inception=LONG_AGO, restated_from=date(2025, 2, 3))
    assert restated == Span(date(2025, 2, 3), as_of)
    for restated_from in (None, date(2025, 7, 1)):
        nothing = resolve(period, as_of=as_of, inception=LONG_AGO, restated_from=restated_from)
        assert isinstance(nothing, NoSpan)
        assert nothing.reason is NoSpanReason.NEVER_RESTATED
        assert nothing.sentence == "nothing up to 2025-06-30 was ever restated"


@pytest.mark.parametrize(
    ("valued_on", "end"),
    [
        (date(2021, 12, 30), date(2021, 12, 30)),  # a Thursday
        (date(2021, 12, 31), date(2022, 1, 2)),  # a Friday: its value stands until Monday
        (date(2022, 1, 1), date(2022, 1, 2)),
        (date(2022, 1, 2), date(2022, 1, 2)),
        (date(2022, 1, 7), date(2022, 1, 8)),  # a Friday, and the Saturday that was asked for
    ],
)
def test_a_return_counts_until_the_last_value_and_the_weekend_behind_it(
    valued_on: date, end: date
) -> None:
    asked = Span(date(2020, 1, 1), date(2022, 1, 8))
    assert counted(asked, valued_on) == Span(date(2020, 1, 1), end)
