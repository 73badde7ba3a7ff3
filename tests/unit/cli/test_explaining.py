"""What ``engine.explaining`` reads, and what it does when the book moves while it reads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import MemoryBook, worked_book
from tidebook.analytics.derivation import reckon, unfounded
from tidebook.book.holding_periods import Term
from tidebook.engine.explaining import Question, explain
from tidebook.errors import BookMovedError, UnknownSubjectError
from tidebook.model.periods import period_named
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tidebook.analytics.derivation import Tree
    from tidebook.engine.queries import TransactionQuery
    from tidebook.engine.views import Freshness, TransactionsPage


class Moving(MemoryBook):
    """A book whose generation grows for a while each time it is looked at."""

    moves = 0

    def freshness(
        self, portfolio_id: str, *, as_of: date | None = None, known_at: datetime | None = None
    ) -> Freshness:
        if self.moves:
            self.moves -= 1
            self.generation += 1
        return super().freshness(portfolio_id, as_of=as_of, known_at=known_at)


def moving(times: int) -> Moving:
    """Return the worked book, moving ``times`` times."""
    worked, book = worked_book(), Moving()
    book.owners, book.known, book.facts = worked.owners, worked.known, worked.facts
    book.quoted, book.exchange = worked.quoted, worked.exchange
    book.moves = times
    return book


def test_a_book_that_moved_once_is_read_again() -> None:
    found = explain(moving(2), Question("cost", "P1", "ACME"))
    assert reckon(found.node) == Decimal(704)


def test_a_book_that_never_rests_is_refused() -> None:
    with pytest.raises(BookMovedError):
        explain(moving(100), Question("cost", "P1", "ACME"))


def test_what_was_known_then_cannot_move() -> None:
    then = datetime(2024, 1, 31, tzinfo=UTC)
    found = explain(moving(100), Question("cost", "P1", "ACME", known_at=then))
    assert found.node.value == Decimal(704)


def test_transactions_are_read_page_by_page() -> None:
    class Paged(MemoryBook):
        def transactions(self, query: TransactionQuery) -> TransactionsPage:
            return super().transactions(query._replace(limit=2))

    worked, book = worked_book(), Paged()
    book.__dict__.update(worked.__dict__)
    found = explain(book, Question("quantity", "P1", "ACME"))
    assert [child.value for child in found.node.children] == [10, 10, -4, -8]


def test_an_earlier_day_leaves_later_transactions_out() -> None:
    # After T3 on the fourth: 904.50 x 6/10 and the 880 of T2.
    question = Question("cost", "P1", "ACME", as_of=date(2024, 1, 4))
    found = explain(worked_book(), question)
    assert reckon(found.node) == found.node.value == Decimal("1422.70")


def test_average_cost_is_explained_as_one_pool() -> None:
    # 1784.50 less 4/20 is 1427.60, less 8/16 is 713.80.
    book = worked_book()
    book.owners["P1"] = book.owners["P1"]._replace(cost_method=CostMethod.AVCO)
    found = explain(book, Question("cost", "P1", "ACME"))
    assert reckon(found.node) == found.node.value == Decimal("713.80")
    assert unfounded(found.node) == ()


def test_a_position_without_a_price_is_named_and_left_out_of_the_total() -> None:
    # Only cash has a value: 5000 - 557.65, and no price at all makes the last day that of NOW.
    book = worked_book()
    book.quoted = []
    found = explain(book, Question("value", "P1"))
    assert found.unvalued == ("ACME",)
    assert reckon(found.node) == found.node.value == Decimal("4442.35")


def test_a_sale_over_two_lots_is_told_lot_by_lot() -> None:
    # T4 brings 1040 x 0.95 = 988 for 8: 6 of T1 at 90.45 each and 2 of T2 at 88 each.
    book = worked_book()
    told = {
        (name, lot): explain(
            book, Question(f"gain.{name}", "P1", transaction_id="T4", lot_id=lot)
        ).node
        for name in ("proceeds", "cost", "realised")
        for lot in ("T1", "T2")
    }
    assert {key: node.value for key, node in told.items()} == {
        ("proceeds", "T1"): Decimal(741),
        ("proceeds", "T2"): Decimal(247),
        ("cost", "T1"): Decimal("542.70"),
        ("cost", "T2"): Decimal(176),
        ("realised", "T1"): Decimal("198.30"),
        ("realised", "T2"): Decimal(71),
    }
    assert all(reckon(node) == node.value for node in told.values())


def test_gains_are_summed_by_term_and_year() -> None:
    # 406.30 - 361.80 of T3, 198.30 and 71 of T4, all of them short term and of one year.
    book, year = worked_book(), period_named("2024")
    found = explain(book, Question("gains.realised", "P1", "ACME", period=year, term=Term.SHORT))
    assert [child.value for child in found.node.children] == [
        Decimal("44.50"),
        Decimal("198.30"),
        Decimal(71),
    ]
    assert reckon(found.node) == found.node.value == Decimal("313.80")
    for other in (Question("gains.count", "P1", term=Term.LONG), Question("gains.undated", "P1")):
        assert explain(book, other).node.value == 0
    with pytest.raises(UnknownSubjectError):
        explain(book, Question("gain.realised", "P1", transaction_id="T3", lot_id="T2"))


def test_rates_say_from_which_quotes_they_come() -> None:
    found = explain(worked_book(), Question("value", "P1", "ACME"))
    leaves = [node for node in _walk(found.node) if node.label == "rate USD/EUR"]
    assert [leaf.source.text for leaf in leaves if leaf.source] == ["rate USD/EUR of 2024-01-05"]


def _walk(node: Tree) -> list[Tree]:
    return [node, *(below for child in node.children for below in _walk(child))]
