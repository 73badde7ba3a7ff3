"""Days of a series that were replaced: each told as it stood, however many are kept in a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from tests.contracts.test_upgrade_two_times import upgrade_to
from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tests.fixtures.reader_book import CORRECTED, JAN_1, JAN_5, RECORDED, write_portfolio
from tests.fixtures.reader_rows import insert
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.retention import PostgresKeeper
from tidebook.engine import topics
from tidebook.engine.keeping import Cut
from tidebook.model.facts import Price, TransactionType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

pytestmark = pytest.mark.cluster

NEXT = FIRST + timedelta(days=3)  # the first is a Friday
DAYS = """
    SELECT day, bod_market_value, bod_cashflow, eod_cashflow, eod_market_value, fees,
           unpriced_cost, recorded_at, superseded_at
    FROM past_days WHERE portfolio_id = 'P1' ORDER BY superseded_at, day"""


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    """Give a valued book in which P1 bought ten ACME at 10 and paid a fee of 3."""
    book = Book(database_url)
    book.take_portfolios(portfolio("P1"), portfolio("P2"))
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    price(book, FIRST, 10)
    fee = trade("F1", 3, 1, security_id="CASH_USD")._replace(type=TransactionType.FEE)
    book.book(trade("T1", 10, 10), fee, trade("T2", 1, 10, portfolio_id="P2"))
    book.settle()
    yield book
    book.close()


def price(book: Book, on: date, value: int) -> datetime:
    """Give a price, have the series valued, and return an instant at which that is believed."""
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", on, Decimal(value), "USD")])
    book.settle()
    return book.now()


def closings(book: Book, known_at: datetime | None = None) -> list[tuple[date, Decimal]]:
    series = PostgresReader(book.pool).series("P1", known_at=known_at)
    return [(row.on, row.eod_market_value) for row in series.days]


def test_days_that_end_together_are_kept_in_one_row_and_told_one_by_one(book: Book) -> None:
    first = book.now()
    second = price(book, NEXT, 11)
    third = price(book, FIRST, 12)
    fourth = price(book, FIRST, 13)
    # Ten units were bought out of nothing for 100 and a fee of 3.
    day_by_day = {
        first: [(FIRST, Decimal(-3))],
        second: [(FIRST, Decimal(-3)), (NEXT, Decimal(7))],
        third: [(FIRST, Decimal(17)), (NEXT, Decimal(7))],
        fourth: [(FIRST, Decimal(27)), (NEXT, Decimal(7))],
    }
    assert {at: closings(book, at) for at in day_by_day} == day_by_day
    assert closings(book) == day_by_day[fourth]
    assert book.rows("SELECT count(*) FROM portfolio_days WHERE superseded_at < 'infinity'") == [
        (0,)
    ]
    # The next day opened at another value, so both days were replaced, twice, in two portfolios.
    assert book.rows("SELECT cardinality(days) FROM past_series") == [(2,)] * 4


def test_each_day_keeps_its_amounts_and_the_instant_at_which_it_was_recorded(book: Book) -> None:
    ((at_first,),) = book.rows("SELECT recorded_at FROM portfolio_days WHERE portfolio_id = 'P1'")
    price(book, NEXT, 11)
    ((at_next,),) = book.rows(
        "SELECT recorded_at FROM portfolio_days WHERE portfolio_id = 'P1' AND day = %s", NEXT
    )
    assert at_first < at_next
    price(book, FIRST, 12)
    ((ended,),) = book.rows(
        "SELECT DISTINCT recorded_at FROM portfolio_days WHERE portfolio_id = 'P1'"
    )
    nothing = Decimal(0)
    assert book.rows(DAYS) == [
        (FIRST, nothing, nothing, *amounts(-3, -3, 3), nothing, at_first, ended),
        (NEXT, Decimal(-3), nothing, *amounts(0, 7, 0), nothing, at_next, ended),
    ]


def test_days_that_were_replaced_for_long_enough_are_deleted(book: Book) -> None:
    price(book, FIRST, 11)
    between = book.now()
    price(book, FIRST, 12)
    kept = book.rows(f"{DAYS} OFFSET 1")
    cut = Cut(log_before=between, known_before=between, is_shipped=False)
    assert PostgresKeeper(book.pool).retire(cut)["past_series"] == 2
    assert book.rows(DAYS) == kept


def amounts(*values: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, values))


def test_what_earlier_releases_closed_is_told_beside_it(empty_database_url: str) -> None:
    upgrade_to(empty_database_url, "0017")
    with psycopg.connect(empty_database_url, autocommit=True) as store:
        write_portfolio(store, "P1")
        for closing, recorded_at, ended in (
            ("5", RECORDED, CORRECTED),
            ("6", CORRECTED, "infinity"),
        ):
            insert(
                store,
                "portfolio_days",
                portfolio_id="P1",
                day=JAN_5,
                bod_market_value="0",
                bod_cashflow="4",
                eod_cashflow="0",
                eod_market_value=closing,
                fees="0",
                unpriced_cost="0",
                generation=1,
                recorded_at=recorded_at,
                superseded_at=ended,
            )
    upgrade_to(empty_database_url, "head")
    again = datetime(2023, 7, 1, tzinfo=UTC)
    pool: ConnectionPool[Any] = ConnectionPool(empty_database_url, min_size=1, open=True)
    with pool:
        with pool.connection() as store:
            store.execute("DELETE FROM portfolio_days WHERE superseded_at = 'infinity'")
            insert(
                store,
                "past_series",
                portfolio_id="P1",
                superseded_at=again,
                days=[JAN_1, JAN_5],
                bod_market_values=[Decimal(0), Decimal(1)],
                eod_market_values=[Decimal(1), Decimal(6)],
                generations=[1],
                recorded_at=[CORRECTED],
            )
        reader = PostgresReader(pool)
        told = [
            [(row.on, row.eod_market_value) for row in reader.series("P1", known_at=at).days]
            for at in (RECORDED, CORRECTED, again)
        ]
    assert told == [[(JAN_5, Decimal(5))], [(JAN_1, Decimal(1)), (JAN_5, Decimal(6))], []]
