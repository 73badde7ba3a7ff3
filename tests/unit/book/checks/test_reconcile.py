"""Where a book and what others state part, and what would explain it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tidebook.book.checks.reconcile import Reconciliation, Verdict, reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement, WaitingMovement
from tidebook.model.assertions import BalanceAssertion

D = Decimal


def on(month: int, day: int) -> date:
    return date(2024, month, day)


def move(identity: str, day: date, quantity: str, settles: date | None = None) -> Movement:
    kind = "SELL" if quantity.startswith("-") else "BUY"
    return Movement(identity, kind, day, D(quantity), settles)


def says(day: date, quantity: str, tolerance: str = "0", **more: object) -> BalanceAssertion:
    one = BalanceAssertion(f"A{day}", "P1", "ACME", day, D(quantity), D(tolerance), "Broker")
    return one._replace(**more)  # pyright: ignore[reportArgumentType]


BOOK = KeyRecord(
    "ACME",
    is_cash=False,
    movements=(
        move("B1", on(1, 3), "101"),
        move("B2", on(2, 5), "53"),
        move("S1", on(3, 7), "-31"),
        move("B3", on(4, 9), "20"),
    ),
)


def compared(*assertions: BalanceAssertion, record: KeyRecord = BOOK) -> Reconciliation:
    return reconcile({record.security_id: list(assertions)}, {record.security_id: record})


def causes(*assertions: BalanceAssertion, record: KeyRecord = BOOK) -> list[tuple[str, str]]:
    """Return code and ids of the last divergence's candidates."""
    found = compared(*assertions, record=record).divergences[-1].candidates
    return [(one.code, " ".join(one.ids)) for one in found]


def test_each_assertion_is_compared_with_the_close_of_its_day() -> None:
    found = compared(says(on(1, 2), "0"), says(on(1, 3), "101"), says(on(3, 7), "123"))
    assert [one.booked for one in found.outcomes] == [0, 101, 123]
    assert [one.verdict for one in found.outcomes] == [Verdict.AGREES] * 3
    assert found.divergences == ()
    assert found.first_divergence is None


@pytest.mark.parametrize(
    ("stated", "tolerance", "verdict"),
    [("123.01", "0.01", "agrees"), ("123.0101", "0.01", "differs"), ("122.99", "0.01", "agrees")],
)
def test_a_difference_within_the_tolerance_agrees(
    stated: str, tolerance: str, verdict: str
) -> None:
    (outcome,) = compared(says(on(3, 8), stated, tolerance)).outcomes
    assert outcome.verdict.value == verdict
    assert outcome.difference == D(stated) - 123


def test_the_divergence_lies_between_the_last_that_agrees_and_the_first_that_does_not() -> None:
    found = compared(
        says(on(1, 31), "101"),
        says(on(2, 29), "154"),
        says(on(3, 31), "154"),
        says(on(4, 30), "174"),
    )
    (divergence,) = found.divergences
    assert (divergence.after, divergence.by) == (on(2, 29), on(3, 31))
    assert (divergence.difference, divergence.change) == (31, 31)
    assert [one.transaction_id for one in divergence.movements] == ["S1"]
    assert found.first_divergence == divergence
    assert found.differing == 2


def test_a_difference_that_grows_is_a_second_divergence_and_one_that_heals_is_none() -> None:
    found = compared(
        says(on(1, 31), "91"),
        says(on(2, 29), "144"),
        says(on(3, 31), "108"),
        says(on(4, 30), "143"),
        says(on(5, 31), "142"),
    )
    assert [(one.after, one.by, one.change, one.agreed_before) for one in found.divergences] == [
        (None, on(1, 31), -10, True),
        (on(2, 29), on(3, 31), -5, False),
        (on(4, 30), on(5, 31), -1, True),
    ]


def test_small_steps_within_the_tolerance_are_a_divergence_once_they_leave_it() -> None:
    found = compared(says(on(1, 31), "101.009", "0.01"), says(on(2, 29), "154.011", "0.01"))
    (divergence,) = found.divergences
    assert (divergence.after, divergence.change) == (on(1, 31), D("0.002"))


def test_cancelled_assertions_are_passed_over() -> None:
    found = compared(says(on(1, 31), "90", is_cancelled=True))
    assert found == Reconciliation((), (), (), 0)


def test_a_surplus_that_one_transaction_accounts_for() -> None:
    assert causes(says(on(2, 29), "101")) == [("not-confirmed", "B2")]
    assert causes(says(on(1, 31), "101"), says(on(2, 29), "101")) == [("not-confirmed", "B2")]


def test_a_deal_under_two_ids() -> None:
    twice = BOOK._replace(movements=(*BOOK.movements[:2], move("B2x", on(2, 5), "53")))
    assert causes(says(on(1, 31), "101"), says(on(2, 29), "154"), record=twice) == [
        ("duplicated", "B2 B2x")
    ]


def test_a_sale_booked_as_a_purchase() -> None:
    # The broker sold 53 where the book bought them: 106 less than the book has.
    assert causes(says(on(1, 31), "101"), says(on(2, 29), "48")) == [("wrong-sign", "B2")]


def test_a_transaction_that_the_book_lacks_and_that_looks_like_one_it_has() -> None:
    assert causes(says(on(2, 29), "154"), says(on(3, 31), "92")) == [("missing-second", "S1")]


def test_a_split_of_what_was_held_at_any_close_of_the_interval() -> None:
    # Doubled between February's purchase and March's sale: 308 - 31.
    assert causes(says(on(2, 29), "154"), says(on(3, 31), "277")) == [("split-not-applied", "")]
    # Trebled before the purchase: 303 + 53 - 31.
    assert causes(says(on(1, 31), "101"), says(on(3, 31), "325")) == [("split-not-applied", "")]


