"""One holding of five lots, sold under every method: which lot goes, and what it gains."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.postings import Leg
from tidebook.model.facts import LotChoice
from tidebook.model.portfolios import CostMethod, MethodChange, TaxRates

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.model.facts import Transaction

D = Decimal
M = CostMethod
LOTS = (
    trade("l1", "BUY", "ACME", "2022-01-10", quantity="10", price="30"),
    trade("l2", "BUY", "ACME", "2022-06-10", quantity="10", price="55"),
    trade("l3", "BUY", "ACME", "2023-09-11", quantity="10", price="40"),
    trade("l4", "BUY", "ACME", "2023-11-10", quantity="10", price="60"),
    trade("l5", "BUY", "ACME", "2024-01-10", quantity="10", price="45"),
)
SALE = trade("s", "SELL", "ACME", "2024-03-01", quantity="15", price="50")
RATES = TaxRates(D("0.37"), D("0.20"), 12)


def sold(*facts: Transaction, **policies: Any) -> Book:  # noqa: ANN401 - any field
    return keep_book((*LOTS, *(facts or (SALE,))), portfolio(**policies), [security("ACME")])


def taken(book: Book, sale: str = "s") -> list[tuple[str, Decimal]]:
    return [(match.lot_id, match.quantity) for match in book.entry(sale).matches]


@pytest.mark.parametrize(
    ("method", "lots", "gain"),
    [
        (M.FIFO, [("l1", 10), ("l2", 5)], 750 - 300 - 275),
        (M.LIFO, [("l5", 10), ("l4", 5)], 750 - 450 - 300),
        (M.HIFO, [("l4", 10), ("l2", 5)], 750 - 600 - 275),
        # Loss of 10 at 37 percent first (l4), then the loss of 5 at 20 percent (l2).
        (M.MIN_TAX, [("l4", 10), ("l2", 5)], 750 - 600 - 275),
        # 50 shares cost 2,300: 46 each.
        (M.AVCO, [("l1", 15)], 750 - 690),
    ],
)
def test_a_method_chooses_its_lots(
    method: CostMethod, lots: list[tuple[str, int]], gain: int
) -> None:
    book = sold(cost_method=method, tax_rates=RATES)
    assert taken(book) == lots
    assert book.entry("s").realised_base == gain


def test_the_least_tax_is_a_long_gain_rather_than_a_smaller_short_one() -> None:
    # At 58, l5 (held short) gains 13 and pays 4.81; l2 (long) gains 3 and pays 0.60; l3 (short)
    # gains 18; l1 (long) gains 28 and pays 5.60; l4 (short) loses 2 and saves 0.74.
    sale = trade("s", "SELL", "ACME", "2024-03-01", quantity="35", price="58")
    book = sold(sale, cost_method=M.MIN_TAX, tax_rates=RATES)
    assert taken(book) == [("l4", 10), ("l2", 10), ("l5", 10), ("l1", 5)]


def test_a_lot_becomes_long_term_the_day_after_its_anniversary() -> None:
    early = trade("e", "SELL", "ACME", "2024-02-01", quantity="20", price="1",
                  lots=(LotChoice("l2", D(10)), LotChoice("l4", D(10))))  # fmt: skip
    for on, first in (("2024-09-11", "l1"), ("2024-09-12", "l3")):
        # At 70, l1 gains 40 and pays 8.00 at 20 percent; l5 gains 25 and pays 9.25 at 37; l3
        # gains 30 and pays 11.10 as long as it is short term, then 6.00.
        sale = trade("s", "SELL", "ACME", on, quantity="1", price="70")
        assert taken(sold(early, sale, cost_method=M.MIN_TAX, tax_rates=RATES)) == [(first, 1)]


def test_a_sale_that_names_its_lots_takes_these() -> None:
    sale = SALE._replace(lots=(LotChoice("l3", D(10)), LotChoice("l1", D(5))))
    book = sold(sale)
    assert taken(book) == [("l3", 10), ("l1", 5)]
    assert book.entry("s").realised_base == 750 - 400 - 150


def test_a_sale_that_names_a_lot_that_is_gone_waits_and_says_so() -> None:
    sale = SALE._replace(lots=(LotChoice("l1", D(15)),))
    book = sold(sale)
    assert [finding.code for finding in book.findings] == ["lot.not-held"]
    assert book.holding("ACME").quantity == 50
    assert book.holding("CASH_USD").quantity == -2300


def test_a_pool_has_no_lots_to_name_and_says_so() -> None:
    book = sold(SALE._replace(lots=(LotChoice("l2", D(15)),)), cost_method=M.AVCO)
    (finding,) = book.findings
    assert finding.code == "lot.not-held"
    assert "without lots" in finding.remedy
    assert "name lots" not in finding.remedy
    assert not sold(SALE, cost_method=M.AVCO).findings


def test_a_purchase_that_arrives_late_makes_the_named_lot_whole() -> None:
    sale = SALE._replace(lots=(LotChoice("late", D(15)),))
    late = trade("late", "BUY", "ACME", "2022-03-01", quantity="15", price="50")
    assert sold(sale, late).entry("s").realised_base == 0


def test_another_method_from_a_day_on_leaves_what_was_sold_before() -> None:
    changed = (MethodChange(date(2024, 1, 1), M.HIFO),)
    before = trade("s1", "SELL", "ACME", "2023-12-29", quantity="5", price="50")
    book = sold(before, SALE, cost_method_changes=changed)
    assert taken(book, "s1") == [("l1", 5)]
    assert taken(book) == [("l4", 10), ("l2", 5)]


def test_lots_become_one_pool_when_averaging_begins() -> None:
    changed = (MethodChange(date(2024, 2, 1), M.AVCO),)
    book = sold(cost_method_changes=changed)
    assert book.entry("s").realised_base == 750 - 690
    turned = book.entry("s", Leg.METHOD)
    assert len(turned.matches) == 5
    assert [(lot.lot_id, lot.quantity, lot.cost_base) for lot in turned.opens] == [("l1", 50, 2300)]
    assert [lot.quantity for lot in book.lots("ACME")] == [35]


def test_a_short_is_covered_from_the_lowest_proceeds_under_highest_cost_first() -> None:
    facts = [
        trade("a", "SELL", "ACME", "2024-01-02", quantity="10", price="50"),
        trade("b", "SELL", "ACME", "2024-01-03", quantity="10", price="40"),
        trade("c", "BUY", "ACME", "2024-01-04", quantity="10", price="30"),
    ]
    kept = portfolio(cost_method=M.HIFO, allow_short=True)
    book = keep_book(facts, kept, [security("ACME")])
    assert book.entry("c").realised_base == 100
