"""Batches that meet what another one has just done, or has not done yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.engine import topics
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.errors import FencedError
from tidebook.model.facts import TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tidebook.engine.store import StoredFact, Unit
    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster


class _Interrupted:
    """A unit in which something happens right after the known facts were first looked at."""

    def __init__(self, unit: Unit, then: Callable[[], object]) -> None:
        self._unit = unit
        self._then: Callable[[], object] | None = then

    def facts(self, ids: Collection[str]) -> dict[str, StoredFact]:
        found = self._unit.facts(ids)
        then, self._then = self._then, None
        if then is not None:
            then()
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a unit does
        return getattr(self._unit, name)


@pytest.fixture
def books(database_url: str) -> Iterator[Book]:
    found = Book(database_url)
    yield found
    found.close()


def _book_interrupted(books: Book, amended: Transaction) -> None:
    with books.store.unit() as unit:
        interrupted = cast("Unit", _Interrupted(unit, books.fold_again))
        book(interrupted, [Incoming(amended, "r")], (), books.now())


@pytest.mark.parametrize("other", ["P1", "P2"])
def test_what_it_replaces_leaves_both_its_keys(books: Book, other: str) -> None:
    """T1 waits for its instrument; a worker books it just when T1 turns out to be another trade."""
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    books.take(topics.RAW_TRANSACTIONS, [trade("T1", 10, 5)])
    books.take(topics.RAW_INSTRUMENTS, [ACME])
    amended = trade("T1", 10, 5, portfolio_id=other)._replace(currency="EUR", trade_currency="EUR")
    with pytest.raises(FencedError):
        _book_interrupted(books, amended)
    books.take(topics.RAW_TRANSACTIONS, [amended])
    books.settle()
    held = books.held()
    # There is no rate from EUR, so the amended trade waits, and nothing is left of the first one.
    assert [row[:3] for row in held.findings] == [("T1", "rate.missing", "waiting")]
    assert held.entries == []
    assert held.states == []


def test_cash_is_paid_out_before_its_account_is_folded_under_a_new_policy(books: Book) -> None:
    """Cash of the base currency has no lots while trades settle by themselves."""
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    paid_in = trade("T1", 1, 100, day=1)._replace(security_id="CASH_USD", type=T.DEPOSIT)
    books.take(topics.RAW_TRANSACTIONS, [paid_in])
    explicit = portfolio("P1")._replace(settlement=Settlement.EXPLICIT)
    books.take(topics.RAW_PORTFOLIOS, [explicit])
    paid_out = trade("T2", 1, 30, day=3)._replace(security_id="CASH_USD", type=T.WITHDRAWAL)
    books.take(topics.RAW_TRANSACTIONS, [paid_out])
    assert [row[3:6] for row in books.held().states] == [(70, 70, 70)]
    lots = books.rows("SELECT lots FROM position_state")
    assert lots == [([["T1", "2024-03-02", "70", "70", "70"]],)]


def test_what_a_new_policy_moves_is_never_out_of_sight(books: Book) -> None:
    """A batch on the cash account comes before the keys are folded under the new policy."""
    money = Instrument("MONEY", "Money", "USD", "Cash")
    books.take(topics.RAW_INSTRUMENTS, [money])
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    taken_out = trade("T1", 1, 5, day=3)._replace(security_id="MONEY", type=T.WITHDRAWAL)
    books.take(topics.RAW_TRANSACTIONS, [taken_out])
    assert [row[:3] for row in books.held().entries] == [("P1", "CASH_USD", "T1")]
    explicit = portfolio("P1")._replace(settlement=Settlement.EXPLICIT)
    books.take(topics.RAW_PORTFOLIOS, [explicit])
    paid_in = trade("T2", 1, 9, day=1)._replace(security_id="CASH_USD", type=T.DEPOSIT)
    books.take(topics.RAW_TRANSACTIONS, [paid_in])
    must = [("P1", "CASH_USD", "T2"), ("P1", "MONEY", "T1")]
    assert [row[:3] for row in books.held().entries] == must
    books.settle()
    assert [row[:3] for row in books.held().entries] == must
