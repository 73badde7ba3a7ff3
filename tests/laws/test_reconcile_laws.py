"""What holds of any book and any statement: one flaw is found in the interval in which it lies."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from tidebook.book.checks.reconcile import reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement
from tidebook.model.assertions import BalanceAssertion

FIRST = date(2024, 1, 1)
QUANTITIES = st.decimals(-1000, 1000, places=2).filter(bool)
DAYS = st.integers(0, 90).map(lambda number: FIRST + timedelta(days=number))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Movement, ...]:
    moves = draw(st.lists(st.tuples(DAYS, QUANTITIES), min_size=1, max_size=12))
    return tuple(
        Movement(f"T{number}", "BUY" if quantity > 0 else "SELL", on, quantity)
        for number, (on, quantity) in enumerate(sorted(moves))
    )


STATEMENT_DAYS = st.sets(DAYS, min_size=1, max_size=8).map(sorted)


def key(moves: tuple[Movement, ...]) -> KeyRecord:
    return KeyRecord("ACME", is_cash=False, movements=moves)


def statements(moves: tuple[Movement, ...], days: list[date]) -> list[BalanceAssertion]:
    """Return what somebody with these movements would state."""
    return [
        BalanceAssertion(
            f"A{on}",
            "P1",
            "ACME",
            on,
            sum((move.quantity for move in moves if move.on <= on), Decimal(0)),
        )
        for on in days
    ]


@given(histories(), STATEMENT_DAYS)
def test_a_book_agrees_with_what_it_would_state_itself(
    moves: tuple[Movement, ...], days: list[date]
) -> None:
    found = reconcile({"ACME": statements(moves, days)}, {"ACME": key(moves)})
    assert found.differing == 0
    assert found.divergences == ()


@given(histories(), STATEMENT_DAYS, st.data())
def test_a_transaction_that_the_book_lacks_is_missed_in_its_own_interval(
    moves: tuple[Movement, ...], days: list[date], data: st.DataObject
) -> None:
    lost = data.draw(st.sampled_from(moves))
    book = tuple(move for move in moves if move is not lost)
    found = reconcile({"ACME": statements(moves, days)}, {"ACME": key(book)})
    after = [on for on in days if on < lost.on]
    by = [on for on in days if on >= lost.on]
    if not by:
        assert found.divergences == ()
        return
    (divergence,) = found.divergences
    assert (divergence.after, divergence.by) == (after[-1] if after else None, by[0])
    assert divergence.change == lost.quantity
    assert found.differing == len(by)
    assert divergence.candidates


@given(histories(), STATEMENT_DAYS, st.data())
def test_a_transaction_under_two_ids_is_named(
    moves: tuple[Movement, ...], days: list[date], data: st.DataObject
) -> None:
    doubled = data.draw(st.sampled_from(moves))
    twin = doubled._replace(transaction_id="TWIN")
    book = tuple(sorted((*moves, twin), key=lambda move: move.on))
    found = reconcile({"ACME": statements(moves, days)}, {"ACME": key(book)})
    for divergence in found.divergences:
        named = [set(one.ids) for one in divergence.candidates if one.code == "duplicated"]
        assert any({doubled.transaction_id, "TWIN"} <= ids for ids in named)
    assert bool(found.divergences) == any(on >= doubled.on for on in days)


@given(histories(), STATEMENT_DAYS, st.data())
def test_a_transaction_booked_the_wrong_way_round_is_named(
    moves: tuple[Movement, ...], days: list[date], data: st.DataObject
) -> None:
    right = data.draw(st.sampled_from(moves))
    book = tuple(
        move._replace(quantity=-move.quantity) if move is right else move for move in moves
    )
    found = reconcile({"ACME": statements(moves, days)}, {"ACME": key(book)})
    for divergence in found.divergences:
        turned = [one.ids for one in divergence.candidates if one.code == "wrong-sign"]
        assert (right.transaction_id,) in turned
