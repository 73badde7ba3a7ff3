"""Batches that meet what another one has just done, or has not done yet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.engine_book import Book, record_of
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.engine import topics
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.engine.stages.reference import take
from tidebook.engine.stages.series import bring_up_to_date
from tidebook.errors import FencedError
from tidebook.model.cancellations import RateRef
from tidebook.model.facts import Price, Rate, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from concurrent.futures import Future

    from tidebook.engine.store import StoredFact, Unit
    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster


_PATIENCE_SECONDS = 90.0


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


def test_what_comes_back_to_a_key_that_was_folded_already_is_on_it(books: Book) -> None:
    """A batch on a security has its cash account folded again, and that the security once more.

    The security turned out to be cash after some of it was bought, and then the portfolio no
    longer settles by itself; neither was folded again yet.
    """
    books.take(topics.RAW_INSTRUMENTS, [ACME])
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    bought = trade("T1", 10, 5, day=2)
    books.take(topics.RAW_TRANSACTIONS, [bought])
    books.take(topics.RAW_INSTRUMENTS, [ACME._replace(asset_class="Cash")])
    paid_in = trade("T2", 1, 100, day=3)._replace(type=T.DEPOSIT)
    books.take(topics.RAW_TRANSACTIONS, [paid_in])
    assert [row[1:3] for row in books.held().entries] == [
        *(("ACME", "T1"), ("CASH_USD", "T1"), ("CASH_USD", "T2"))
    ]
    explicit = portfolio("P1")._replace(settlement=Settlement.EXPLICIT)
    books.take(topics.RAW_PORTFOLIOS, [explicit])
    books.take(topics.RAW_TRANSACTIONS, [trade("T3", 10, 5, day=1)])
    must = [("ACME", "T1"), ("ACME", "T2"), ("ACME", "T3")]
    assert [row[1:3] for row in books.held().entries] == must
    held = books.held().states
    books.settle()
    assert [row[1:3] for row in books.held().entries] == must
    assert books.held().states == held


def test_what_has_to_wait_from_now_on_leaves_all_its_keys(books: Book) -> None:
    """A batch on the cash account comes before the keys of a cancelled rate are folded again."""
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    books.take(topics.RAW_INSTRUMENTS, [ACME._replace(currency="GBP")])
    rate = Rate("GBP", "USD", date(2024, 3, 1), Decimal(2))
    books.take(topics.RAW_FX_RATES, [rate])
    pounds = trade("T1", 1, 5, day=2)._replace(
        type=T.DIVIDEND, trade_currency="GBP", currency="GBP"
    )
    fee = pounds._replace(transaction_id="T2", security_id="CASH_GBP", type=T.FEE)
    books.take(topics.RAW_TRANSACTIONS, [pounds, fee])
    assert [row[1:3] for row in books.held().entries] == [
        *(("ACME", "T1"), ("CASH_GBP", "T1"), ("CASH_GBP", "T2"))
    ]
    books.take(topics.RAW_FX_RATES, [RateRef("GBP", "USD", date(2024, 3, 1))])
    books.take(topics.RAW_TRANSACTIONS, [fee._replace(gross=Decimal(1))])
    held = books.held()
    assert held.entries == []
    assert [row[:2] for row in held.findings] == [("T1", "rate.missing"), ("T2", "rate.missing")]
    books.take(topics.RAW_FX_RATES, [rate])
    books.settle()
    assert [row[1:3] for row in books.held().entries] == [
        *(("ACME", "T1"), ("CASH_GBP", "T1"), ("CASH_GBP", "T2"))
    ]


# Who values and who brings prices wait for each other.

_DEARER = Price("ACME", date(2024, 3, 2), Decimal(12), "USD")
_CLOSINGS = "SELECT eod_market_value FROM portfolio_days WHERE superseded_at = 'infinity'"


def _held_at_ten(books: Book) -> None:
    """One unit bought at 10, and worth as much: what it is worth less what it cost is nothing."""
    books.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    books.take(topics.RAW_INSTRUMENTS, [ACME])
    books.take(topics.RAW_TRANSACTIONS, [trade("T1", 1, 10, day=1)])
    books.take(topics.RAW_MARKET_PRICES, [_DEARER._replace(price=Decimal(10))])


def _waits(books: Book, other: Future[Any]) -> bool:
    """Tell whether somebody comes to wait for a lock that stands for no row."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not other.done() and time.monotonic() < until:
        if books.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            return True
        time.sleep(0.01)
    return False


def test_a_price_waits_until_what_is_being_valued_is_written(books: Book) -> None:
    _held_at_ten(books)
    with ThreadPoolExecutor(1) as elsewhere:
        with books.store.unit() as unit:
            outcome = bring_up_to_date(unit, 10, books.now)
            coming = elsewhere.submit(books.take, topics.RAW_MARKET_PRICES, [_DEARER])
            assert _waits(books, coming), "the market was not held while it was valued with"
            assert books.rows("SELECT price FROM market_prices") == [(10,)]
        coming.result(_PATIENCE_SECONDS)
    assert outcome.stale == 0
    assert books.rows(_CLOSINGS) == [(0,)]
    books.settle()
    assert books.rows(_CLOSINGS) == [(2,)]


def test_nothing_is_valued_while_prices_are_written(books: Book) -> None:
    _held_at_ten(books)
    with ThreadPoolExecutor(1) as elsewhere:
        with books.store.unit() as unit:
            record = cast("dict[str, str]", record_of(topics.RAW_MARKET_PRICES, _DEARER))
            take(unit, topics.RAW_MARKET_PRICES, [record], books.now)
            coming = elsewhere.submit(books.round_of_series)
            assert _waits(books, coming), "the market was not owned while it was written"
        coming.result(_PATIENCE_SECONDS)
    assert books.rows(_CLOSINGS) == [(2,)]
