"""The return of one security, before taxes: what it paid out left it at the end of the day.

Where nothing was quoted yet, the price that was last traded at stands in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, facts_of
from tests.truth.areas.peers.twr_daily import values_of
from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import FeeBasis, time_weighted
from tidebook.book.security_series import security_series
from tidebook.book.series import Market
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Value the security on every calendar day and link the days after the first."""
    start, end = (date.fromisoformat(case["period"][name]) for name in ("start", "end"))
    facts, expected = facts_of(case).with_implied_prices().before_taxes(), case["expected"]
    assert_known(expected, {"twr", "cost", "market_value"})
    (book,) = facts.books()
    (security_id,) = book.entries_by_key
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    market = Market(facts.prices, facts.rates, facts.base_currency, {})
    rows = security_series(days, book.entries, market)
    linked = time_weighted(values_of(rows), Span(days[1], end), FeeBasis.NET)
    assert not linked.warnings
    if "twr" in expected:
        assert_close(linked.total, expected["twr"], case["tolerance"]["ratio"])
    money = case["tolerance"]["money"]
    if "cost" in expected:
        assert_near(book.holding(security_id).cost_base, expected["cost"], money, "cost")
    if "market_value" in expected:
        assert_near(rows[-1].eod_market_value, expected["market_value"], money, "market value")
