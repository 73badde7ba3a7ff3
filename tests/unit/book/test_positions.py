"""Positions and open lots as of a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.lots import Lot
from tidebook.book.positions import Position, open_lots, positions
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tests.fixtures.booking import Book

D = Decimal


def _book(method: CostMethod = CostMethod.FIFO, *, allow_short: bool = False) -> Book:
    facts = [
        trade("a", "BUY", "ACME", "2025-01-01", quantity="10", gross="100"),
        trade("b", "BUY", "ACME", "2025-01-02", quantity="10", gross="300"),
        trade("s", "SELL", "ACME", "2025-01-03", quantity="12", gross="360"),
        trade("t", "SELL", "ACME", "2025-01-04", quantity="14", gross="420"),
        trade("c", "BUY", "ACME", "2025-01-05", quantity="1", gross="20"),
    ]
    kept = portfolio(cost_method=method, allow_short=allow_short)
    return keep_book(facts if allow_short else facts[:3], kept, [security("ACME")])


def test_a_position_is_what_its_entries_sum_to_on_the_day() -> None:
    entries = _book().entries
    assert positions(entries, date(2024, 12, 31)) == {}
    assert positions(entries, date(2025, 1, 2))["ACME"] == Position(
        "ACME", D(20), D(400), D(400), D(0), D(0), date(2025, 1, 2)
    )
    # Ten of the first lot and two of the second: 100 + 60 left, 360 came in.
    assert positions(entries, date(2025, 1, 9))["ACME"] == Position(
        "ACME", D(8), D(240), D(240), D(200), D(200), date(2025, 1, 3)
    )


def test_cash_is_a_position_like_any_other() -> None:
    found = positions(_book().entries, date(2025, 1, 9))
    assert found["CASH_USD"].quantity == -40


def test_open_lots_are_those_of_the_day() -> None:
    key = _book().entries_by_key["ACME"]
    assert [lot.lot_id for lot in open_lots(key, date(2025, 1, 1))] == ["a"]
    assert [lot.quantity for lot in open_lots(key, date(2025, 1, 2))] == [10, 10]
    assert open_lots(key, date(2025, 1, 3)) == (Lot("b", date(2025, 1, 2), D(8), D(240), D(240)),)


def test_a_pool_is_one_lot_known_by_the_transaction_that_opened_it() -> None:
    key = _book(CostMethod.AVCO).entries_by_key["ACME"]
    assert open_lots(key, date(2024, 12, 31)) == ()
    assert open_lots(key, date(2025, 1, 3)) == (Lot("a", date(2025, 1, 1), D(8), D(160), D(160)),)


@pytest.mark.parametrize("method", list(CostMethod))
def test_lots_of_a_day_are_what_the_fold_held_then_across_zero_too(method: CostMethod) -> None:
    facts_book = _book(method, allow_short=True)
    key = facts_book.entries_by_key["ACME"]
    as_of = open_lots
    # 8 were held before 14 were sold: 6 short, of which 1 was bought back.
    (short,) = as_of(key, date(2025, 1, 4))
    assert (short.lot_id, short.opened_on, short.quantity) == ("t", date(2025, 1, 4), -6)
    assert short.cost_base == -180
    assert as_of(key, date(2025, 1, 5)) == facts_book.lots("ACME")
