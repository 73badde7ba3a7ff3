"""Cost, gain and open lots of each transaction, under first-in-first-out and average cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.tolerance import assert_known
from tidebook.model.money import exact, quotient

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tests.truth.cases import Content
    from tidebook.book.lots import Lot


def check(case: Content) -> None:
    """Keep the book and compare entry by entry, then what is left."""
    expected = case["expected"]
    assert_known(expected, {"by_transaction", "end"})
    book = facts_of(case["inputs"]).book()
    for identity, figures in expected["by_transaction"].items():
        _check_entry(book, identity, figures)
    for security_id, figures in expected["end"].items():
        _check_holding(book, security_id, figures)


def _check_entry(book: Book, identity: str, figures: Content) -> None:
    entry = book.entry(identity)
    found = {
        "net_cost_local": entry.cost_local,
        "net_cost_base": entry.cost_base,
        "realized_local": entry.realised_local,
        "realized_base": entry.realised_base,
        "realized_base_price_effect": entry.realised_price,
        "realized_base_fx_effect": entry.realised_currency,
    }
    assert_known(figures, set(found))
    for name, figure in figures.items():
        assert_amount(found[name], figure, f"{identity} {name}")


def _check_holding(book: Book, security_id: str, figures: Content) -> None:
    assert_known(figures, {"qty", "cost_local", "cost_base", "lots"})
    holding = book.holding(security_id)
    assert_amount(holding.quantity, figures["qty"], f"{security_id} qty")
    assert_amount(holding.cost_local, figures["cost_local"], f"{security_id} cost_local")
    assert_amount(holding.cost_base, figures["cost_base"], f"{security_id} cost_base")
    if "lots" in figures:
        assert [lot.lot_id for lot in holding.lots] == [lot["id"] for lot in figures["lots"]]
        for lot, written in zip(holding.lots, figures["lots"], strict=True):
            _check_lot(lot, written)


def _check_lot(lot: Lot, figures: Content) -> None:
    assert_known(figures, {"id", "qty", "unit_cost_local", "unit_cost_base"})
    with exact():
        units = {
            "qty": lot.quantity,
            "unit_cost_local": quotient(lot.cost_local, lot.quantity),
            "unit_cost_base": quotient(lot.cost_base, lot.quantity),
        }
    for name, unit in units.items():
        assert_amount(unit, figures[name], f"lot {lot.lot_id} {name}")
