"""The broker's statement says something else: an accountant finds out where, and why.

Each story is told on one portfolio that keeps US dollars by itself. In January it was given 10,000,
bought 100 ACME at 20 on the 8th and 40 BETA at 50 on the 15th; in February it sold 25 ACME at 24 on
the 12th; in March it bought 60 ACME at 22 on the 11th. Nothing costs a fee.

    close of   ACME   BETA   cash
    31 Jan      100     40   10000 - 2000 - 2000          = 6000
    29 Feb       75     40   6000 + 600                   = 6600
    31 Mar      135     40   6600 - 1320                  = 5280
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.checks.reconcile import reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement
from tidebook.model.assertions import BalanceAssertion, asserted_key

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.book.checks.reconcile import Divergence, Reconciliation
    from tidebook.model.facts import Transaction

ACME, BETA, CASH = "ACME", "BETA", "CASH_USD"
JAN, FEB, MAR = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)
P1 = portfolio()

FACTS = (
    trade("D1", "DEPOSIT", CASH, "2024-01-02", quantity="10000", price="1"),
    trade("A1", "BUY", ACME, "2024-01-08", quantity="100", price="20"),
    trade("B1", "BUY", BETA, "2024-01-15", quantity="40", price="50"),
    trade("A2", "SELL", ACME, "2024-02-12", quantity="25", price="24"),
    trade("A3", "BUY", ACME, "2024-03-11", quantity="60", price="22"),
)


def book_of(*facts: Transaction) -> Book:
    return keep_book(facts or FACTS, P1, [security(ACME), security(BETA)])


def statement(on: date, *lines: tuple[str, str]) -> list[BalanceAssertion]:
    """Return what the broker's statement of a day says, line by line."""
    return [
        BalanceAssertion(f"{security_id}-{on}", "P1", security_id, on, Decimal(quantity))
        for security_id, quantity in lines
    ]


def reconciled(book: Book, *statements: list[BalanceAssertion]) -> Reconciliation:
    """Return the book beside statements, as the read side puts the two together."""
    asserted: dict[str, list[BalanceAssertion]] = defaultdict(list)
    for assertion in (one for lines in statements for one in lines):
        known = book.instruments.get(assertion.security_id)
        asserted[asserted_key(P1, assertion.security_id, known)].append(assertion)
    records = {
        key: KeyRecord(
            key,
            key == CASH,
            tuple(
                Movement(one.posting.transaction_id, one.posting.type.value, one.posting.on, q)
                for one in book.entries_by_key.get(key, ())
                if (q := one.quantity)
            ),
        )
        for key in asserted
    }
    held = {key: one.quantity for key, one in book.holdings.items()}
    return reconcile(asserted, records, held)


def by_key(found: Reconciliation) -> dict[str, Divergence]:
    return {one.security_id: one for one in found.divergences}


def codes(divergence: Divergence) -> list[tuple[str, str]]:
    return [(one.code, " ".join(one.ids)) for one in divergence.candidates]


def test_three_statements_that_agree() -> None:
    found = reconciled(
        book_of(),
        statement(JAN, (ACME, "100"), (BETA, "40"), (CASH, "6000")),
        statement(FEB, (ACME, "75"), (BETA, "40"), (CASH, "6600")),
        statement(MAR, (ACME, "135"), (BETA, "40"), (CASH, "5280")),
    )
    assert len(found.outcomes) == 9
    assert found.differing == 0
    assert found.first_divergence is None


def test_a_purchase_that_was_entered_twice_shows_in_shares_and_in_cash() -> None:
    # The March purchase came by mail and by file: the book holds 195 and 5280 - 1320 = 3960.
    again = FACTS[4]._replace(transaction_id="A3-mail")
    found = reconciled(
        book_of(*FACTS, again),
        statement(FEB, (ACME, "75"), (CASH, "6600")),
        statement(MAR, (ACME, "135"), (CASH, "5280")),
    )
    shares, cash = by_key(found)[ACME], by_key(found)[CASH]
    # It happened in March: February's statement still agreed.
    assert (shares.after, shares.by, shares.change) == (FEB, MAR, -60)
    assert (cash.after, cash.by, cash.change) == (FEB, MAR, 1320)
    # One share for five of the 75 would fit the numbers too, and is named after it.
    assert codes(shares) == [("duplicated", "A3 A3-mail"), ("split-not-applied", "")]
    assert codes(cash) == [("duplicated", "A3 A3-mail")]
    # With the second one gone, all agrees.
    mended = reconciled(book_of(), statement(MAR, (ACME, "135"), (CASH, "5280")))
    assert mended.differing == 0


def test_a_sale_that_was_entered_as_a_purchase() -> None:
    # 25 bought at 24 instead of sold: 100 + 25 + 60 = 185 in March where the broker has 135.
    turned = trade("A2", "BUY", ACME, "2024-02-12", quantity="25", price="24")
    facts = [turned if fact.transaction_id == "A2" else fact for fact in FACTS]
    found = reconciled(
        book_of(*facts),
        statement(JAN, (ACME, "100"), (CASH, "6000")),
        statement(FEB, (ACME, "75"), (CASH, "6600")),
        statement(MAR, (ACME, "135"), (CASH, "5280")),
    )
    shares, cash = by_key(found)[ACME], by_key(found)[CASH]
    # Both parted in February, and March tells nothing new.
    assert len(found.divergences) == 2
    assert (shares.after, shares.by, shares.change) == (JAN, FEB, -50)
    assert (cash.change, codes(cash)) == (1200, [("wrong-sign", "A2")])
    assert codes(shares)[0] == ("wrong-sign", "A2")


def test_a_split_that_nobody_entered() -> None:
    # BETA was split 3 for 2 in March: 60 shares at the broker, and the cash is right.
    found = reconciled(
        book_of(),
        statement(FEB, (BETA, "40"), (CASH, "6600")),
        statement(MAR, (BETA, "60"), (CASH, "5280")),
    )
    (divergence,) = found.divergences
    assert (divergence.security_id, divergence.after, divergence.change) == (BETA, FEB, 20)
    assert divergence.movements == ()
    (cause,) = divergence.candidates
    assert cause.code == "split-not-applied"
    assert "3:2 split of the 40 held" in cause.sentence


def test_a_dividend_that_the_book_never_heard_of() -> None:
    # 40 BETA paid 0.85 each in February; the shares agree, the cash lacks 34 from then on.
    found = reconciled(
        book_of(),
        statement(JAN, (BETA, "40"), (CASH, "6000")),
        statement(FEB, (BETA, "40"), (CASH, "6634")),
        statement(MAR, (BETA, "40"), (CASH, "5314")),
    )
    (divergence,) = found.divergences
    assert (divergence.after, divergence.by, divergence.change) == (JAN, FEB, 34)
    assert [one.transaction_id for one in divergence.movements] == ["A2"]
    assert codes(divergence) == [("missing", "")]
    assert (
        "34 less than stated after 2024-01-31, by 2024-02-29" in divergence.candidates[0].sentence
    )


def test_what_the_statement_leaves_out_is_told_and_not_taken_for_nothing() -> None:
    found = reconciled(book_of(), statement(MAR, (ACME, "135")))
    assert found.differing == 0
    assert [(one.security_id, one.quantity) for one in found.unstated] == [
        (BETA, 40),
        (CASH, 5280),
    ]
