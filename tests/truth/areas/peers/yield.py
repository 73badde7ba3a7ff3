"""Yearly yields on cost, in the security's own currency, and the rhythm of payments."""  # noqa: N999 - named as its area

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.yields import payments, periodicity, yearly_yield_on_cost

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Keep the security's book before costs and compare what it paid on cost."""
    expected = case["expected"]
    assert_known(expected, {"avg_yield_on_cost_per_year", "periodicity"})
    (book,) = facts_of(case).before_costs().books()
    paid = payments(book.entries)
    if "avg_yield_on_cost_per_year" in expected:
        found = yearly_yield_on_cost(paid)
        assert_near(
            found, expected["avg_yield_on_cost_per_year"], case["tolerance"]["ratio"], "yield"
        )
    if "periodicity" in expected:
        assert periodicity([payment.on for payment in paid]) == expected["periodicity"]
