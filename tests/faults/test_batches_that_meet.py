"""An amendment meets a worker that books the version before at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.engine import topics
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book

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
    _book_interrupted(books, amended)
    books.settle()
    held = books.held()
    # There is no rate from EUR, so the amended trade waits, and nothing is left of the first one.
    assert [row[:3] for row in held.findings] == [("T1", "rate.missing", "waiting")]
    assert held.entries == []
    assert held.states == []
