"""Why history of the complete book was written anew, and what was believed of its facts before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine import topics
from tidebook.engine.queries import FactQuery, TransactionQuery
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import ActionRef, PriceRef, RateRef, TransactionRef
from tidebook.model.facts import Price, Rate, TransactionType
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, MethodChange, TaxRates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster

D = Decimal
EURO = Instrument("EURO", "Euro Stock", "EUR", "Equity")


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    made.take(topics.RAW_INSTRUMENTS, [ACME, EURO])
    yield made
    made.close()


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def log(book: Book, security_id: str = "ACME", portfolio_id: str = "P1") -> list[tuple[Any, ...]]:
    """Return (causes, quantity, cost and gain before, the same after), oldest first."""
    return book.rows(
        "SELECT causes, quantity_before, cost_base_before, realised_base_before, quantity_after, "
        "cost_base_after, realised_base_after FROM restatements "
        "WHERE security_id = %s AND portfolio_id = %s ORDER BY epoch",
        security_id,
        portfolio_id,
    )


def split(units: int) -> CorporateAction:
    return CorporateAction("X", ActionType.SPLIT, "ACME", day(3), D(units))


def in_kind(identity: str, quantity: int, number: int) -> Transaction:
    """Return a transfer of ACME from P1 to P2."""
    return trade(identity, quantity, 0, day=number)._replace(
        type=TransactionType.TRANSFER_IN_KIND, to_portfolio_id="P2"
    )


def test_a_corporate_action_is_named_when_set_corrected_and_cancelled(book: Book) -> None:
    book.book(trade("B1", 100, 10, day=1), trade("S1", -50, 6, day=5))
    book.take(topics.RAW_CORPORATE_ACTIONS, [split(2)])
    book.settle()
    # 50 of 100 cost 500; of 200 they cost 250: the sale for 300 lost 200, and gains 50 now.
    one = ([["corporate_action", "X", 1]], 50, 500, -200, 150, 750, 50)
    assert log(book) == [one]
    book.take(topics.RAW_CORPORATE_ACTIONS, [split(4)])
    book.settle()
    # 50 of 400 cost 125.
    two = ([["corporate_action", "X", 2]], 150, 750, 50, 350, 875, 175)
    assert log(book) == [one, two]
    book.take(topics.RAW_CORPORATE_ACTIONS, [ActionRef("X")])
    book.settle()
    three = ([["corporate_action", "X", 3]], 350, 875, 175, 50, 500, -200)
    assert log(book) == [one, two, three]


def test_a_cancelled_transaction_is_the_version_that_is_behind_it(book: Book) -> None:
    book.book(trade("B1", 100, 10, day=1), trade("B2", 10, 20, day=2))
    book.take(topics.RAW_TRANSACTIONS, [TransactionRef("B1", "P1")])
    assert log(book) == [([["transaction", "B1", 2]], 110, 1200, 0, 10, 200, 0)]


def test_a_cancelled_price_is_named_by_the_version_that_is_gone(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_BUSINESS_DATES, [day(0), day(3)])
    given = [Price("ACME", day(0), D(10), "USD"), Price("ACME", day(3), D(12), "USD")]
    book.take(topics.RAW_MARKET_PRICES, given)
    book.settle()
    book.take(topics.RAW_MARKET_PRICES, [PriceRef("ACME", day(3))])
    book.settle()
    # Ten at 12, and a hundred paid for them; then ten at the 10 of the day before.
    rows = book.rows(
        "SELECT from_date, to_date, value_before, value_after, causes FROM series_restatements"
    )
    assert rows == [(day(3), day(3), 20, 0, [["price", "ACME 2024-03-04", 1]])]


def test_a_cancelled_rate_is_named_and_moves_cost(book: Book) -> None:
    given = [Rate("EUR", "USD", day(0), D("1.10")), Rate("EUR", "USD", day(1), D("1.20"))]
    book.take(topics.RAW_FX_RATES, given)
    euros = trade("B1", 10, 10, day=1, security_id="EURO")
    book.book(euros._replace(trade_currency="EUR", currency="EUR"))
    book.take(topics.RAW_FX_RATES, [RateRef("EUR", "USD", day(1))])
    book.settle()
    cause = [["rate", "EUR/USD 2024-03-02", 1]]
    assert log(book, "EURO") == [(cause, 10, 120, 0, 10, 110, 0)]


def test_what_lots_came_from_elsewhere_cost_is_owned_up_to_there(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=1), in_kind("T1", 5, 3))
    # Ten cheaper ones turn up in P1: those are what was handed over.
    book.book(trade("B0", 10, 4, day=0))
    assert log(book, portfolio_id="P2") == [([["transaction", "B0", 1]], 5, 50, 0, 5, 20, 0)]


def test_who_leaves_a_pool_is_the_cause_of_what_the_others_come_to(book: Book) -> None:
    pooled = [
        portfolio(one)._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="anna")
        for one in ("P1", "P2")
    ]
    book.take(topics.RAW_PORTFOLIOS, pooled)
    book.book(trade("B1", 10, 10, day=1))
    book.book(trade("B2", 10, 20, day=2, portfolio_id="P2"))
    book.book(trade("S1", -5, 30, day=3, portfolio_id="P2"))
    before, then = len(log(book, portfolio_id="P2")), book.now()
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.settle()
    # The average of all was 15, that of its own is 20: 150 for 75 gained 75, for 100 it gains 50.
    rows = log(book, portfolio_id="P2")[before:]
    assert rows == [([["portfolio", "P1", 3]], 5, 75, 75, 5, 100, 50)]
    # Whoever asks what was believed before is told of both, and now of each by itself.
    reader = PostgresReader(book.pool)
    past = reader.book_facts(FactQuery(("P1",), known_at=then)).facts
    assert (sorted(past.portfolios), past.portfolios["P1"].taxpayer_id) == (["P1", "P2"], "anna")
    assert list(reader.book_facts(FactQuery(("P1",))).facts.portfolios) == ["P1"]


def test_policies_and_terms_are_those_of_then(book: Book) -> None:
    reader = PostgresReader(book.pool)
    first = portfolio("P1")._replace(
        cost_method_changes=(MethodChange(day(5), CostMethod.AVCO),),
        taxpayer_id="anna",
        tax_rates=TaxRates(D("0.4"), D("0.2"), 6),
    )
    call = Instrument(
        "CALL",
        "A call",
        "USD",
        "Option",
        multiplier=D(100),
        underlying_id="ACME",
        option_right=OptionRight.CALL,
        strike=D(12),
        expires_on=day(30),
    )
    book.take(topics.RAW_PORTFOLIOS, [first])
    book.take(topics.RAW_INSTRUMENTS, [call])
    then = book.now()
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_INSTRUMENTS, [call._replace(multiplier=D(10), strike=D(120))])
    assert reader.portfolio("P1") == portfolio("P1")
    assert reader.portfolio("P1", known_at=then) == first
    assert reader.portfolios(known_at=then)[0] == first
    assert reader.overview(known_at=then)[0].portfolio == first
    assert reader.book_facts(FactQuery(("P1",), known_at=then)).facts.portfolios["P1"] == first
    assert reader.book_facts(FactQuery(("P1",))).facts.portfolios["P1"] == portfolio("P1")
    assert reader.instruments(["CALL"], known_at=then) == (call,)
    assert reader.instruments(["CALL"])[0].multiplier == 10


def test_a_transfer_waits_where_it_will_arrive(book: Book) -> None:
    reader = PostgresReader(book.pool)
    # Until P3 is known nothing leaves P1.
    book.book(trade("B1", 10, 10, day=1))
    book.book(in_kind("T1", 5, 3)._replace(to_portfolio_id="P3"))
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P3")])
    waiting = book.now()
    book.settle()
    query = TransactionQuery("P3", security_id="ACME")
    (now,) = reader.transactions(query).transactions
    assert (now.status, [entry.quantity for entry in now.entries]) == ("BOOKED", [5])
    (then,) = reader.transactions(query._replace(known_at=waiting)).transactions
    assert (then.status, then.entries) == ("WAITING", ())
    assert [one.waits_for for one in then.findings] == ["portfolio:P3"]
