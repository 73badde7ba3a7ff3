"""Intraday margin deficits: met, late, and what a practice of being late leads to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.fixtures.booking import security, trade
from tests.stories.account_desk import Desk
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.verdicts import Status

D = Decimal


def with_deficit(**params: int) -> Desk:
    """Return a desk that 10,000 were paid into and that bought 60,000 of X on 1 July 2026.

    A quarter of 60,000 is 15,000: a deficit of 5,000, due on 9 July (the 3rd is a holiday) and
    expiring after the 23rd.
    """
    stated = {f"intraday_margin.{name}": D(value) for name, value in params.items()}
    desk = Desk("10000", AccountPolicy(params=stated), year=2026)
    bought = desk.does("2026-07-01", "buy 600 X at 100")
    found = desk.said(bought, "intraday_margin")
    assert (found.status, found.amount("intraday_margin_deficit")) == (Status.FAIL, D(5000))
    return desk


def test_a_deficit_is_told_of_until_it_is_met() -> None:
    desk = with_deficit()
    first = desk.said(desk.does("2026-07-02", "sell 100 X at 100"), "intraday_margin")
    # 10,000 less a quarter of 50,000.
    assert (first.status, first.amount("intraday_margin_level")) == (Status.FLAG, D(-2500))
    assert first.amount("deficits_open") == D(5000)
    desk.does("2026-07-06", "sell 100 X at 100")
    # The level has risen from -5,000 to 0 by the end of the 6th, which is as much as the deficit.
    met = desk.said(desk.does("2026-07-07", "sell 100 X at 100"), "intraday_margin")
    assert (met.status, met.evidence) == (Status.PASS, ())


def test_a_withdrawal_makes_a_deficit_as_a_purchase_does() -> None:
    desk = Desk("10000", year=2026)
    desk.does("2026-07-01", "buy 200 X at 100")
    desk.money("2026-07-02", "-7000")
    found = desk.said(desk.does("2026-07-06", "sell 10 X at 100"), "intraday_margin")
    # 10,000 - 7,000 - 20,000 / 4 is -2,000.
    assert (found.status, found.amount("deficits_open")) == (Status.FLAG, D(2000))


def test_a_broker_that_takes_one_late_deficit_for_a_practice_freezes_at_once() -> None:
    desk = with_deficit(practice_min=1)
    before = desk.said(desk.does("2026-07-09", "sell 1 X at 100"), "intraday_margin")
    assert before.status is Status.FLAG
    found = desk.said(desk.does("2026-07-10", "buy 1 Y at 100"), "intraday_margin")
    # 9 July and 90 days are 7 October.
    assert (found.status, found.clears_on) == (Status.FAIL, date(2026, 10, 8))
    assert "may not increase a debit until 2026-10-07" in found.reason
    closing = desk.said(desk.does("2026-07-10", "sell 1 Y at 100"), "intraday_margin")
    assert closing.status is Status.FLAG
    desk.money("2026-07-13", "5000")
    desk.does("2026-07-14", "sell 100 X at 100")
    # 15,000 less a quarter of 49,900 is 2,525, and Y takes 25 of that.
    freed = desk.said(desk.does("2026-07-14", "buy 1 Y at 100"), "intraday_margin")
    assert (freed.status, freed.amount("intraday_margin_level")) == (Status.PASS, D(2500))


def test_one_late_deficit_freezes_nothing_where_nobody_makes_it_a_practice() -> None:
    desk = with_deficit()
    found = desk.said(desk.does("2026-07-10", "buy 1 Y at 100"), "intraday_margin")
    # Another deficit follows, and no freeze.
    assert (found.status, found.amount("intraday_margin_deficit")) == (Status.FAIL, D(5025))


def test_a_broker_may_ask_for_deficits_to_be_met_sooner() -> None:
    desk = with_deficit(due_sessions=2, practice_min=1)
    found = desk.said(desk.does("2026-07-07", "buy 1 Y at 100"), "intraday_margin")
    # Two sessions after 1 July are 2 and 6 July.
    assert (found.status, found.clears_on) == (Status.FAIL, date(2026, 10, 5))


def test_days_without_a_price_may_have_had_deficits_so_that_nothing_passes() -> None:
    desk = Desk("10000", AccountPolicy(params={"intraday_margin.practice_min": D(1)}), year=2026)
    desk.book.ingest_instruments([security("DARK")], "test")
    brought = trade("t1", "TRANSFER_IN", "DARK", "2026-06-29", quantity="10", gross="500")
    desk.book.ingest_transactions([brought], "test")
    desk.does("2026-07-01", "buy 90 X at 100")
    gone = trade("t2", "TRANSFER_OUT", "DARK", "2026-07-02", quantity="10", gross="500")
    desk.book.ingest_transactions([gone], "test")
    paid = desk.said(desk.does("2026-07-06", "buy 5 Y at 100"), "intraday_margin")
    assert paid.status is Status.PASS
    owed = desk.said(desk.does("2026-07-06", "buy 20 Z at 100"), "intraday_margin")
    assert owed.status is Status.PROVISIONAL
    # The 1st, and the 2nd, on which it was taken out again.
    assert "on 2 days of the last twelve months" in owed.reason


def test_stock_that_comes_in_brings_its_value_and_needs_its_margin() -> None:
    desk = Desk("10000", year=2026)
    desk.does("2026-07-01", "buy 400 X at 100")
    brought = trade("t1", "TRANSFER_IN", "X", "2026-07-02", quantity="100", gross="10000")
    desk.book.ingest_transactions([brought], "test")
    found = desk.said(desk.does("2026-07-02", "buy 300 Y at 100"), "intraday_margin")
    # 10,000 and 10,000 of equity; 50,000 of X and 30,000 of Y at a quarter: exactly nothing left.
    assert (found.status, found.amount("intraday_margin_level")) == (Status.PASS, D(0))
