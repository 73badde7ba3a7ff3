"""Who holds the benchmark itself is matched by it, whatever went in and out, and when."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tidebook.analytics import (
    DatedAmounts,
    Undefined,
    direct_alpha,
    public_market,
    scaled_market,
    to_days,
)
from tidebook.book.series import PortfolioDay
from tidebook.engine.benchmarks import DataSource, Levels, ReturnBasis
from tidebook.engine.measuring.comparing import Status, compared, measured, opening_day
from tidebook.engine.measuring.index_lines import blend_of, line_of
from tidebook.engine.measuring.performance import series_of
from tidebook.engine.users import UserBook
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.markets import DatedValue, rate_table
from tidebook.model.money import exact
from tidebook.model.periods import PeriodRequest, PeriodType
from tidebook.model.portfolios import Portfolio

START = date(2023, 1, 2)
D = Decimal
steps = st.lists(
    st.tuples(
        st.integers(1, 60),  # days since the step before
        st.integers(50, 200),  # the level of the index
        st.integers(-9, 20),  # units bought; of those held, at most nine tenths are sold
    ),
    min_size=2,
    max_size=8,
)


def holder(taken: list[tuple[int, int, int]]) -> tuple[UserBook, Levels]:
    """Return the book of someone who holds the index alone, and the index."""
    on, units, before = START, D(0), D(0)
    rows: list[PortfolioDay] = []
    points: list[DatedValue] = []
    with exact():
        for gap, level, bought in taken:
            on += timedelta(days=gap)
            moved = D(max(bought, 1)) if not units else D(bought)
            if moved < 0:
                moved = units * moved / 10
            flow, units = moved * level, units + moved
            closing = units * level
            rows.append(
                PortfolioDay(on, before, max(flow, D(0)), min(flow, D(0)), closing, D(0), D(0))
            )
            points.append(DatedValue(on, D(level)))
            before = closing
    portfolio = Portfolio("P1", "USD", START, cif_id="u1")
    freshness = Freshness(on, None, 1, 1, 1, "CURRENT")
    series = series_of(SeriesView(portfolio, freshness, rows[0].on, tuple(rows)))
    book = UserBook("u1", (portfolio,), "USD", series, rate_table([]), (freshness,), on)
    source, basis = DataSource.CACHE, ReturnBasis.TOTAL
    return book, Levels("SPY", "SPY", "USD", basis, source, "test", None, tuple(points))


@given(steps, st.integers(0, 7))
def test_a_holder_of_the_benchmark_is_matched_over_any_period(
    taken: list[tuple[int, int, int]], first: int
) -> None:
    book, index = holder(taken)
    days = book.series.days
    start, end = days[min(first, len(days) - 2)].on, days[-1].on
    window = measured(book, PeriodRequest(PeriodType.EXPLICIT, start, end), end)
    opening = opening_day(window)
    assert opening is not None
    line = line_of(blend_of("SPY"), [index], book.rates, "USD", opening)
    found = compared(book, window, line)
    assert found.benchmark is not None
    assert found.user is not None
    size = float(found.user.opening + found.user.contributions)
    assert found.benchmark.market.end_value == pytest.approx(
        float(found.user.closing), abs=1e-9 * size
    )
    assert found.benchmark.market.kaplan_schoar == pytest.approx(1.0, abs=1e-9)
    led = found.benchmark.direct_alpha
    assert isinstance(led, Undefined) or led == pytest.approx(0.0, abs=1e-6)
    assert found.status in {Status.MATCHED, Status.INSUFFICIENT_DATA}
    assert (found.status is Status.MATCHED) == (not isinstance(found.difference, Undefined))


@given(steps, st.floats(0.01, 100.0))
def test_what_is_compared_does_not_depend_on_the_size_of_the_index(
    taken: list[tuple[int, int, int]], factor: float
) -> None:
    days, amounts, levels = _timeline(taken)
    flows = DatedAmounts(days, amounts)
    one = public_market(flows, levels, 100.0)
    other = public_market(flows, levels * factor, 100.0)
    assert other.end_value == pytest.approx(one.end_value, rel=1e-9, abs=1e-6)
    assert other.kaplan_schoar == pytest.approx(one.kaplan_schoar, rel=1e-9)
    led, again = (
        direct_alpha(flows, levels, 100.0),
        direct_alpha(flows, levels * factor, 100.0),
    )
    assert isinstance(led, Undefined) == isinstance(again, Undefined)
    if not isinstance(led, Undefined) and not isinstance(again, Undefined):
        assert again == pytest.approx(led, rel=1e-6, abs=1e-6)


@given(steps)
def test_the_scaled_account_is_never_short(taken: list[tuple[int, int, int]]) -> None:
    days, amounts, levels = _timeline(taken)
    values = np.abs(np.cumsum(amounts)) + 1.0
    assert scaled_market(DatedAmounts(days, amounts), levels, values).end_value >= 0


def _timeline(
    taken: list[tuple[int, int, int]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    on, days = START, list[date]()
    for gap, _, _ in taken:
        on += timedelta(days=gap)
        days.append(on)
    amounts = np.array([-float(bought) * 10 for _, _, bought in taken])
    amounts[0] = -1000.0
    return to_days(days), amounts, np.array([float(level) for _, level, _ in taken])
