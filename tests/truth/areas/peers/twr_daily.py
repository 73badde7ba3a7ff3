"""Daily time-weighted returns of a portfolio kept from its transactions.

A period starts at the close of its first day: the first return is that of the day after.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, facts_of, total_of
from tests.truth.tolerance import assert_all_close, assert_close, assert_known
from tidebook.analytics import DailyValues, FeeBasis, time_weighted, to_days, to_float64
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows
from tidebook.model.money import exact
from tidebook.model.periods import Span
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content
    from tidebook.analytics import Linked
    from tidebook.book.series import PortfolioDay


def check(case: Content) -> None:
    """Keep the book, value every calendar day, link the days after the first."""
    start, end = (date.fromisoformat(case["period"][name]) for name in ("start", "end"))
    facts, expected = facts_of(case), case["expected"]
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    rows = _series(facts, days)
    linked = time_weighted(values_of(rows), Span(days[1], end), FeeBasis.NET)
    figures = {"daily_return", "cumulative", "cumulative_last", "cumulative_on"}
    assert_known(expected, figures | {"warnings_at_least", "value_on", "tax_on"})
    _check_returns(expected, linked, days, case["tolerance"]["ratio"])
    assert len(linked.warnings) >= expected.get("warnings_at_least", 0)
    worth = {str(row.on): row.eod_market_value for row in rows}
    for on, figure in expected.get("value_on", {}).items():
        assert_near(worth[on], figure, case["tolerance"]["money"], f"value on {on}")
    for on, figure in expected.get("tax_on", {}).items():
        paid = [f.tax for f in facts.transactions if f.traded_at and str(f.traded_at.date()) == on]
        assert_near(total_of(paid), figure, case["tolerance"]["money"], f"tax on {on}")


def _check_returns(expected: Content, linked: Linked, days: list[date], ratio: str) -> None:
    daily, cumulative = [0.0, *map(float, linked.daily)], [0.0, *map(float, linked.cumulative)]
    if "daily_return" in expected:
        assert_all_close(daily, expected["daily_return"], ratio)
    if "cumulative" in expected:
        assert_all_close(cumulative, expected["cumulative"], ratio)
    if "cumulative_last" in expected:
        assert_close(linked.total, expected["cumulative_last"], ratio)
    for on, figure in expected.get("cumulative_on", {}).items():
        assert_close(cumulative[days.index(date.fromisoformat(on))], figure, ratio)


def _series(facts: Facts, days: list[date]) -> tuple[PortfolioDay, ...]:
    (book,) = facts.books(settlement=Settlement.AUTO)
    holdings = held_steps(book.entries, book.currencies(), book.cash_keys())
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    return daily_series(days, holdings, portfolio_flows(book.entries), market)


def values_of(rows: tuple[PortfolioDay, ...]) -> DailyValues:
    """Return the rows of a book as the analytics read them."""
    with exact():
        flows = [row.eod_cashflow + row.fees for row in rows]
    return DailyValues(
        to_days([row.on for row in rows]),
        to_float64(row.bod_market_value for row in rows),
        to_float64(row.bod_cashflow for row in rows),
        to_float64(flows),
        to_float64(row.eod_market_value for row in rows),
        to_float64(row.fees for row in rows),
    )
