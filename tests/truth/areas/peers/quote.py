"""The price of a unit that a trade implies, in the currency that it was traded in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.checks.implied_prices import implied_prices

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the last implied price of the case's only security."""
    facts, expected = facts_of(case), case["expected"]
    assert_known(expected, {"implied_price", "price_date"})
    (quotes,) = implied_prices(facts.transactions).values()
    (instrument,) = facts.instruments
    assert quotes.currencies[-1] == instrument.currency
    if "implied_price" in expected:
        tolerance = case["tolerance"]["money"]
        assert_near(quotes.prices[-1], expected["implied_price"], tolerance, "implied price")
    if "price_date" in expected:
        assert str(quotes.days[-1]) == expected["price_date"]
