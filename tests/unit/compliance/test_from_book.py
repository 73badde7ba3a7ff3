"""A household's lots are those of its books, whatever happened to them, under every method."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import product

import pytest

from tests.fixtures import eventful_book
from tidebook.book.postings import EffectKind
from tidebook.book.whole import Facts, build
from tidebook.compliance.taxes import (
    Household,
    Identity,
    WashTerms,
    household_history,
    keys_of_sales,
    match_washes,
    tax_lots,
    washed_sales,
)
from tidebook.model.actions import ActionTable
from tidebook.model.markets import rate_table
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod

INSTRUMENTS = {known.security_id: known for known in eventful_book.INSTRUMENTS}
NOT_SOLD = {EffectKind.RETURN, EffectKind.MARK, EffectKind.CARRY}
DUST = Decimal("1e-12")


@pytest.mark.parametrize(("method", "later"), [*product(CostMethod, CostMethod)])
def test_the_lots_of_a_book_to_which_everything_happens(
    method: CostMethod, later: CostMethod
) -> None:
    portfolios = {known.portfolio_id: known for known in eventful_book.portfolios(method, later)}
    actions = ActionTable(tuple(eventful_book.actions()))
    rates = rate_table(list(eventful_book.RATES))
    facts = Facts(portfolios, INSTRUMENTS, eventful_book.transactions(), rates, actions)
    book = build(facts)
    household = Household(portfolios, INSTRUMENTS, actions, "EUR")
    history = household_history(book.keys, household)
    terms = WashTerms(identity=Identity(calls={"CALL": "AAA"}))
    view = match_washes(history.events, terms)
    sold = household_history(keys_of_sales(book.keys, terms.identity), household)
    assert washed_sales(sold.events, terms) == view.sales
    held: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for lot in tax_lots(view, history):
        sums = held[lot.lot.account_id, lot.lot.security_id]
        sums[0] += lot.quantity
        sums[1] += lot.cost
    open_shares: dict[object, Decimal] = defaultdict(lambda: ZERO)
    for adjusted in view.lots:
        open_shares[adjusted.lot] += adjusted.shares
    for cost in history.held:
        assert abs(open_shares.pop(cost.lot) - cost.shares) < DUST
    assert all(shares < DUST for shares in open_shares.values())
    keys = {
        key: folded
        for key, folded in book.keys.items()
        if not key[1].startswith("CASH") and not INSTRUMENTS[key[1]].is_margined
    }
    for key, folded in keys.items():
        assert held[key] == [abs(folded.holding.quantity), abs(folded.holding.cost_base)]
    sold = [
        entry.realised_base or ZERO
        for folded in keys.values()
        for entry in folded.entries
        if entry.posting.effect is None or entry.posting.effect.kind not in NOT_SOLD
    ]
    totals = view.totals
    assert sold
    assert totals.economic == sum(sold, ZERO)
    assert totals.recognised - totals.deferred - totals.permanent == totals.economic