def test_a_split_names_its_ratio_and_since_when_it_was_held() -> None:
    (divergence,) = compared(says(on(1, 31), "101"), says(on(3, 31), "325")).divergences
    (cause,) = divergence.candidates
    assert cause.sentence == (
        "a 3:1 split of the 101 held from 2024-01-31 on would explain the difference"
    )


def test_a_consolidation_pays_its_fraction_in_cash() -> None:
    odd = KeyRecord("ACME", is_cash=False, movements=(move("B1", on(1, 3), "105"),))
    # One for ten of 105 is ten and a half: ten shares, and money for the half.
    assert causes(says(on(1, 31), "105"), says(on(2, 29), "10"), record=odd) == [
        ("split-not-applied", "")
    ]
    assert causes(says(on(1, 31), "105"), says(on(2, 29), "9"), record=odd) == [("too-much", "")]


def test_cash_is_never_split() -> None:
    cash = KeyRecord("CASH_USD", is_cash=True, movements=(move("D1", on(1, 3), "100"),))
    found = compared(says(on(1, 31), "100"), says(on(2, 29), "300"), record=cash)
    assert [one.code for one in found.divergences[0].candidates] == ["missing"]


def test_trades_that_had_not_settled() -> None:
    settling = KeyRecord(
        "ACME",
        is_cash=False,
        movements=(move("B1", on(1, 3), "100", on(1, 5)), move("B2", on(1, 4), "7", on(1, 8))),
    )
    assert ("not-settled", "B1 B2") in causes(says(on(1, 4), "0"), record=settling)
    assert ("not-settled", "B2") in causes(says(on(1, 5), "100"), record=settling)


def test_a_trade_that_is_booked_some_days_after_the_other_side_has_it() -> None:
    assert causes(says(on(2, 29), "154"), says(on(3, 5), "123")) == [("booked-later", "S1")]


def test_transactions_that_wait_alone_or_together() -> None:
    waits = (
        WaitingMovement("W1", "BUY", on(2, 6), D(7), "no rate"),
        WaitingMovement("W2", "BUY", on(2, 7), D(5), "no rate"),
        WaitingMovement("W3", "BUY", on(2, 8), None, "no rate"),
    )
    record = BOOK._replace(waiting=waits)
    start = says(on(1, 31), "101")
    assert causes(start, says(on(2, 29), "161"), record=record) == [("waiting", "W1")]
    assert causes(start, says(on(2, 29), "166"), record=record) == [("waiting", "W1 W2")]
    found = compared(start, says(on(2, 29), "161"), record=record)
    assert found.outcomes[1].remark == (
        "3 transactions of ACME by 2024-02-29 wait and are not in the book"
    )


def test_what_nothing_accounts_for_is_said_with_its_size_and_days() -> None:
    (divergence,) = compared(says(on(1, 31), "101"), says(on(2, 29), "165")).divergences
    (cause,) = divergence.candidates
    assert cause.code == "missing"
    assert cause.sentence.startswith(
        "the book has 11 ACME less than stated after 2024-01-31, by 2024-02-29"
    )


def test_a_security_that_the_book_never_touched_is_told_not_assumed() -> None:
    nothing = KeyRecord("ACME", is_cash=False, movements=())
    found = compared(says(on(1, 31), "10"), record=nothing)
    (outcome,) = found.outcomes
    assert (outcome.booked, outcome.verdict) == (0, Verdict.DIFFERS)
    assert outcome.remark == "no booked transaction has touched ACME by 2024-01-31"
    assert causes(says(on(1, 31), "10"), record=nothing) == [("missing", "")]


def test_two_statements_of_one_day_that_contradict_each_other() -> None:
    other = says(on(1, 31), "90", assertion_id="B")
    assert causes(says(on(1, 31), "101"), other)[0] == (
        "contradicting-assertions",
        "A2024-01-31 B",
    )


def test_what_is_held_and_not_stated_is_told() -> None:
    records = {"ACME": BOOK}
    held = {"ACME": D(123), "OTHER": D(3), "GONE": D(0)}
    found = reconcile({"ACME": [says(on(3, 31), "123")]}, records, held, waiting=2)
    assert [tuple(one) for one in found.unstated] == [("OTHER", on(3, 31), 3)]
    assert found.waiting == 2


def test_the_first_divergence_is_the_one_that_may_have_begun_first() -> None:
    records = {"ACME": BOOK, "OTHER": BOOK._replace(security_id="OTHER")}
    found = reconcile(
        {
            "ACME": [says(on(2, 29), "154"), says(on(3, 31), "1")],
            "OTHER": [says(on(1, 31), "101"), says(on(4, 30), "1")],
        },
        records,
    )
    first = found.first_divergence
    assert first is not None
    assert (first.security_id, first.after) == ("OTHER", on(1, 31))


def test_no_more_than_ten_transactions_are_named_for_one_cause() -> None:
    alike = KeyRecord(
        "ACME",
        is_cash=False,
        movements=tuple(move(f"B{n}", on(1, n + 1), "7") for n in range(1, 13)),
    )
    found = compared(says(on(1, 31), "77"), record=alike).divergences[0].candidates
    named = [one for one in found if one.code == "not-confirmed"]
    assert len(named) == 10


def test_a_divergence_without_any_booking_begins_with_its_assertion() -> None:
    nothing = KeyRecord("NEW", is_cash=False, movements=())
    found = reconcile(
        {"NEW": [says(on(1, 2), "5")], "ACME": [says(on(1, 3), "1")]},
        {"NEW": nothing, "ACME": BOOK},
    )
    first = found.first_divergence
    assert first is not None
    assert (first.security_id, first.by) == ("NEW", on(1, 2))
