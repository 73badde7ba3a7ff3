"""Over which days a return is brought to a year, where the data end before the period does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.fixtures.booking import portfolio
from tidebook.analytics import FeeBasis
from tidebook.book.series import PortfolioDay
from tidebook.engine.measuring.many_returns import returns_of_each
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    money_weighted_performance,
    performance,
    series_of,
)
from tidebook.engine.measuring.prepared import series_from
from tidebook.engine.measuring.risk import RiskTerms, risk
from tidebook.engine.measuring.ruled import HouseRules, Unpriced, ruled_performance
from tidebook.engine.turning import turning_of
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.periods import PeriodRequest, PeriodType

ZERO = Decimal(0)
BEGAN, ENDED = date(2020, 1, 1), date(2021, 12, 30)
AS_OF = date(2024, 12, 31)
# 366 days of 2020 and 364 of 2021, and not the 1,827 up to the day asked for.
YEARLY = 1.21 ** (365.25 / 730) - 1
SINCE_INCEPTION = NamedPeriod("SI", PeriodRequest(PeriodType.SI))


def day(on: date, before: int, flow: int, after: int) -> PortfolioDay:
    return PortfolioDay(on, Decimal(before), Decimal(flow), ZERO, Decimal(after), ZERO, ZERO)


DAYS = (day(BEGAN, 0, 100, 100), day(date(2020, 12, 31), 100, 0, 110), day(ENDED, 110, 0, 121))
VIEW = SeriesView(portfolio(), Freshness(ENDED, None, 1, 1, 1, "CURRENT"), BEGAN, DAYS)
REQUEST = Request(AS_OF, (SINCE_INCEPTION,), FeeBasis.NET)


def test_data_that_end_early_are_not_counted_as_years_without_a_return() -> None:
    assert pytest.approx(0.10007, abs=1e-5) == YEARLY
    (found,) = performance(series_of(VIEW), REQUEST)
    assert (found.start, found.end, found.counted_to) == (BEGAN, AS_OF, ENDED)
    assert found.cumulative == pytest.approx(0.21, abs=1e-12)
    assert found.annualised == pytest.approx(YEARLY, abs=1e-12)


def test_a_year_is_the_same_among_many_portfolios_and_in_risk() -> None:
    class Store:
        def turning_days(self, ids: object, spans: list[tuple[date, date]]) -> object:
            del ids
            return turning_of([VIEW], spans)

    (each,) = returns_of_each(Store(), ("P",), REQUEST)  # pyright: ignore[reportArgumentType]
    assert each.periods[0].annualised == pytest.approx(YEARLY, abs=1e-12)
    (measured,) = risk(series_of(VIEW), REQUEST, RiskTerms())
    assert measured.figure("annual_return") == pytest.approx(YEARLY, abs=1e-12)


def test_the_closing_value_comes_out_on_the_day_it_is_of() -> None:
    (found,) = money_weighted_performance(series_of(VIEW), REQUEST)
    # 729 days from the day on which 100 went in.
    assert found.rate_annual == pytest.approx(1.21 ** (365 / 729) - 1, abs=1e-12)
    assert found.rate_period == pytest.approx(0.21, abs=1e-12)


def test_under_rules_the_last_day_with_a_value_counts() -> None:
    gone = day(date(2022, 3, 1), 121, 0, 0)._replace(unpriced_cost=Decimal(90))
    series = series_from((*DAYS, gone), BEGAN)
    (found,) = ruled_performance(series, REQUEST, HouseRules(unpriced=Unpriced.GAP))
    assert found.valued_to == ENDED
    assert found.told.annualised == pytest.approx(YEARLY, abs=1e-12)
