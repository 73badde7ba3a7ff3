"""What holds for the returns of many portfolios at once: they are those of one after the other."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from tests.fixtures.booking import portfolio
from tidebook.analytics import FeeBasis, Undefined
from tidebook.book.series import PortfolioDay
from tidebook.engine.measuring.many_returns import returns_of_each
from tidebook.engine.measuring.performance import NamedPeriod, Request, performance, series_of
from tidebook.engine.turning import turning_of
from tidebook.engine.views import Freshness, SeriesView
from tidebook.model.periods import PeriodRequest, PeriodType

FIRST = date(2024, 12, 20)
AS_OF = FIRST + timedelta(days=25)
PERIODS = (
    NamedPeriod("SI", PeriodRequest(PeriodType.SI)),
    NamedPeriod("YTD", PeriodRequest(PeriodType.YTD)),
    NamedPeriod("MTD", PeriodRequest(PeriodType.MTD)),
    NamedPeriod("2023", PeriodRequest(PeriodType.YEAR, year=2023)),
)
ZERO = Decimal(0)
amounts = st.sampled_from([ZERO] * 5 + [Decimal(50), Decimal(-40), Decimal(7)])
fees = st.sampled_from([ZERO] * 6 + [Decimal(1)])
moves = st.sampled_from([Decimal(one) for one in ("0.9", "1", "1.02", "1.1", "0.97")])
gone = st.sampled_from([Decimal(1)] * 12 + [ZERO, Decimal(-1)])
unpriced = st.sampled_from([ZERO] * 12 + [Decimal(30)])


class Book:
    """A reader of series alone."""

    def __init__(self, views: list[SeriesView]) -> None:
        self.views = {view.portfolio.portfolio_id: view for view in views}

    def series_of(self, ids: tuple[str, ...], *, known_at: None = None) -> list[SeriesView]:
        del known_at
        return [self.views[one] for one in ids]

    def turning_days(self, ids: tuple[str, ...], spans: list[tuple[date, date]]) -> object:
        return turning_of(self.series_of(ids), spans)


@st.composite
def views(draw: st.DrawFn, name: str) -> SeriesView:
    start = draw(st.integers(0, 20))
    days: list[PortfolioDay] = []
    before = ZERO
    for number in range(draw(st.integers(0, 15))):
        bod = Decimal(1000) if number == 0 else draw(amounts)
        fee = draw(fees)
        eod = draw(amounts) - fee
        closing = (before + bod) * draw(moves) * draw(gone) + eod
        on = FIRST + timedelta(days=start + number)
        days.append(PortfolioDay(on, before, bod, eod, closing, fee, draw(unpriced)))
        before = closing
    owner = portfolio()._replace(portfolio_id=name)
    rests_on = Freshness(AS_OF, None, 1, 1, 1, "CURRENT")
    return SeriesView(owner, rests_on, days[0].on if days else None, tuple(days))


@given(st.tuples(views("A"), views("B"), views("C")), st.sampled_from(FeeBasis))
def test_many_at_once_are_as_one_by_one(several: tuple[SeriesView, ...], basis: FeeBasis) -> None:
    book = Book(list(several))
    request = Request(AS_OF, PERIODS, basis)
    found = returns_of_each(book, tuple(book.views), request)  # pyright: ignore[reportArgumentType]
    assert [each.portfolio_id for each in found] == ["A", "B", "C"]
    for each, view in zip(found, several, strict=True):
        for told, expected in zip(each.periods, performance(series_of(view), request), strict=True):
            assert told.name == expected.name
            if isinstance(expected.cumulative, Undefined):
                assert isinstance(told.cumulative, Undefined)
            else:
                assert told.cumulative == pytest.approx(expected.cumulative, rel=1e-9, abs=1e-9)
                assert (told.start, told.end) == (expected.start, expected.end)
                assert told.coverage_min == expected.coverage_min
