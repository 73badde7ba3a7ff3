"""What changed a portfolio's value over a period; the start is a closing value, the end is in it.

A delivery crosses the portfolio's border at its stated value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import AS_TRANSFERS, assert_near, earnings_of, facts_of
from tests.truth.tolerance import assert_known
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Keep the book and compare each line that the case states."""
    facts, expected = facts_of(case, AS_TRANSFERS), case["expected"]
    assert facts.period is not None
    (book,) = facts.books(settlement=Settlement.AUTO)
    earned = earnings_of(facts, book, facts.period)
    held = [key for key in earned.keys if key.security_id not in book.cash_keys()]
    with exact():
        found = {
            "initial": earned.initial,
            "final": earned.final,
            "earnings": earned.income,
            "unrealized": earned.unrealised,
            "unrealized_fx_part": sum((key.unrealised_currency for key in held), ZERO),
            "realized": earned.realised,
            "realized_fx_part": sum((key.realised_currency for key in held), ZERO),
            "currency_gains": earned.currency,
            "fees": earned.fees,
            "taxes": earned.taxes,
            "transfers": earned.transfers,
        }
    assert_known(expected, set(found))
    for name, figure in expected.items():
        assert_near(found[name], figure, case["tolerance"]["money"], name)
    assert earned.unexplained == ZERO
