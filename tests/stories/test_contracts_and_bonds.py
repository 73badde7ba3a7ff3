"""Options, futures, perpetuals and bonds, each with its cash and gains counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.postings import Leg
from tidebook.model.facts import Rate
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.markets import rate_table

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.model.facts import Transaction

D = Decimal
STOCK = security("ACME")


def option(right: OptionRight) -> Instrument:
    return Instrument(
        "OPT", "Option", "USD", "Option", multiplier=D(100), underlying_id="ACME",
        option_right=right, strike=D(50), expires_on=date(2024, 6, 21),
    )  # fmt: skip


CALL, PUT = option(OptionRight.CALL), option(OptionRight.PUT)
FUTURE = Instrument("FUT", "Index future", "USD", "Future", multiplier=D(50))
BOND = Instrument("BOND", "5 % bond", "USD", "Bond", multiplier=D("0.01"))
FUNDS = trade("cash", "DEPOSIT", "CASH", "2024-01-01", gross="100000")


def kept(*facts: Transaction, known: Instrument = CALL, **policies: Any) -> Book:  # noqa: ANN401 - any field
    return keep_book((FUNDS, *facts), portfolio(**policies), [STOCK, known])


def cash(book: Book) -> Decimal:
    return book.holding("CASH_USD").quantity - 100000


def test_an_option_costs_its_price_for_every_unit_under_it() -> None:
    book = kept(trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="2", price="3"))
    assert (book.holding("OPT").quantity, book.holding("OPT").cost_base) == (2, 600)
    assert cash(book) == -600
    assert book.findings == ()


def test_a_long_option_is_closed_at_a_gain() -> None:
    book = kept(
        trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="2", price="3"),
        trade("c", "SELL_TO_CLOSE", "OPT", "2024-04-01", quantity="2", price="5", fee="2"),
    )
    assert book.entry("c").realised_base == 1000 - 2 - 600
    assert cash(book) == 398


def test_an_option_is_written_and_bought_back_where_shorts_are_forbidden() -> None:
    book = kept(
        trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="4"),
        trade("c", "BUY_TO_CLOSE", "OPT", "2024-04-01", quantity="1", price="1"),
    )
    assert book.entry("c").realised_base == 300
    assert book.holding("OPT").quantity == 0


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("EXPIRY", {}),
        ("MARK_TO_MARKET", {"price": "5"}),
        ("BUY_TO_CLOSE", {"quantity": "1", "price": "1"}),
        ("EXERCISE", {"quantity": "1"}),
        ("RETURN_OF_CAPITAL", {"gross": "5"}),
        ("RETURN_OF_CAPITAL", {"gross": "0"}),
    ],
)
def test_an_event_on_a_holding_that_is_not_there_says_so(
    kind: str, numbers: dict[str, str]
) -> None:
    known = FUTURE if kind == "MARK_TO_MARKET" else CALL
    fact = trade("e", kind, known.security_id, "2024-04-01", **numbers)
    book = kept(fact, known=known)
    [finding] = book.findings
    assert finding.code == "position.not-held"
    assert finding.sentence == (
        f"the event acts on what is held of {known.security_id}, and P1 held nothing of it"
    )
    assert "short" not in finding.remedy


def test_a_close_beyond_what_is_open_is_not_told_to_allow_shorts() -> None:
    book = kept(
        trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="4"),
        trade("c", "SELL_TO_CLOSE", "OPT", "2024-04-01", quantity="3", price="1"),
    )
    [finding] = book.findings
    assert finding.sentence == "3 OPT were to be closed or to leave in P1, which held 1"
    assert "short" not in finding.remedy


def test_closing_more_than_is_open_waits() -> None:
    book = kept(
        trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="4"),
        trade("c", "BUY_TO_CLOSE", "OPT", "2024-04-01", quantity="2", price="1"),
    )
    assert [finding.code for finding in book.findings] == ["position.oversold"]
    assert book.holding("OPT").quantity == -1
    assert cash(book) == 400


def test_an_expired_option_loses_its_premium_to_the_holder_and_leaves_it_to_the_writer() -> None:
    expiry = trade("e", "EXPIRY", "OPT", "2024-06-21", quantity="1")
    held = kept(trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"), expiry)
    assert (held.entry("e").realised_base, cash(held)) == (-300, -300)
    written = kept(trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"), expiry)
    assert (written.entry("e").realised_base, cash(written)) == (300, 300)


def test_an_exercised_call_puts_its_premium_into_the_cost_of_the_shares() -> None:
    book = kept(
        trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="2", price="3"),
        trade("x", "EXERCISE", "OPT", "2024-06-21", quantity="1", gross="5000", fee="10"),
    )
    (lot,) = book.lots("ACME")
    assert (lot.opened_on, lot.quantity, lot.cost_base) == (date(2024, 6, 21), 100, 5310)
    assert book.holding("OPT").cost_base == 300
    assert book.entry("x").realised_base is None
    assert cash(book) == -600 - 5010


def test_an_exercised_put_takes_its_premium_from_the_proceeds() -> None:
    book = kept(
        trade("b", "BUY", "ACME", "2024-02-01", quantity="100", price="45"),
        trade("o", "BUY_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"),
        trade("x", "EXERCISE", "OPT", "2024-06-21", quantity="1", gross="5000"),
        known=PUT,
    )
    assert book.entry("x", Leg.TO).realised_base == 5000 - 300 - 4500
    assert book.holding("ACME").quantity == 0
    assert cash(book) == -4500 - 300 + 5000


def test_an_assigned_put_lowers_the_cost_of_the_shares_by_the_premium() -> None:
    book = kept(
        trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"),
        trade("a", "ASSIGNMENT", "OPT", "2024-06-21", quantity="1", gross="5000"),
        known=PUT,
    )
    assert book.holding("ACME").cost_base == 4700
    assert book.holding("OPT").quantity == 0
    assert cash(book) == 300 - 5000


def test_an_assigned_call_adds_the_premium_to_the_proceeds() -> None:
    book = kept(
        trade("b", "BUY", "ACME", "2024-02-01", quantity="100", price="45"),
        trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"),
        trade("a", "ASSIGNMENT", "OPT", "2024-06-21", quantity="1", gross="5000"),
    )
    assert book.entry("a", Leg.TO).realised_base == 5000 + 300 - 4500
    assert cash(book) == -4500 + 300 + 5000


def test_a_call_assigned_without_the_shares_waits_and_keeps_the_option() -> None:
    book = kept(
        trade("o", "SELL_TO_OPEN", "OPT", "2024-03-01", quantity="1", price="3"),
        trade("a", "ASSIGNMENT", "OPT", "2024-06-21", quantity="1", gross="5000"),
    )
    assert [finding.code for finding in book.findings] == ["position.oversold"]
    assert book.holding("OPT").quantity == -1
    assert cash(book) == 300


def test_an_exercise_of_an_option_without_terms_waits_for_them() -> None:
    book = kept(
        trade("o", "BUY", "OPT", "2024-03-01", quantity="1", price="3"),
        trade("x", "EXERCISE", "OPT", "2024-06-21", quantity="1", gross="5000"),
        known=security("OPT", product_type="Option"),
    )
    assert [finding.code for finding in book.findings] == ["instrument.terms-missing"]


def test_a_future_moves_only_costs_and_gains() -> None:
    book = kept(
        trade("b", "BUY", "FUT", "2024-03-01", quantity="2", price="5000", fee="5"),
        trade("s", "SELL", "FUT", "2024-03-08", quantity="1", price="5020", fee="2"),
        known=FUTURE,
    )
    assert book.entry("b").realised_base == -5
    # 20 points of 50 dollars, less the fee.
    assert book.entry("s").realised_base == 998
    assert cash(book) == 993
    assert book.holding("FUT").cost_local == 250000


def test_the_gain_of_a_future_abroad_is_settled_at_the_rate_of_its_own_currency() -> None:
    abroad = FUTURE._replace(currency="EUR")
    rates = rate_table([Rate("EUR", "USD", date(2024, 1, 1), D("1.1"))])
    facts = (
        trade("b", "BUY", "FUT", "2024-03-01", quantity="1", price="5000", currency="EUR",
              settles_in="USD"),
        trade("s", "SELL", "FUT", "2024-03-08", quantity="1", price="5020", currency="EUR",
              settles_in="USD"),
    )  # fmt: skip
    book = keep_book((FUNDS, *facts), portfolio(), [abroad], rates)
    # 20 points of 50 euros are 1,000 euros, and 1,100 dollars.
    assert cash(book) == 1100


def test_marking_a_future_to_market_pays_the_gain_and_moves_the_cost_to_the_price() -> None:
    book = kept(
        trade("b", "BUY", "FUT", "2024-03-01", quantity="2", price="5000"),
        trade("m1", "MARK_TO_MARKET", "FUT", "2024-03-01", price="4990", gross="0"),
        trade("m2", "MARK_TO_MARKET", "FUT", "2024-03-04", price="5030", gross="0"),
        known=FUTURE,
    )
    assert [book.entry(mark).realised_base for mark in ("m1", "m2")] == [-1000, 4000]
    assert cash(book) == 3000
    assert book.holding("FUT").cost_local == 2 * 50 * 5030


def test_a_future_ends_at_its_final_price_or_where_it_was_last_settled() -> None:
    bought = trade("b", "BUY", "FUT", "2024-03-01", quantity="2", price="5000")
    last = trade("e", "EXPIRY", "FUT", "2024-03-15", price="5030", gross="0")
    at_price = kept(bought, last, known=FUTURE)
    assert (at_price.entry("e").realised_base, cash(at_price)) == (3000, 3000)
    marked = trade("m", "MARK_TO_MARKET", "FUT", "2024-03-15", price="5030", gross="0")
    settled = kept(bought, marked, last._replace(price=D(0)), known=FUTURE)
    assert not settled.entry("e").realised_base
    assert cash(settled) == 3000
    assert settled.holding("FUT").quantity == 0


def test_a_short_perpetual_pays_and_receives_funding() -> None:
    perpetual = Instrument("PERP", "Perpetual", "USD", "Perpetual")
    book = kept(
        trade("s", "SELL", "PERP", "2024-03-01", quantity="2", price="3000"),
        trade("f1", "FUNDING_RECEIVED", "PERP", "2024-03-01", gross="1.5"),
        trade("f2", "FUNDING_PAID", "PERP", "2024-03-02", gross="0.5"),
        trade("b", "BUY", "PERP", "2024-03-03", quantity="2", price="2900"),
        known=perpetual,
    )
    assert book.entry("b").realised_base == 200
    assert cash(book) == D("201")


def test_a_bond_is_bought_with_accrued_interest_pays_a_coupon_and_is_redeemed() -> None:
    book = kept(
        trade("b", "BUY", "BOND", "2024-02-01", quantity="10000", price="98.5",
              accrued_interest="125"),
        trade("c", "COUPON", "BOND", "2024-07-01", gross="500", tax="75"),
        trade("r", "REDEMPTION", "BOND", "2025-01-01", quantity="10000", price="100"),
        known=BOND,
    )  # fmt: skip
    # Nominal 10,000 at 98.5 percent, and what the seller had earned so far.
    assert book.entry("b").cost_base == 9975
    assert book.entry("r").realised_base == 10000 - 9975
    assert cash(book) == -9975 + 425 + 10000


def test_a_bond_sold_between_coupons_brings_the_interest_earned_since() -> None:
    book = kept(
        trade("b", "BUY", "BOND", "2024-02-01", quantity="10000", price="98.5"),
        trade("s", "SELL", "BOND", "2024-05-01", quantity="10000", price="99",
              accrued_interest="166.67"),
        known=BOND,
    )  # fmt: skip
    assert book.entry("s").realised_base == D("10066.67") - 9850
