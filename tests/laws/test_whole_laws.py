"""What holds for a whole book of several portfolios, with actions, carries, pools and methods."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import NO_RATES, portfolio, security
from tests.laws.strategies import FIRST, amounts, days, decimals, quantities
from tidebook.book.positions import open_lots
from tidebook.book.whole import Facts, build
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import LotChoice, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import CostMethod, MethodChange, TaxRates

if TYPE_CHECKING:
    from tidebook.book.whole import WholeBook
    from tidebook.model.portfolios import Portfolio

D = Decimal
T = TransactionType
LATE = FIRST + timedelta(days=10_000)
FUTURE = Instrument("FUT", "Future", "USD", "Future", multiplier=D(50))
KNOWN = {each.security_id: each for each in (security("A"), security("B"), security("C"), FUTURE)}
PORTFOLIOS = ("P", "Q", "R")
PLAIN = (T.BUY, T.BUY, T.BUY, T.SELL, T.SELL, T.AIRDROP, T.NETWORK_FEE, T.RETURN_OF_CAPITAL)
CARRIED = (T.TRANSFER_IN_KIND, T.CONVERSION)
CROSSING = frozenset({"INCOME", "EXPENSE", "CASHFLOW_IN", "CASHFLOW_OUT"})
RATIOS = st.tuples(st.integers(1, 10).map(D), st.integers(1, 10).map(D))


@st.composite
def transactions(draw: st.DrawFn, number: int) -> Transaction:
    on = draw(days)
    kind = draw(st.sampled_from((*PLAIN, *CARRIED)))
    portfolio_id = draw(st.sampled_from(PORTFOLIOS))
    held = draw(st.sampled_from(sorted(KNOWN)))
    quantity = draw(quantities)
    named = draw(st.integers(0, 11))
    lots = (LotChoice(f"t{named:02}", quantity),) if kind is T.SELL and named < number else ()
    other = [each for each in PORTFOLIOS if each != portfolio_id]
    target = [each for each in ("A", "B", "C") if each != held]
    return Transaction(
        f"t{number:02}",
        portfolio_id,
        held,
        kind,
        datetime(on.year, on.month, on.day, draw(st.integers(0, 23)), tzinfo=UTC),
        None,
        quantity,
        ZERO,
        draw(amounts),
        "USD",
        "USD",
        fee=draw(decimals("0", "10")),
        lots=lots,
        to_portfolio_id=draw(st.sampled_from(other)) if kind is T.TRANSFER_IN_KIND else "",
        to_security_id=draw(st.sampled_from(target)) if kind is T.CONVERSION else "",
        to_quantity=draw(quantities) if kind is T.CONVERSION else ZERO,
    )


@st.composite
def corporate_actions(draw: st.DrawFn, number: int) -> CorporateAction:
    kind = draw(st.sampled_from(ActionType))
    acts_on = draw(st.sampled_from(["A", "B"]))
    leads = kind in {
        ActionType.SPIN_OFF,
        ActionType.RIGHTS_ISSUE,
        ActionType.MERGER,
        ActionType.IDENTIFIER_CHANGE,
    }
    new, old = draw(RATIOS)
    return CorporateAction(
        f"a{number}",
        kind,
        acts_on,
        draw(days),
        new,
        old,
        draw(st.sampled_from([each for each in ("A", "B", "C") if each != acts_on]))
        if leads
        else "",
        draw(st.sampled_from([None, D(0), D("0.3"), D(1)])),
        draw(decimals("0", "100")) if kind in {ActionType.MERGER, ActionType.RETURN_OF_CAPITAL}
        else ZERO,
        "USD",
        draw(st.sampled_from(["", "", "P"])),
    )  # fmt: skip


methods = st.sampled_from(CostMethod)


@st.composite
def portfolios(draw: st.DrawFn) -> dict[str, Portfolio]:
    kept: dict[str, Portfolio] = {}
    for each in PORTFOLIOS:
        changes = draw(st.lists(st.builds(MethodChange, days, methods), max_size=1))
        kept[each] = portfolio()._replace(
            portfolio_id=each,
            cost_method=draw(methods),
            cost_method_changes=tuple(changes),
            taxpayer_id=draw(st.sampled_from(["", "T"])),
            tax_rates=TaxRates(D("0.4"), D("0.2"), draw(st.sampled_from([0, 12]))),
            allow_short=draw(st.booleans()),
        )
    return kept


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    facts = [draw(transactions(number)) for number in range(draw(st.integers(1, 14)))]
    acts = [draw(corporate_actions(number)) for number in range(draw(st.integers(0, 3)))]
    return Facts(draw(portfolios()), KNOWN, facts, NO_RATES, ActionTable(tuple(acts)))


def total(parts: list[Decimal]) -> Decimal:
    with exact():
        return sum(parts, ZERO)


def everything(book: WholeBook) -> object:
    found = {key: sorted(map(repr, each)) for key, each in book.findings.items()}
    return book.keys, found


@given(worlds(), st.data())
def test_the_order_of_arrival_does_not_matter(facts: Facts, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts.transactions))
    assert everything(build(facts)) == everything(build(facts._replace(transactions=shuffled)))


@given(worlds())
def test_lots_and_entries_sum_to_every_position(facts: Facts) -> None:
    for folded in build(facts).keys.values():
        holding, entries = folded.holding, folded.entries
        assert total([entry.quantity for entry in entries]) == holding.quantity
        assert total([entry.cost_local for entry in entries]) == holding.cost_local
        assert total([entry.cost_base for entry in entries]) == holding.cost_base
        if holding.lots:
            assert total([lot.quantity for lot in holding.lots]) == holding.quantity
            assert total([lot.cost_base for lot in holding.lots]) == holding.cost_base


@given(worlds())
def test_an_entry_is_what_it_opened_less_what_it_matched(facts: Facts) -> None:
    for (_, security_id), folded in build(facts).keys.items():
        if security_id.startswith("CASH"):
            continue
        for entry in folded.entries:
            matched = total([match.quantity for match in entry.matches])
            cost = total([match.cost_base for match in entry.matches])
            with exact():
                assert entry.quantity == entry.opened - matched
                assert entry.cost_base == entry.opened_cost_base - cost


@given(worlds())
def test_the_lots_of_a_key_follow_from_its_entries_alone(facts: Facts) -> None:
    for (_, security_id), folded in build(facts).keys.items():
        if not security_id.startswith("CASH"):
            assert sorted(open_lots(folded.entries, LATE)) == sorted(folded.holding.lots)


@given(worlds())
def test_a_fact_is_booked_on_all_its_keys_or_on_none(facts: Facts) -> None:
    book = build(facts)
    booked: dict[str, set[str]] = defaultdict(set)
    for folded in book.keys.values():
        for entry in folded.entries:
            booked[entry.posting.transaction_id].add(entry.posting.leg)
    for fact in facts.transactions:
        legs = booked[fact.transaction_id]
        if fact.transaction_id in book.waiting:
            assert not legs
            continue
        assert "main" in legs
        assert ("to" in legs) is (fact.type in CARRIED)


@given(worlds())
def test_what_everything_cost_is_what_came_in_and_was_gained(facts: Facts) -> None:
    """Money is made and lost nowhere, however lots are split, carried, pooled and repriced."""
    paid_for = [fact for fact in facts.transactions if fact.security_id != "FUT"]
    book = build(facts._replace(transactions=paid_for))
    entries = [entry for folded in book.keys.values() for entry in folded.entries]
    flows = [
        entry.posting.flow_base
        for entry in entries
        if (flow := entry.posting.flow) is not None and flow.classification in CROSSING
    ]
    gains = [entry.realised_base or ZERO for entry in entries]
    with exact():
        assert total([entry.cost_base for entry in entries]) == total(flows) + total(gains)
