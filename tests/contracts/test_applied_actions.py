"""What can be read of corporate actions in one portfolio, and of each change of a position."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine import topics
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate, TransactionType
from tidebook.model.instruments import Instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.engine.views import AppliedActionView

pytestmark = pytest.mark.cluster

D = Decimal
MAR_10, MAR_20 = date(2024, 3, 10), date(2024, 3, 20)
SPLIT = CorporateAction("S1", ActionType.SPLIT, "ACME", MAR_10, D(2))
TAKEOVER = CorporateAction(
    "M1", ActionType.MERGER, "ACME", MAR_20, cash_per_unit=D(4), cash_currency="USD"
)
SPIN = CorporateAction("X1", ActionType.SPIN_OFF, "ACME", MAR_10, to_security_id="NEW")


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    made.take(topics.RAW_INSTRUMENTS, [ACME])
    made.book(trade("B1", 10, 5))
    yield made
    made.close()


def take(book: Book, *actions: CorporateAction | ActionRef) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, actions)
    book.settle()


def applied(book: Book, portfolio_id: str = "P1", **asked: date | str) -> list[AppliedActionView]:
    view = PostgresReader(book.pool).applied_actions(portfolio_id, **asked)  # type: ignore[arg-type]
    return list(view.actions)


def test_what_an_action_did_is_found_with_its_gain(book: Book) -> None:
    take(book, SPLIT, TAKEOVER)
    split, takeover = applied(book)
    assert (split.action, split.transaction_id, split.status) == (SPLIT, "S1@P1", "BOOKED")
    assert [(entry.security_id, entry.quantity) for entry in split.entries] == [("ACME", 10)]
    # 20 units are paid at 4 and had cost 50.
    main, cash = takeover.entries
    assert (main.quantity, main.realised_base) == (-20, 30)
    assert (cash.security_id, cash.quantity) == ("CASH_USD", 80)
    assert applied(book, "P2") == []


def test_actions_are_found_by_security_and_ex_date(book: Book) -> None:
    take(book, SPLIT, TAKEOVER)
    assert [one.action for one in applied(book, as_of=MAR_10)] == [SPLIT]
    assert [one.action for one in applied(book, start=MAR_20)] == [TAKEOVER]
    assert applied(book, security_id="OTHER") == []


def test_an_action_that_waits_is_listed_with_what_it_waits_for(book: Book) -> None:
    take(book, SPIN)
    (one,) = applied(book)
    assert (one.status, one.entries) == ("WAITING", ())
    (finding,) = one.findings
    assert finding.sentence == "corporate action X1 in portfolio P1: security NEW is not known"
    assert finding.remedy.endswith("the action is then booked by itself")
    book.take(topics.RAW_INSTRUMENTS, [Instrument("NEW", "New", "USD", "Equity")])
    book.settle()
    (one,) = applied(book)
    assert (one.status, one.findings, len(one.entries)) == ("BOOKED", (), 2)


def test_a_cancelled_action_has_done_nothing_and_was_once_believed(book: Book) -> None:
    take(book, SPLIT)
    then = book.now()
    take(book, ActionRef("S1"))
    reader = PostgresReader(book.pool)
    assert reader.applied_actions("P1").actions == ()
    (one,) = reader.applied_actions("P1", known_at=then).actions
    assert (one.action, one.version) == (SPLIT, 1)


def test_every_change_of_a_position_says_what_made_it(book: Book) -> None:
    book.book(trade("B2", -4, 6, day=1))
    take(book, SPLIT)
    history = PostgresReader(book.pool).history("P1", "ACME", start=FIRST)
    assert [change.type for change, _ in history.changes] == [
        TransactionType.BUY,
        TransactionType.SELL,
        ActionType.SPLIT,
    ]


def test_it_is_told_which_cancellations_name_what_was_never_known(book: Book) -> None:
    take(book, SPLIT)
    take(book, ActionRef("S1"))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", FIRST, D(5), "USD")])
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.1"))])
    book.take(topics.RAW_BUSINESS_DATES, [FIRST])
    known = [
        TransactionRef("NEVER", "P1"),
        ActionRef("S1"),
        PriceRef("ACME", FIRST),
        RateRef("EUR", "USD", FIRST),
        BusinessDateRef(FIRST),
    ]
    never = [
        ActionRef("S9"),
        PriceRef("ACME", MAR_10),
        RateRef("USD", "EUR", FIRST),
        BusinessDateRef(MAR_10),
        AssertionRef("A9"),
    ]
    reader = PostgresReader(book.pool)
    assert reader.unknown(known) == ()
    assert reader.unknown([*never, *known, *never]) == (0, 1, 2, 3, 4, 10, 11, 12, 13, 14)


def test_cash_of_an_action_without_a_currency_stays(book: Book) -> None:
    """10 ACME return 0.5 each: 5 come in, and stay when a dividend leaves the account."""
    paid = CorporateAction(
        "R1", ActionType.RETURN_OF_CAPITAL, "ACME", MAR_10, cash_per_unit=D("0.5")
    )
    beta = Instrument("BETA", "Beta", "USD", "Equity")
    book.take(topics.RAW_INSTRUMENTS, [beta])
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D(1))])
    book.book(trade("B2", 3, 7, security_id="BETA"))
    take(book, paid)
    book.take(topics.RAW_INSTRUMENTS, [beta._replace(currency="EUR")])
    book.settle()
    cash = book.rows(
        "SELECT transaction_id, quantity FROM entries WHERE security_id = 'CASH_USD' "
        "AND superseded_at = 'infinity' ORDER BY 1"
    )
    assert ("R1@P1", D(5)) in cash


def test_what_waits_for_a_rate_is_tried_again_when_it_is_to_become_something_else(
    book: Book,
) -> None:
    """A merger into a share in euros waits for a rate; the share turns out to be in dollars."""
    new = Instrument("NEW", "New", "EUR", "Equity")
    book.take(topics.RAW_INSTRUMENTS, [new])
    take(book, CorporateAction("M2", ActionType.MERGER, "ACME", MAR_10, to_security_id="NEW"))
    waiting = (
        "SELECT waits_for FROM findings WHERE transaction_id = 'M2@P1' AND severity = 'waiting' "
        "AND resolved_at = 'infinity'"
    )
    assert book.rows(waiting) == [("rate:EUR/USD",)]
    book.take(topics.RAW_INSTRUMENTS, [new._replace(currency="USD")])
    book.settle()
    assert book.rows(waiting) == []
    held = "SELECT quantity FROM position_state WHERE portfolio_id = 'P1' AND security_id = 'NEW'"
    assert book.rows(held) == [(D(10),)]
