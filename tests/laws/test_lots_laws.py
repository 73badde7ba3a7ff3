"""What holds for lots whatever is bought and sold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tests.laws.strategies import days, decimals, histories, quantities
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import DUST, EMPTY, KeyRules, LotRule, RuleChange
from tidebook.book.positions import open_lots
from tidebook.book.trades import closed_trades
from tidebook.model.facts import TransactionType
from tidebook.model.markets import rate_table
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import CostMethod, TaxRates

if TYPE_CHECKING:
    from tidebook.book.lots import Entry, Folded
    from tidebook.book.postings import Posting
    from tidebook.model.facts import Transaction

D = Decimal
LATE = date(2030, 1, 1)
LAST_PLACE = Decimal("1e-18")
T = TransactionType
MOVES = (T.BUY, T.SELL, T.TRANSFER_IN, T.TRANSFER_OUT, T.DIVIDEND)
KNOWN = {"ACME": security("ACME"), "SAP": security("SAP", "EUR")}

lot_rules = st.sampled_from([rule for rule in LotRule if rule is not LotRule.UNIT])
changes = st.lists(st.builds(RuleChange, days, lot_rules), max_size=2).map(
    lambda found: tuple(sorted(found, key=lambda change: change.on))
)
# Ten-day-old lots are never long term under a rule of months; a rule of none ages them at once.
taxes = st.builds(
    TaxRates,
    st.sampled_from([D(0), D("0.37")]),
    st.sampled_from([D(0), D("0.2")]),
    st.sampled_from([0, 12]),
)
rules = st.builds(KeyRules, lot_rules, st.booleans(), changes, st.just(""), taxes)
local_runs = histories(*MOVES)
foreign_runs = histories(*MOVES, securities=("SAP",), currency="EUR")
runs = st.one_of(local_runs, foreign_runs)


def postings_of(facts: list[Transaction]) -> list[Posting]:
    posted = post_all(facts, portfolio(), KNOWN, rate_table([]))
    return sorted((row.postings[0] for row in posted), key=lambda posting: posting.order)


def folded_of(facts: list[Transaction], policy: KeyRules) -> Folded:
    return fold(EMPTY, postings_of(facts), policy)


def total(amounts: list[Decimal]) -> Decimal:
    with exact():
        return sum(amounts, ZERO)


@given(runs, rules)
def test_the_lots_sum_to_the_holding(facts: list[Transaction], policy: KeyRules) -> None:
    holding = folded_of(facts, policy).holding
    assert total([lot.quantity for lot in holding.lots]) == holding.quantity
    assert total([lot.cost_local for lot in holding.lots]) == holding.cost_local
    assert total([lot.cost_base for lot in holding.lots]) == holding.cost_base


@given(runs, rules)
def test_the_entries_sum_to_the_holding(facts: list[Transaction], policy: KeyRules) -> None:
    folded = folded_of(facts, policy)
    assert total([entry.quantity for entry in folded.entries]) == folded.holding.quantity
    assert total([entry.cost_local for entry in folded.entries]) == folded.holding.cost_local
    assert total([entry.cost_base for entry in folded.entries]) == folded.holding.cost_base


@given(runs, rules)
def test_an_entry_is_what_it_opened_less_what_it_matched(
    facts: list[Transaction], policy: KeyRules
) -> None:
    for entry in folded_of(facts, policy).entries:
        with exact():
            matched = total([match.quantity for match in entry.matches])
            local = total([match.cost_local for match in entry.matches])
            base = total([match.cost_base for match in entry.matches])
            assert entry.quantity == entry.opened - matched
            assert entry.cost_local == entry.opened_cost_local - local
            assert entry.cost_base == entry.opened_cost_base - base


@given(runs, rules)
def test_price_and_currency_make_up_the_whole_gain(
    facts: list[Transaction], policy: KeyRules
) -> None:
    for entry in folded_of(facts, policy).entries:
        if entry.realised_base is None:
            assert entry.realised_price is None
            assert entry.realised_currency is None
            continue
        assert entry.realised_price is not None
        assert entry.realised_currency is not None
        with exact():
            assert entry.realised_price + entry.realised_currency == entry.realised_base
        if entry.posting.currency == "USD":
            assert entry.realised_currency == 0
            assert entry.realised_local == entry.realised_base


@given(runs, rules)
def test_every_lot_has_the_sign_of_the_holding(facts: list[Transaction], policy: KeyRules) -> None:
    for entries in range(1, len(facts) + 1):
        holding = fold(EMPTY, postings_of(facts)[:entries], policy).holding
        assert all((lot.quantity > 0) is (holding.quantity > 0) for lot in holding.lots)
        assert all(lot.quantity for lot in holding.lots)


@given(runs)
def test_without_shorts_nothing_is_ever_held_below_zero(facts: list[Transaction]) -> None:
    folded = folded_of(facts, KeyRules(LotRule.FIFO))
    with exact():
        held = ZERO
        for entry in folded.entries:
            held += entry.quantity
            assert held >= 0
    assert len(folded.entries) + len(folded.findings) == len(facts)


@given(runs, rules, st.data())
def test_a_fold_may_stop_anywhere_and_go_on(
    facts: list[Transaction], policy: KeyRules, data: st.DataObject
) -> None:
    run = postings_of(facts)
    cut = data.draw(st.integers(0, len(run)))
    first = fold(EMPTY, run[:cut], policy)
    rest = fold(first.holding, run[cut:], policy)
    whole = fold(EMPTY, run, policy)
    assert rest.holding == whole.holding
    assert first.entries + rest.entries == whole.entries
    assert first.findings + rest.findings == whole.findings


@given(runs, st.booleans())
def test_what_is_open_follows_from_the_entries(facts: list[Transaction], allow_short: bool) -> None:
    for method in CostMethod:
        kept = portfolio(cost_method=method, allow_short=allow_short)
        book = keep_book(facts, kept, KNOWN.values())
        key = facts[0].security_id
        entries = book.entries_by_key.get(key, ())
        assert open_lots(entries, LATE) == book.lots(key)


@given(runs, rules)
def test_trades_take_over_every_unit_cost_and_gain(
    facts: list[Transaction], policy: KeyRules
) -> None:
    entries = folded_of(facts, policy).entries
    closing = [entry for entry in entries if entry.matches and entry.quantity]
    trades = closed_trades(entries)
    assert len(trades) == len(closing)
    for entry, trip in zip(closing, trades, strict=True):
        if entry.realised_base is not None:
            assert (trip.profit_local, trip.profit_base) == (
                entry.realised_local,
                entry.realised_base,
            )


def gain_and_cost(entries: tuple[Entry, ...]) -> tuple[Decimal, Decimal]:
    sales = [entry for entry in entries if entry.posting.type is T.SELL]
    gains = [entry.realised_base for entry in sales if entry.realised_base is not None]
    return total(gains), total([entry.cost_base for entry in sales])


@pytest.mark.parametrize("rule", [LotRule.FIFO, LotRule.AVCO])
@given(
    lots=st.lists(st.tuples(quantities, decimals("0", "1e9")), min_size=1, max_size=5),
    price=decimals("0", "1e6"),
    data=st.data(),
)
def test_a_sale_in_two_parts_is_the_sale_in_one(
    lots: list[tuple[Decimal, Decimal]], price: Decimal, data: st.DataObject, rule: LotRule
) -> None:
    held = total([quantity for quantity, _ in lots])
    sold = data.draw(decimals("0", str(held)).filter(lambda q: DUST < q <= held))
    part = data.draw(decimals("0", str(sold)).filter(lambda q: DUST < q < sold - DUST) | st.none())
    if part is None:
        return
    bought = [
        trade(f"b{n}", "BUY", "ACME", "2025-01-01", quantity=str(quantity), gross=str(gross))
        for n, (quantity, gross) in enumerate(lots)
    ]

    def sale(identity: str, quantity: Decimal) -> Transaction:
        with exact():
            gross = quantity * price
        return trade(
            identity, "SELL", "ACME", "2025-01-02", quantity=str(quantity), gross=str(gross)
        )

    with exact():
        rest = sold - part
    once = folded_of([*bought, sale("s", sold)], KeyRules(rule))
    twice = folded_of([*bought, sale("s1", part), sale("s2", rest)], KeyRules(rule))
    assert once.findings == twice.findings == ()
    for whole, parts in zip(gain_and_cost(once.entries), gain_and_cost(twice.entries), strict=True):
        assert abs(whole - parts) <= LAST_PLACE
    assert once.holding.quantity == twice.holding.quantity


@given(histories(T.BUY, T.SELL), st.sampled_from([LotRule.FIFO, LotRule.AVCO]))
def test_a_key_that_was_sold_out_gained_what_came_in_less_what_was_paid(
    facts: list[Transaction], rule: LotRule
) -> None:
    folded = folded_of(facts, KeyRules(rule))
    left = folded.holding.quantity
    if left:
        last = trade("z", "SELL", "ACME", "2025-12-31", quantity=str(left), gross="12.34")
        closing = fold(folded.holding, postings_of([last]), KeyRules(rule))
        assert closing.holding == EMPTY
        entries = folded.entries + closing.entries
    else:
        entries = folded.entries
    gained = total([entry.realised_base for entry in entries if entry.realised_base is not None])
    came_in = [e.posting.amount_base for e in entries if e.posting.type is T.SELL]
    paid = [e.posting.amount_base for e in entries if e.posting.type is T.BUY]
    with exact():
        assert gained == total(came_in) - total(paid)
