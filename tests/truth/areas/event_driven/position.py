"""Quantity and cost after each transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book
from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.tolerance import assert_known
from tidebook.book.positions import positions

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the position after each transaction, and each transaction's own cost."""
    facts = facts_of(case["inputs"])
    written = {content["id"]: content for content in case["inputs"]["transactions"]}
    arrived = [fact.transaction_id for fact in facts.transactions]
    for figures in case["expected"]:
        assert_known(figures, {"after", "qty", "cost_base", "cost_local"})
        last = figures["after"]
        known = facts.transactions[: arrived.index(last) + 1]
        book = keep_book(known, facts.portfolio, facts.instruments, facts.rates)
        entry = book.entry(last)
        security_id, on = entry.posting.security_id, entry.posting.on
        position = positions(book.entries, on)[security_id]
        assert_amount(position.quantity, figures["qty"], f"after {last}: qty")
        assert_amount(position.cost_base, figures["cost_base"], f"after {last}: cost_base")
        assert_amount(position.cost_local, figures["cost_local"], f"after {last}: cost_local")
        if "net_cost_base" in written[last]:
            assert_amount(entry.cost_base, written[last]["net_cost_base"], f"{last} net_cost_base")
            assert_amount(entry.cost_local, written[last]["net_cost_local"], f"{last} net_cost")
