"""What is still to be seen of a transaction that was cancelled."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.cli.verifying import verified
from tidebook.engine import topics
from tidebook.engine.queries import TransactionQuery
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book as book_batch
from tidebook.model.facts import TransactionType, cancellation, cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.engine.views import TransactionView
    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster

MAY_1, MAY_2 = date(2024, 5, 1), date(2024, 5, 2)
BUY = trade("B1", 10, 5)
GIFT = trade("G1", 4, 5, day=1)._replace(
    type=TransactionType.TRANSFER_IN_KIND, to_portfolio_id="P2"
)


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    made.take(topics.RAW_INSTRUMENTS, [ACME])
    yield made
    made.close()


def listed(book: Book, query: TransactionQuery) -> list[TransactionView]:
    return list(PostgresReader(book.pool).transactions(query).transactions)


def duplicates(book: Book, *facts: Transaction) -> int:
    with book.store.unit() as unit:
        incoming = [Incoming(fact, "case") for fact in facts]
        return book_batch(unit, incoming, (), book.now()).duplicates


@pytest.mark.parametrize("together", [False, True])
def test_a_cancelled_transaction_still_says_what_it_was(book: Book, *, together: bool) -> None:
    sent = [BUY, cancellation("B1", "P1", MAY_1)]
    for batch in [sent] if together else [[fact] for fact in sent]:
        book.book(*batch)
    query = TransactionQuery("P1", security_id="ACME", start=FIRST, end=FIRST)
    (view,) = listed(book, query)
    assert (view.transaction, view.business_date) == (cancelled(BUY), FIRST)
    assert (view.version, view.status, view.entries) == (2, "CANCELLED", ())
    assert listed(book, TransactionQuery("P1", start=FIRST + timedelta(days=1))) == []
    assert PostgresReader(book.pool).positions("P1").positions == ()


def test_who_was_to_receive_units_sees_that_the_transfer_was_cancelled(book: Book) -> None:
    book.book(BUY, GIFT)
    book.book(cancellation("G1", "P1", MAY_1))
    (view,) = listed(book, TransactionQuery("P2", security_id="ACME"))
    assert (view.transaction, view.status) == (cancelled(GIFT), "CANCELLED")
    reader = PostgresReader(book.pool)
    assert [one.quantity for one in reader.positions("P1").positions] == [10, Decimal(-50)]
    assert reader.positions("P2").positions == ()
    with book.store.unit() as unit:
        assert unit.related_portfolios(["P1"]) == {"P1"}
        assert unit.carries(["P1", "P2"]) == []
        assert unit.key_facts([("P2", "ACME")]) == {}
    assert verified(reader, None, 10).listed == []


def test_a_cancellation_may_name_the_wrong_portfolio(book: Book) -> None:
    book.book(BUY)
    book.book(cancellation("B1", "P2", MAY_1))
    (view,) = listed(book, TransactionQuery("P1"))
    assert (view.transaction, view.status) == (cancelled(BUY), "CANCELLED")
    assert listed(book, TransactionQuery("P2")) == []


def test_a_cancellation_of_a_later_day_is_a_duplicate(book: Book) -> None:
    book.book(BUY)
    gone, again = cancellation("B1", "P1", MAY_1), cancellation("B1", "P1", MAY_2)
    assert duplicates(book, gone) == 0
    assert duplicates(book, again) == 1
    assert duplicates(book, BUY) == 0
    assert duplicates(book, gone, again) == 1
    (view,) = listed(book, TransactionQuery("P1"))
    assert (view.version, view.transaction) == (4, cancelled(BUY))


def test_what_was_never_known_is_cancelled_as_a_bare_row(book: Book) -> None:
    assert duplicates(book, cancellation("X1", "P1", MAY_1)) == 0
    assert duplicates(book, cancellation("X1", "P1", MAY_2)) == 1
    (view,) = listed(book, TransactionQuery("P1"))
    assert (view.transaction.security_id, view.business_date) == ("", MAY_1)
    assert (view.status, view.findings) == ("CANCELLED", ())


def test_a_cancelled_transaction_that_is_sent_again_is_booked(book: Book) -> None:
    book.book(BUY, GIFT)
    book.book(cancellation("G1", "P1", MAY_1))
    book.book(GIFT)
    reader = PostgresReader(book.pool)
    assert [one.quantity for one in reader.positions("P2").positions] == [4]
    assert verified(reader, None, 10).listed == []
