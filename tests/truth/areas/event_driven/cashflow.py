"""What a transaction moves, with both signs, by hand-made and by automatic settlement alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.ledger import post
from tidebook.book.postings import Leg
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tests.truth.cases import Content

FIGURES = {
    "classification",
    "timing",
    "is_position_flow",
    "is_portfolio_flow",
    "cash_amount",
    "position_flow",
    "date",
}


def check(case: Content) -> None:
    """Post the transaction and compare its one flow."""
    expected = case["expected"]
    assert_known(expected, FIGURES)
    for settlement in Settlement:
        facts = facts_of({"transactions": [case["inputs"]["transaction"]]}, settlement=settlement)
        instruments = {known.security_id: known for known in facts.instruments}
        posted = post(facts.transactions[0], facts.portfolio, instruments, facts.rates)
        flows = [(p.leg, p.on, p.flow) for p in posted.postings if p.flow is not None]
        assert [leg for leg, _, _ in flows] == ([Leg.MAIN] if expected["is_position_flow"] else [])
        for _, on, flow in flows:
            assert flow.classification == expected["classification"]
            assert flow.timing == expected["timing"]
            assert flow.is_portfolio_flow is expected["is_portfolio_flow"]
            assert_amount(flow.cash_amount, expected["cash_amount"], "cash_amount")
            assert_amount(flow.position_flow, expected["position_flow"], "position_flow")
            assert str(on) == expected["date"]
