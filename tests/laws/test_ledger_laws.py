"""What holds for a whole book whatever the facts, and in whatever order they arrive."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import keep_book, portfolio, security
from tests.laws.strategies import FIRST, histories, rates
from tidebook.book.cashflows import Classification
from tidebook.book.postings import Leg
from tidebook.book.series import portfolio_flows
from tidebook.model.facts import Transaction, TransactionType, cancellation, content_hash
from tidebook.model.findings import Severity
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.model.portfolios import Portfolio

T = TransactionType
TRANSFERS = frozenset({T.TRANSFER_IN, T.TRANSFER_OUT})
IN_UNITS = frozenset({T.DIVIDEND_REINVESTED, T.STAKING_REWARD, T.AIRDROP, T.NETWORK_FEE})
CASHLESS = TRANSFERS | IN_UNITS | {T.EXPIRY}
"""What flows without moving cash."""
KNOWN = [security("ACME"), security("BEST"), security("SAP", "EUR")]

policies = st.builds(
    portfolio,
    cost_method=st.sampled_from(CostMethod),
    settlement=st.sampled_from(Settlement),
    allow_short=st.booleans(),
)
own_facts = histories(*T, securities=("ACME", "BEST", "CASH_USD"), largest=15)
foreign_facts = histories(*T, securities=("SAP", "CASH_EUR"), currency="EUR", largest=15)


@given(own_facts | foreign_facts, policies, st.data())
def test_the_order_of_arrival_does_not_matter(
    facts: list[Transaction], kept: Portfolio, data: st.DataObject
) -> None:
    arrived = data.draw(st.permutations(facts))
    one, other = keep_book(facts, kept, KNOWN), keep_book(arrived, kept, KNOWN)
    assert one.entries_by_key == other.entries_by_key
    assert one.holdings == other.holdings
    assert sorted(one.findings) == sorted(other.findings)


@given(own_facts | foreign_facts, policies)
def test_a_fact_is_booked_whole_or_waits_whole(facts: list[Transaction], kept: Portfolio) -> None:
    book = keep_book(facts, kept, KNOWN)
    waiting = {
        finding.transaction_id for finding in book.findings if finding.severity is Severity.WAITING
    }
    main = {e.posting.transaction_id for e in book.entries if e.posting.leg is Leg.MAIN}
    cash = {e.posting.transaction_id for e in book.entries if e.posting.leg is Leg.CASH}
    booked = {fact.transaction_id for fact in facts if fact.type is not T.CANCELLED}
    assert main == booked - waiting
    assert cash <= main
    if kept.settlement is Settlement.EXPLICIT:
        assert not cash


def _sum_of_flows(book: Book) -> Decimal:
    with exact():
        return sum(
            (
                entry.posting.flow.cash_amount
                for entry in book.entries
                if entry.posting.flow is not None and entry.posting.type not in CASHLESS
            ),
            ZERO,
        )


@given(histories(*T, securities=("ACME", "BEST"), largest=15), st.sampled_from(CostMethod))
def test_cash_is_what_flowed(facts: list[Transaction], method: CostMethod) -> None:
    book = keep_book(facts, portfolio(cost_method=method), KNOWN)
    assert book.holding("CASH_USD").quantity == _sum_of_flows(book)


@given(histories(*(set(T) - TRANSFERS), securities=("ACME", "BEST"), largest=15), policies)
def test_the_books_balance(facts: list[Transaction], kept: Portfolio) -> None:
    """What everything cost is what was paid in, earned and gained, less what was paid out."""
    book = keep_book(facts, kept._replace(settlement=Settlement.AUTO), KNOWN)
    with exact():
        cost = sum((holding.cost_base for holding in book.holdings.values()), ZERO)
        crossed = sum((flow.amount for flow in portfolio_flows(book.entries)), ZERO)
        earned = sum(
            (
                entry.posting.flow_base
                for entry in book.entries
                if (flow := entry.posting.flow) is not None
                and not flow.is_portfolio_flow
                and flow.classification in {Classification.INCOME, Classification.EXPENSE}
            ),
            ZERO,
        )
        gained = sum((entry.realised_base or ZERO for entry in book.entries), ZERO)
        assert cost == crossed + earned + gained


@given(histories(*T, securities=("SAP",), currency="EUR"), rates)
def test_both_legs_carry_the_same_base_amount(facts: list[Transaction], rate: Decimal) -> None:
    book = keep_book([fact._replace(fx_rate=rate) for fact in facts], portfolio(), KNOWN)
    for entry in book.entries:
        if entry.posting.leg is Leg.CASH:
            main = book.entry(entry.posting.transaction_id)
            assert entry.posting.amount_base == main.posting.amount_base.copy_abs()


texts = st.text(st.sampled_from("ab\x1f\\'\" "), max_size=4)
facts_with_texts = st.builds(
    Transaction._replace,
    histories(*T, largest=1).map(lambda facts: facts[0]._replace(trade_date=FIRST)),
    transaction_id=texts,
    portfolio_id=texts,
    security_id=texts,
    instrument_id=texts,
    note=texts,
)


def _content(fact: Transaction) -> Transaction:
    """What a fact says: of a cancellation only which transaction never happened."""
    if fact.type is T.CANCELLED:
        return cancellation(fact.transaction_id, "", FIRST)
    return fact


@given(facts_with_texts, facts_with_texts)
def test_two_facts_share_a_hash_just_when_they_say_the_same(
    one: Transaction, other: Transaction
) -> None:
    assert (content_hash(one) == content_hash(other)) is (_content(one) == _content(other))
    borrowed = other._replace(**{name: getattr(one, name) for name in one._fields[5:-1]})
    same = _content(one) == _content(borrowed)
    assert (content_hash(one) == content_hash(borrowed)) is same


@given(facts_with_texts, st.integers(0, 5))
def test_trailing_zeros_are_no_content(fact: Transaction, places: int) -> None:
    with exact():
        written = fact._replace(
            quantity=fact.quantity * (1 + Decimal(0).scaleb(-places)),
            gross=fact.gross + Decimal(0).scaleb(-places),
        )
    assert content_hash(written) == content_hash(fact)
