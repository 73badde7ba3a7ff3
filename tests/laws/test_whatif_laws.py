"""What holds for every pair of nearly equal books, and for the parts of every gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.laws.test_whole_laws import corporate_actions, total, transactions, worlds
from tidebook.book.gains import term_gains
from tidebook.book.whole import Earlier, build
from tidebook.engine.gains import terms_of
from tidebook.model.actions import ActionTable
from tidebook.model.money import ZERO
from tidebook.model.portfolios import TaxRates

if TYPE_CHECKING:
    from tidebook.book.whole import Facts


@st.composite
def edited(draw: st.DrawFn, facts: Facts) -> Facts:
    """Return facts of which some are gone, some amended, some new; most are the same objects."""
    kept = [fact for fact in facts.transactions if draw(st.integers(0, 9))]
    amended = [
        fact._replace(quantity=fact.quantity + 1) if not draw(st.integers(0, 4)) else fact
        for fact in kept
    ]
    fresh = [draw(transactions(number)) for number in range(20, 20 + draw(st.integers(0, 2)))]
    actions = facts.actions
    if not draw(st.integers(0, 2)):
        actions = ActionTable((*actions, draw(corporate_actions(7))))
    return facts._replace(transactions=[*amended, *fresh], actions=actions)


@given(worlds(), st.data())
def test_a_book_is_the_same_whatever_is_taken_from_an_earlier_one(
    facts: Facts, data: st.DataObject
) -> None:
    after = data.draw(edited(facts))
    known = build(after, Earlier(facts, build(facts)))
    fresh = build(after)
    assert known.keys == fresh.keys
    assert known.posted == fresh.posted
    assert {key: sorted(map(repr, each)) for key, each in known.findings.items()} == {
        key: sorted(map(repr, each)) for key, each in fresh.findings.items()
    }


@given(worlds(), st.sampled_from([0, 1, 12]))
def test_the_parts_of_a_gain_by_holding_period_add_up_to_it(facts: Facts, months: int) -> None:
    for key, folded in build(facts).keys.items():
        taxed = facts.portfolios[key[0]]._replace(tax_rates=TaxRates(long_term_months=months))
        terms = terms_of(taxed, facts.instruments.values(), facts.actions)
        found = term_gains(folded.entries, terms)
        booked = total([entry.realised_base or ZERO for entry in folded.entries])
        assert found.realised == booked
        assert total([found.short_term, found.long_term, found.undated]) == booked
