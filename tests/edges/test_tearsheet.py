"""A tear sheet from the book to the file: figures by hand, and nothing that is loaded."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import A_NONCE, freshness
from tidebook.book.series import PortfolioDay
from tidebook.engine.benchmarks import DataSource, Levels, ReturnBasis
from tidebook.engine.tearsheet import Told, tear_sheet
from tidebook.engine.views import SeriesView
from tidebook.errors import NothingToTellError
from tidebook.model.markets import DatedValue
from tidebook.model.periods import period_named
from tidebook.web.tearsheet import render_tear_sheet

if TYPE_CHECKING:
    from tests.edges.memory_book import Desk

ZERO = Decimal(0)
MONDAY = date(2024, 12, 30)
VALUES = (100, 110, 99, 120, 240, 228)
# 100 are brought in on the first day; on the fifth, 120 more come in before it opens.
FLOWS = {0: Decimal(100), 4: Decimal(120)}


def _day(number: int) -> date:
    return MONDAY + timedelta(days=number if number < 5 else number + 2)


def _desk() -> Desk:
    days: list[PortfolioDay] = []
    before = ZERO
    for number, value in enumerate(VALUES):
        flow = FLOWS.get(number, ZERO)
        days.append(PortfolioDay(_day(number), before, flow, ZERO, Decimal(value), ZERO, ZERO))
        before = Decimal(value)
    desk = sample_views.desk()
    desk.reader.kept_series["P-1"] = SeriesView(
        sample_views.PORTFOLIO, freshness(days[-1].on), days[0].on, tuple(days)
    )
    return desk


def _levels(symbol: str, start: date, end: date) -> Levels:
    del start, end
    levels = (Decimal(10), Decimal(11), Decimal(11), Decimal(10), Decimal(12), Decimal(12))
    points = tuple(DatedValue(_day(number), level) for number, level in enumerate(levels))
    basis, source = ReturnBasis.TOTAL, DataSource.CACHE
    return Levels(symbol, symbol, "USD", basis, source, "files", None, points)


def _text(told: Told) -> str:
    sheet = tear_sheet(_desk().reader, told, _levels)
    return render_tear_sheet(sheet, nonce=A_NONCE)


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_returns_and_money_are_told() -> None:
    """1.1 x 0.9 x 120/99 x 240/240 x 0.95 = 1.14: the deposit is no return."""
    text = _plain(_text(Told("P-1")))
    assert "Cumulative return 14.00%" in text
    assert "Since inception 30 Dec 2024 to 6 Jan 2025 +14.00%" in text
    assert "2024 0.00 100.00 0.00 +10.00 110.00" in text
    assert "Since inception 0.00 220.00 0.00 +8.00 228.00" in text
    assert "1 −10.00% 31 Dec 2024 1 Jan 2025 2 Jan 2025 1 1" in text


def test_the_same_flows_are_put_into_the_benchmark() -> None:
    """100 buy 10 units at 10, and 120 buy 10 more at 12: 20 units are worth 240."""
    text = _plain(_text(Told("P-1", benchmark="SPY")))
    assert "beside SPY" in text
    assert (
        "The same flows in the benchmark Every flow bought or sold it at that day's close 240.00"
        in text.replace("&#39;", "'")
    )
    assert "Value added The one less the other −12.00" in text
    assert "Benchmark SPY total return, cache" in text
    assert "underperformed" in text


def test_a_period_is_told_alone() -> None:
    text = _plain(_text(Told("P-1", period_named("2024"))))
    assert "Period 30 Dec 2024 to 31 Dec 2024" in text
    assert "+10.00%" in text


def test_the_file_asks_for_nothing_else() -> None:
    html = _text(Told("P-1", benchmark="SPY"))
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", html)
    assert "<script" not in html
    assert html == _text(Told("P-1", benchmark="SPY"))


def test_figures_that_are_undefined_say_why() -> None:
    text = _plain(_text(Told("P-1", period_named("2024-12-31:2024-12-31"))))
    assert not re.search(r"\b(nan|inf)\b", text.lower())
    assert "Notes" in text


def test_a_period_without_a_day_is_refused() -> None:
    with pytest.raises(NothingToTellError, match="no valued day"):
        tear_sheet(_desk().reader, Told("P-1", period_named("2020")), _levels)
