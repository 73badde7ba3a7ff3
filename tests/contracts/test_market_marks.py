"""The marks of the market on series, and who waits for whom where they meet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from tests.contracts.test_upgrade_two_times import upgrade_to
from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tests.fixtures.reader_book import JAN_1, JAN_5, write_portfolio
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.engine import topics
from tidebook.engine.stages.series import bring_up_to_date
from tidebook.engine.valuing import SeriesWrite
from tidebook.model.facts import Price

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

pytestmark = pytest.mark.cluster

AT = datetime(2024, 6, 2, tzinfo=UTC)
NEXT = FIRST + timedelta(days=3)  # the first is a Friday
PATIENCE_SECONDS = 90.0
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    """Give a book in which P1 and P2 hold ACME and P3 holds nothing of it; all is valued."""
    book = Book(database_url)
    book.take_portfolios(portfolio("P1"), portfolio("P2"), portfolio("P3"))
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.take(topics.RAW_MARKET_PRICES, [quote(FIRST, 10)])
    book.book(trade("T1", 10, 10), trade("T2", 1, 10, portfolio_id="P2"))
    book.settle()
    yield book
    book.close()


def quote(on: date, price: int) -> Price:
    return Price("ACME", on, Decimal(price), "USD")


def correct(book: Book, price: int, on: date = FIRST) -> None:
    with book.store.unit() as unit:
        assert unit.save_prices([quote(on, price)], AT) == 0


def standing(book: Book, portfolio_id: str) -> tuple[Any, ...]:
    ((found),) = book.rows(
        "SELECT generation, valuation_version, series_from FROM portfolio_standings "
        "WHERE portfolio_id = %s",
        portfolio_id,
    )
    return found


def wait_for_a_lock(book: Book) -> None:
    """Return once somebody waits for a lock."""
    end = datetime.now(UTC) + timedelta(seconds=PATIENCE_SECONDS)
    while book.rows(WAITING) == [(0,)]:
        assert datetime.now(UTC) < end, "nobody has waited"


def test_a_price_marks_exactly_those_who_held_the_thing_and_only_until_they_are_valued(
    book: Book,
) -> None:
    before = {each: standing(book, each) for each in ("P1", "P2", "P3")}
    correct(book, 11, NEXT)
    correct(book, 12)
    for each in ("P1", "P2"):
        generation, version, _ = before[each]
        assert standing(book, each) == (generation, version + 2, FIRST)
    assert standing(book, "P3") == before["P3"]
    book.settle()
    for each in ("P1", "P2"):
        generation, version, _ = before[each]
        assert standing(book, each) == (generation, version + 2, None)
    assert book.rows("SELECT count(*) FROM market_marks") == [(0,)]
    worth = book.rows(
        "SELECT day, eod_market_value FROM portfolio_days "
        "WHERE portfolio_id = 'P1' AND superseded_at = 'infinity' ORDER BY day"
    )
    # Ten units of 10 were bought out of nothing, so cash is 100 below zero.
    assert worth == [(FIRST, Decimal(20)), (NEXT, Decimal(10))]


def test_a_series_that_was_read_before_a_price_came_is_not_written(book: Book) -> None:
    correct(book, 11)
    with book.store.unit() as unit:
        jobs = unit.series_jobs(10)
    correct(book, 12)
    with book.store.unit() as unit:
        assert unit.save_series([SeriesWrite(job, (), ()) for job in jobs], AT) == frozenset()
    assert standing(book, "P1")[2] == FIRST


def test_a_series_that_waits_for_a_price_to_be_taken_is_not_written(book: Book) -> None:
    correct(book, 11)
    with book.store.unit() as unit:
        jobs = unit.series_jobs(10)

    def value() -> frozenset[str]:
        with book.store.unit() as unit:
            return unit.save_series([SeriesWrite(job, (), ()) for job in jobs], AT)

    with ThreadPoolExecutor(1) as threads:
        with book.store.unit() as pricing:
            pricing.save_prices([quote(FIRST, 12)], AT)
            valued = threads.submit(value)
            wait_for_a_lock(book)
        assert valued.result(PATIENCE_SECONDS) == frozenset()
    assert standing(book, "P1")[2] == FIRST


def test_a_price_that_waits_for_a_series_to_be_written_marks_it_again(book: Book) -> None:
    correct(book, 11)
    marked = standing(book, "P1")
    with ThreadPoolExecutor(1) as threads:
        with book.store.unit() as valuing:
            writes = [SeriesWrite(job, (), ()) for job in valuing.series_jobs(10)]
            assert valuing.save_series(writes, AT) == {"P1", "P2"}
            priced = threads.submit(correct, book, 12, NEXT)
            wait_for_a_lock(book)
        priced.result(PATIENCE_SECONDS)
    assert standing(book, "P1") == (marked[0], marked[1] + 1, NEXT)


def test_a_portfolio_that_is_being_booked_on_is_left_for_later_and_holds_up_nobody(
    book: Book,
) -> None:
    correct(book, 11)
    taken: list[str] = []
    with book.store.unit() as booking:
        booking.lock_portfolios(["P1"])
        with book.store.unit() as valuing:
            outcome = bring_up_to_date(valuing, 10, lambda: AT, taken=taken)
        assert (outcome.stale, taken) == (1, ["P1", "P2"])
        assert standing(book, "P1")[2] == FIRST
        assert standing(book, "P2")[2] is None
        # What is left would be valued in vain until the booking is done.
        taken.clear()
        with book.store.unit() as valuing:
            outcome = bring_up_to_date(valuing, 10, lambda: AT, taken=taken)
        assert (outcome.portfolios, outcome.stale, taken) == (1, 1, [])
    book.settle()
    assert standing(book, "P1")[2] is None


def test_a_price_that_comes_while_a_trade_is_valued_for_the_first_time_stays_marked(
    book: Book,
) -> None:
    book.book(trade("T3", 1, 10))
    traded = standing(book, "P1")
    with book.store.unit() as valuing:
        writes = [SeriesWrite(job, (), ()) for job in valuing.series_jobs(10)]
        assert valuing.save_series(writes, AT) == {"P1"}
        correct(book, 11, NEXT)
    assert standing(book, "P1") == (traded[0], traded[1] + 1, NEXT)


def test_a_price_waits_for_no_trade_and_both_marks_count(book: Book) -> None:
    correct(book, 9, NEXT)
    generation, version, _ = standing(book, "P1")
    with book.store.unit() as booking:
        booking.lock_portfolios(["P1", "P2"])
        correct(book, 11, NEXT)
    book.book(trade("T3", 1, 10))
    assert standing(book, "P1") == (generation + 1, version + 1, FIRST)
    with book.store.unit() as unit:
        first, second = unit.series_jobs(10)
        assert (first.from_date, second.from_date) == (FIRST, NEXT)
        assert [one.portfolio.portfolio_id for one in unit.series_jobs(1)] == ["P1"]
        assert [one.portfolio.portfolio_id for one in unit.series_jobs(1, ["P1"])] == ["P2"]
    book.settle()
    assert standing(book, "P1") == (generation + 1, version + 1, None)


def test_what_the_market_moved_comes_before_what_only_trades_moved(book: Book) -> None:
    book.take_portfolios(portfolio("P0"))
    book.take(topics.RAW_INSTRUMENTS, [ACME._replace(security_id="OTHER")])
    book.book(trade("T3", 1, 10, portfolio_id="P0", security_id="OTHER"))
    correct(book, 11)
    with book.store.unit() as unit:
        for limit, found in ((1, ["P1"]), (2, ["P1", "P2"]), (3, ["P0", "P1", "P2"])):
            assert [one.portfolio.portfolio_id for one in unit.series_jobs(limit)] == found


def test_what_an_earlier_release_has_marked_is_marked_still(empty_database_url: str) -> None:
    upgrade_to(empty_database_url, "0010")
    with psycopg.connect(empty_database_url, autocommit=True) as store:
        write_portfolio(store, "P1", series_from=JAN_5, series_change=4)
        write_portfolio(store, "P2", series_from=JAN_1)
        write_portfolio(store, "P3")
    upgrade_to(empty_database_url, "head")
    pool: ConnectionPool[psycopg.Connection[tuple[Any, ...]]] = ConnectionPool(
        empty_database_url, min_size=1, max_size=2, open=True
    )
    with pool, psycopg.connect(empty_database_url, autocommit=True) as store:
        marks = store.execute("SELECT * FROM market_marks").fetchall()
        assert marks == [("P1", JAN_5, 4, 0)]
        units = PostgresStore(pool, MarketCache(), conninfo=empty_database_url)
        with units.unit() as unit:
            jobs = unit.series_jobs(10)
            assert [(one.valuation_version, one.from_date) for one in jobs] == [
                (3, JAN_5),
                (3, JAN_1),
            ]
            writes = [SeriesWrite(job, (), ()) for job in jobs]
            assert unit.save_series(writes, AT) == {"P1", "P2"}
        assert store.execute("SELECT count(*) FROM market_marks").fetchall() == [(0,)]
        units.close()
