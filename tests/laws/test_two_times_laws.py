"""What was answered at an instant is answered for that instant ever after, and the log adds up.

Every case is a world of facts that is delivered in random order, cut into random batches with
corrections and half-done work between them. After each batch the book is read as it is; in the
end it is read again as known at each of those instants. Lots are left out where a portfolio's keys
were just being folded again: they are those of one policy, and the portfolio has another already.
"""

from __future__ import annotations

import os
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_cases import deliveries, world
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine.queries import TransactionQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tidebook.engine.views import PositionView

_SEEDS = int(os.environ.get("TIDEBOOK_LAW_CASES", "40")) // 2
_ROUNDS_READ_MAX = 12
_MIDDLE = date(2024, 3, 7)


class Answered(NamedTuple):
    """Everything that is said about a book, without what is of now whatever the instant."""

    portfolios: object
    instruments: object
    prices: object
    positions: object
    lots: dict[str, object]
    transactions: object
    series: object
    findings: object
    overview: object


@pytest.fixture(scope="module")
def books(module_database_url: str) -> Iterator[Book]:
    book = Book(module_database_url)
    yield book
    book.close()


@pytest.mark.cluster
@pytest.mark.parametrize("seed", range(_SEEDS))
def test_what_was_answered_is_what_is_known_at_that_instant(books: Book, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the seed is the case
    reader = PostgresReader(books.pool)
    books.clear()
    said: list[tuple[datetime, Answered]] = []
    for topic, batch in deliveries(random, world(random)):
        books.take(topic, batch)
        if random.random() < 0.5:
            books.fold_again(random.choice((1, 50)))
        if random.random() < 0.5:
            books.round_of_series()
        if len(said) < _ROUNDS_READ_MAX:
            said.append((books.now(), _said(books, reader)))
    books.settle()
    said.append((books.now(), _said(books, reader)))
    for known_at, answered in said:
        again = _answers(reader, known_at)
        settled = {one: lots for one, lots in again.lots.items() if one in answered.lots}
        assert again._replace(lots=settled) == answered
    _check_log(books)


def _said(book: Book, reader: PostgresReader) -> Answered:
    answers = _answers(reader, None)
    asking = {row[0] for row in book.rows("SELECT portfolio_id FROM book_work")}
    settled = {one: lots for one, lots in answers.lots.items() if one not in asking}
    return answers._replace(lots=settled)


def _answers(reader: PostgresReader, known_at: datetime | None) -> Answered:
    portfolios = reader.portfolios(known_at=known_at)
    ids = [portfolio.portfolio_id for portfolio in portfolios]
    instruments = reader.instruments(known_at=known_at)
    return Answered(
        portfolios,
        instruments,
        [reader.prices(one.security_id, known_at=known_at) for one in instruments],
        [_positions(reader, one, known_at, day) for one in ids for day in (None, _MIDDLE)],
        {one: reader.lots(one, known_at=known_at).lots for one in ids},
        [_transactions(reader, one, known_at) for one in ids],
        [reader.series(one, known_at=known_at)[2:4] for one in ids],
        reader.findings(known_at=known_at),
        [(row.portfolio, row.last_day) for row in reader.overview(known_at=known_at)],
    )


def _transactions(
    reader: PostgresReader, portfolio_id: str, known_at: datetime | None
) -> list[object]:
    found: list[object] = []
    for end in (None, _MIDDLE):
        page = reader.transactions(TransactionQuery(portfolio_id, end=end, known_at=known_at))
        found.append((page.total, page.transactions))
    return found


def _positions(
    reader: PostgresReader, portfolio_id: str, known_at: datetime | None, as_of: date | None
) -> object:
    view = reader.positions(portfolio_id, as_of=as_of, known_at=known_at, include_closed=True)
    shown = [_position(one) for one in view.positions]
    return (view.portfolio, view.freshness.as_of, shown, *view[3:])


def _position(one: PositionView) -> object:
    return one._replace(epoch=0, reprocessing=False)


def _check_log(book: Book) -> None:
    assert book.rows(_UNNAMED) == []
    wrong: list[tuple[Any, ...]] = book.rows(_NOT_WHAT_IT_WAS)
    assert wrong == []
    assert book.rows(_NOT_WHAT_IT_CAME_TO) == []
    assert book.rows(_VALUED_OTHERWISE) == []


_UNNAMED = """
SELECT portfolio_id, security_id, epoch FROM restatements WHERE causes = '[]'
UNION ALL
SELECT portfolio_id, 'series', valuation_version FROM series_restatements WHERE causes = '[]'
"""
_NOT_WHAT_IT_WAS = """
SELECT r.* FROM restatements r
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.quantity), 0) AS quantity, coalesce(sum(e.cost_base), 0) AS cost,
           coalesce(sum(e.realised_base), 0) AS realised
    FROM entries e
    WHERE e.portfolio_id = r.portfolio_id AND e.security_id = r.security_id
      AND e.recorded_at < r.recorded_at AND e.superseded_at >= r.recorded_at) AS was
WHERE (r.quantity_before, r.cost_base_before, r.realised_base_before)
      IS DISTINCT FROM (was.quantity, was.cost, was.realised)
"""
_NOT_WHAT_IT_CAME_TO = """
-- After a restatement a key is what is believed then, without what is new and comes after the last
-- entry that there was.
SELECT r.* FROM restatements r
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.quantity), 0) AS quantity, coalesce(sum(e.cost_base), 0) AS cost,
           coalesce(sum(e.realised_base), 0) AS realised
    FROM entries e
    WHERE e.portfolio_id = r.portfolio_id AND e.security_id = r.security_id
      AND e.recorded_at <= r.recorded_at AND e.superseded_at > r.recorded_at
      AND (e.recorded_at < r.recorded_at
           OR EXISTS (
               SELECT FROM entries b
               WHERE b.portfolio_id = r.portfolio_id AND b.security_id = r.security_id
                 AND b.recorded_at < r.recorded_at AND b.superseded_at >= r.recorded_at
                 AND (b.transaction_id, b.leg) = (e.transaction_id, e.leg))
           OR EXISTS (
               SELECT FROM entries b
               WHERE b.portfolio_id = r.portfolio_id AND b.security_id = r.security_id
                 AND b.recorded_at < r.recorded_at AND b.superseded_at >= r.recorded_at
                 AND (b.business_date, b.at, b.rank, b.transaction_id COLLATE "C",
                      b.leg COLLATE "C")
                   > (e.business_date, e.at, e.rank, e.transaction_id COLLATE "C",
                      e.leg COLLATE "C")))) AS came
WHERE (r.quantity_after, r.cost_base_after, r.realised_base_after)
      IS DISTINCT FROM (came.quantity, came.cost, came.realised)
"""
_VALUED_OTHERWISE = """
WITH days AS (
    SELECT portfolio_id, day, eod_market_value, recorded_at, superseded_at FROM portfolio_days
    WHERE superseded_at = 'infinity'
    UNION ALL
    SELECT portfolio_id, day, eod_market_value, recorded_at, superseded_at FROM past_days
)
SELECT s.* FROM series_restatements s
LEFT JOIN days b ON b.portfolio_id = s.portfolio_id AND b.day = s.value_on
     AND b.recorded_at < s.recorded_at AND b.superseded_at >= s.recorded_at
LEFT JOIN days a ON a.portfolio_id = s.portfolio_id AND a.day = s.value_on
     AND a.recorded_at <= s.recorded_at AND a.superseded_at > s.recorded_at
WHERE (s.value_before, s.value_after)
      IS DISTINCT FROM (b.eod_market_value, a.eod_market_value)
"""
