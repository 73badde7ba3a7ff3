"""The anchor of a fair comparison: one user's flows, and the same flows in an index.

1,000 are put in when the index stands at 100, 500 after 100 days at 110, and 300 are taken out
after 250 days at 105. After 365 days 1,400 are left and the index stands at 120. In the index

    1000 / 100 + 500 / 110 - 300 / 105 = 10 + 4.5454... - 2.8571... = 11.688311... units

would be left, worth 1,402.5974. The rates were computed beside it with 50 digits.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tidebook.analytics import (
    DatedAmounts,
    direct_alpha,
    internal_rate,
    public_market,
    to_days,
    value_of,
)
from tidebook.book.series import PortfolioDay
from tidebook.engine.benchmarks import DataSource, Levels, ReturnBasis
from tidebook.engine.measuring.comparing import Lacking, Status, compared, measured, opening_day
from tidebook.engine.measuring.index_lines import blend_of, line_of
from tidebook.engine.measuring.performance import series_of
from tidebook.engine.users import UserBook
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.markets import DatedValue, rate_table
from tidebook.model.periods import PeriodRequest, PeriodType
from tidebook.model.portfolios import Portfolio

T0 = date(2023, 1, 2)
DAYS = [T0 + timedelta(days=days) for days in (0, 100, 250, 365)]
LEVELS = ("100", "110", "105", "120")
FLOWS = (1000, 500, -300, 0)
VALUES = (1000, 1600, 1200, 1400)

END_VALUE = 1402.5974025974
MWR, BENCHMARK_MWR = 0.15799983, 0.16005605
KAPLAN_SCHOAR, DIRECT_ALPHA = 0.99851190, -0.00174554


def user() -> UserBook:
    """Return the user's book; the values between are free, and change no money-weighted figure."""
    portfolio = Portfolio("user:u1", "USD", T0, cif_id="u1")
    opening = [0, *VALUES[:-1]]
    rows = tuple(
        PortfolioDay(
            on,
            Decimal(before),
            Decimal(max(flow, 0)),
            Decimal(min(flow, 0)),
            Decimal(value),
            Decimal(0),
            Decimal(0),
        )
        for on, before, flow, value in zip(DAYS, opening, FLOWS, VALUES, strict=True)
    )
    freshness = Freshness(DAYS[-1], None, 1, 1, 1, "CURRENT")
    view = SeriesView(portfolio, freshness, T0, rows)
    rates = rate_table([])
    return UserBook("u1", (portfolio,), "USD", series_of(view), rates, (freshness,), DAYS[-1])


def index(*days: date) -> Levels:
    points = [
        DatedValue(on, Decimal(level))
        for on, level in zip(DAYS, LEVELS, strict=True)
        if not days or on in days
    ]
    fetched = datetime(2024, 1, 2, tzinfo=UTC)
    source, basis = DataSource.CACHE, ReturnBasis.TOTAL
    return Levels("SPY", "S&P 500", "USD", basis, source, "csv", fetched, tuple(points))


def test_the_measures_alone() -> None:
    dates = to_days(DAYS)
    flows = DatedAmounts(dates, -np.array(FLOWS, np.float64))
    levels = np.array(LEVELS, np.float64)
    closing = flows.amounts.copy()
    closing[-1] = 1400.0
    found = public_market(flows, levels, 1400.0)
    assert found.end_value == pytest.approx(END_VALUE, abs=5e-9)
    assert 1400.0 - found.end_value == pytest.approx(-2.5974025974, abs=5e-9)
    assert value_of(internal_rate(DatedAmounts(dates, closing)).rate_annual) == pytest.approx(
        MWR, abs=5e-9
    )
    assert value_of(found.long_nickels) == pytest.approx(BENCHMARK_MWR, abs=5e-9)
    assert value_of(found.kaplan_schoar) == pytest.approx(KAPLAN_SCHOAR, abs=5e-9)
    assert value_of(direct_alpha(flows, levels, 1400.0)) == pytest.approx(DIRECT_ALPHA, abs=5e-9)


def test_the_comparison_that_a_user_is_shown() -> None:
    book = user()
    period = PeriodRequest(PeriodType.EXPLICIT, T0, DAYS[-1])
    window = measured(book, period, DAYS[-1])
    assert opening_day(window) == T0
    line = line_of(blend_of("SPY"), [index()], book.rates, "USD", T0)
    found = compared(book, window, line)
    assert found.user is not None
    assert found.benchmark is not None
    assert found.user.profit == Decimal(200)
    assert value_of(found.user.rates.rate_period) == pytest.approx(MWR, abs=5e-9)
    assert value_of(found.benchmark.rate_period) == pytest.approx(BENCHMARK_MWR, abs=5e-9)
    assert found.benchmark.market.end_value == pytest.approx(END_VALUE, abs=5e-9)
    assert value_of(found.benchmark.market.kaplan_schoar) == pytest.approx(KAPLAN_SCHOAR, abs=5e-9)
    assert value_of(found.benchmark.direct_alpha) == pytest.approx(DIRECT_ALPHA, abs=5e-9)
    assert value_of(found.benchmark.total) == pytest.approx(0.2, abs=1e-12)
    assert value_of(found.difference) == pytest.approx(MWR - BENCHMARK_MWR, abs=1e-8)
    assert found.status is Status.UNDERPERFORMED


def test_a_benchmark_that_begins_after_the_money_is_no_comparison() -> None:
    book = user()
    window = measured(book, PeriodRequest(PeriodType.EXPLICIT, T0, DAYS[-1]), DAYS[-1])
    line = line_of(blend_of("SPY"), [index(*DAYS[1:])], book.rates, "USD", T0)
    found = compared(book, window, line)
    assert found.status is Status.INSUFFICIENT_DATA
    assert Lacking.BENCHMARK_STARTS_LATE in found.lacking
    assert found.benchmark is None
