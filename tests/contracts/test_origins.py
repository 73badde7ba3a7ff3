"""Where facts were read from: each version keeps its own file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.adapters.postgres.reader_origins import read_origins
from tidebook.book.derivation import Source, SourceKind
from tidebook.engine import topics
from tidebook.engine.store import FactOrigin
from tidebook.model.facts import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    made.take(topics.RAW_INSTRUMENTS, [ACME])
    yield made
    made.close()


def _origin(fact: Transaction, line: str) -> FactOrigin:
    source = Source(SourceKind.TRANSACTION, fact.transaction_id)
    return FactOrigin(source, line, content_hash(fact))


def _lines(book: Book, *versions: int | None) -> list[str | None]:
    sources = [Source(SourceKind.TRANSACTION, "T1", version=version) for version in versions]
    with book.pool.connection() as connection, connection.cursor() as cursor:
        found = read_origins(cursor, sources, None)
    return [found[source].row for source in sources]


def test_two_versions_of_one_batch_keep_their_own_lines(book: Book) -> None:
    first, second = trade("T1", 10, 5), trade("T1", 11, 5)
    since = book.now()
    book.book(first, second)
    with book.store.unit() as unit:
        unit.save_origins([_origin(first, "t.csv:2"), _origin(second, "t.csv:3")], since)
    assert _lines(book, 1, 2, None) == ["t.csv:2", "t.csv:3", "t.csv:3"]


def test_a_version_that_was_known_keeps_the_line_that_it_has(book: Book) -> None:
    first = trade("T1", 10, 5)
    since = book.now()
    book.book(first)
    with book.store.unit() as unit:
        unit.save_origins([_origin(first, "t.csv:2")], since)
    later = book.now()
    book.book(first)
    with book.store.unit() as unit:
        unit.save_origins([_origin(first, "again.csv:9")], later)
    assert _lines(book, 1) == ["t.csv:2"]
