"""What holds for the earnings of a period: their lines add up, and so do periods."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import NO_RATES, keep_book, portfolio, security
from tests.laws.strategies import (
    DAYS,
    FIRST,
    days,
    decimals,
    histories,
    price_facts,
    rate_facts,
)
from tests.laws.test_series_laws import KEYS, euro_facts, own_facts, valued_by_position
from tests.laws.test_whole_laws import KNOWN, worlds
from tidebook.book.earnings import KeptBook, period_earnings
from tidebook.book.series import Market
from tidebook.book.whole import build
from tidebook.model.facts import Price, TransactionType
from tidebook.model.markets import price_table, rate_table
from tidebook.model.money import ZERO, exact
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.fixtures.booking import Book
    from tidebook.book.earnings import PeriodEarnings
    from tidebook.book.whole import Facts
    from tidebook.model.facts import Rate, Transaction

TRADES = frozenset({TransactionType.BUY, TransactionType.SELL})
methods = st.sampled_from(CostMethod)
T = TransactionType
stays_inside = histories(T.BUY, T.SELL, T.DIVIDEND, T.INTEREST, securities=KEYS)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Draw some of the days on which facts and prices lie."""
    first, last = sorted(draw(st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1))))
    return Span(FIRST + timedelta(days=first), FIRST + timedelta(days=last))


def kept(facts: list[Transaction], book: Book) -> KeptBook:
    known = {fact.transaction_id: fact for fact in facts}
    return KeptBook(book.entries, known, book.instruments)


def gained(earned: PeriodEarnings) -> Decimal:
    with exact():
        return earned.realised + earned.unrealised + earned.currency


@given(own_facts, price_facts(KEYS, "USD"), spans(), methods, st.booleans())
def test_the_lines_add_up_to_the_last_digit(
    facts: list[Transaction], prices: list[Price], span: Span, method: CostMethod, short: bool
) -> None:
    book = keep_book(facts, portfolio(cost_method=method, allow_short=short), map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    earned = period_earnings(kept(facts, book), span, market)
    assert earned.unexplained == ZERO
    assert earned.currency == ZERO


@given(
    euro_facts,
    price_facts(KEYS, "CHF") | price_facts(KEYS, "EUR"),
    rate_facts,
    spans(),
    methods,
)
def test_the_lines_of_money_abroad_add_up_to_the_last_digit(
    facts: list[Transaction],
    prices: list[Price],
    rates: list[Rate],
    span: Span,
    method: CostMethod,
) -> None:
    home = portfolio(cost_method=method, allow_short=True)
    book = keep_book(facts, home, [security(key, "EUR") for key in KEYS])
    market = Market(price_table(prices), rate_table(rates), "USD", {})
    assert period_earnings(kept(facts, book), span, market).unexplained == ZERO


@given(own_facts, price_facts(KEYS, "USD"), spans())
def test_both_ends_are_what_the_positions_are_worth(
    facts: list[Transaction], prices: list[Price], span: Span
) -> None:
    book = keep_book(facts, portfolio(), map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    earned = period_earnings(kept(facts, book), span, market)
    if not earned.unpriced:
        assert earned.final == valued_by_position(book, market, span.end)[0]
        opening = span.start - timedelta(days=1)
        assert earned.initial == valued_by_position(book, market, opening)[0]


@given(own_facts, price_facts(KEYS, "USD"), spans(), st.integers(0, DAYS - 1), methods)
def test_two_periods_in_a_row_earn_what_both_together_do(
    facts: list[Transaction], prices: list[Price], span: Span, days: int, method: CostMethod
) -> None:
    middle = min(span.start + timedelta(days=days), span.end)
    home = portfolio(cost_method=method, allow_short=True)
    book = keep_book(facts, home, map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    source = kept(facts, book)
    whole = period_earnings(source, span, market)
    first = period_earnings(source, Span(span.start, middle), market)
    if middle == span.end or whole.unpriced or first.unpriced:
        return
    second = period_earnings(source, Span(middle + timedelta(days=1), span.end), market)
    with exact():
        for name in ("income", "fees", "taxes"):
            parts = getattr(first, name) + getattr(second, name)
            assert parts == getattr(whole, name)
        # What leaves without a stated value leaves at the cost of its own period.
        parts = gained(first) + first.transfers + gained(second) + second.transfers
        assert parts == gained(whole) + whole.transfers
    assert first.final == second.initial


@given(stays_inside, price_facts(KEYS, "USD"), methods)
def test_over_its_whole_life_a_book_gains_what_its_entries_and_costs_say(
    facts: list[Transaction], prices: list[Price], method: CostMethod
) -> None:
    book = keep_book(facts, portfolio(cost_method=method, allow_short=True), map(security, KEYS))
    market = Market(price_table(prices), rate_table([]), "USD", {})
    life = Span(FIRST, FIRST + timedelta(days=DAYS - 1))
    earned = period_earnings(kept(facts, book), life, market)
    if earned.unpriced:
        return
    booked = {entry.posting.transaction_id for entry in book.entries}
    trades = {T.BUY, T.SELL}
    with exact():
        realised = sum(
            (e.realised_base or ZERO for e in book.entries if e.posting.security_id in KEYS), ZERO
        )
        costs = sum(
            (f.fee + f.tax for f in facts if f.transaction_id in booked and f.type in trades), ZERO
        )
        held = sum((book.holdings[key].cost_base for key in book.holdings if key in KEYS), ZERO)
        worth = sum((key.final for key in earned.keys if key.security_id in KEYS), ZERO)
        assert gained(earned) == realised + costs + worth - held


unit_prices = decimals("0.01", "1000")


@st.composite
def priced(draw: st.DrawFn) -> list[Price]:
    """Draw a price of some securities from the first day on, and of any on some of the days."""
    named = st.sampled_from(sorted(KNOWN))
    always = draw(st.sets(named))
    first = [Price(each, FIRST, draw(unit_prices), "USD") for each in sorted(always)]
    later = st.builds(Price, named, days, unit_prices, st.just("USD"))
    return [*first, *draw(st.lists(later, max_size=8))]


@given(worlds(), priced(), spans())
def test_the_lines_of_every_action_carry_and_contract_add_up(
    facts: Facts, prices: list[Price], span: Span
) -> None:
    # A contract held on margin is traded; nobody gives one away or pays with it.
    sensible = [
        fact for fact in facts.transactions if fact.security_id != "FUT" or fact.type in TRADES
    ]
    facts = facts._replace(transactions=sensible)
    whole = build(facts)
    known = {fact.transaction_id: fact for fact in facts.transactions}
    market = Market(price_table(prices), NO_RATES, "USD", {})
    for portfolio_id in facts.portfolios:
        entries = [
            entry
            for (holder, _), folded in whole.keys.items()
            if holder == portfolio_id
            for entry in folded.entries
        ]
        earned = period_earnings(KeptBook(entries, known, KNOWN), span, market)
        assert earned.unexplained == ZERO
