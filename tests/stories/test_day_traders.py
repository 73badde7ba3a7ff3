"""Pattern day traders: designated until that is taken back, and called for what they exceed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.fixtures.booking import security, trade
from tests.stories.account_desk import Desk
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import DayTraderReset, DayTraderTerms
from tidebook.compliance.verdicts import Status

D = Decimal


def designated(paid_in: str, policy: AccountPolicy | None = None) -> Desk:
    """Return a desk that was designated on Friday, 10 January 2025; the 9th was no session."""
    desk = Desk(paid_in, policy)
    for on, symbol in (("06", "A"), ("07", "B"), ("08", "C"), ("10", "D")):
        desk.day_trades(f"2025-01-{on}", symbol)
    return desk


def test_a_designation_stays_when_the_window_has_moved_on() -> None:
    desk = designated("20000")
    in_march = desk.day_trades("2025-03-03", "E")
    found = desk.said(in_march, "pattern_day_trading")
    # One day trade in the window; the account was designated two months ago, and 20,000 < 25,000.
    assert (found.status, found.amount("day_trades_in_window")) == (Status.FAIL, D(1))
    assert [one.on for one in found.evidence if one.kind == "designated"] == [date(2025, 1, 10)]
    held = desk.said(desk.does("2025-03-04", "buy 1 F at 10"), "pattern_day_trading")
    assert held.status is Status.FLAG


def test_a_designation_that_was_taken_back_begins_to_count_anew() -> None:
    reset = DayTraderReset(date(2025, 1, 13), "broker desk", "first request")
    desk = designated("20000", AccountPolicy(day_trader=DayTraderTerms(None, (reset,))))
    found = desk.said(desk.day_trades("2025-01-13", "E"), "pattern_day_trading")
    # The four of the week before are still in the window of five sessions, and count no more.
    assert (found.status, found.amount("day_trades_in_window")) == (Status.PASS, D(1))
    for on, symbol in (("14", "F"), ("15", "G"), ("16", "H")):
        last = desk.day_trades(f"2025-01-{on}", symbol)
    again = desk.said(last, "pattern_day_trading")
    assert (again.status, again.amount("day_trades_in_window")) == (Status.FAIL, D(4))


def test_a_designation_is_taken_back_once_and_not_twice() -> None:
    resets = tuple(
        DayTraderReset(date(2025, month, 13), "broker desk", "asked") for month in (1, 2)
    )
    desk = designated("20000", AccountPolicy(day_trader=DayTraderTerms(None, resets)))
    for on, symbol in (("14", "F"), ("15", "G"), ("16", "H"), ("17", "I")):
        desk.day_trades(f"2025-01-{on}", symbol)
    found = desk.said(desk.day_trades("2025-03-03", "E"), "pattern_day_trading")
    assert found.status is Status.FAIL
    ignored = [one.on for one in found.evidence if one.kind == "removal_not_taken"]
    assert ignored == [date(2025, 2, 13)]


def test_a_broker_may_designate_an_account_that_shows_no_pattern() -> None:
    terms = DayTraderTerms(designated_on=date(2025, 2, 3))
    desk = Desk("20000", AccountPolicy(day_trader=terms))
    before = desk.said(desk.day_trades("2025-01-31", "A"), "pattern_day_trading")
    after = desk.said(desk.day_trades("2025-02-03", "B"), "pattern_day_trading")
    assert (before.status, after.status) == (Status.PASS, Status.FAIL)


def test_a_designated_account_opens_four_times_its_excess_and_no_more() -> None:
    desk = designated("40000")
    # Nothing was held overnight: 40,000 of equity, nothing required, 4 x 40,000 = 160,000.
    full = desk.said(desk.does("2025-01-13", "buy 1600 X at 100"), "day_trading_buying_power")
    assert (full.status, full.amount("day_trading_buying_power")) == (Status.PASS, D(160000))
    above = desk.said(desk.does("2025-01-13", "buy 1 Y at 100"), "day_trading_buying_power")
    assert (above.status, above.amount("used")) == (Status.FAIL, D(160100))
    # What is sold on the day gives the power back.
    desk.does("2025-01-13", "sell 1600 X at 100")
    freed = desk.said(desk.does("2025-01-13", "buy 1000 Z at 100"), "day_trading_buying_power")
    assert (freed.status, freed.amount("used")) == (Status.PASS, D(100100))


def called(paid_in: str = "40000") -> Desk:
    """Return a desk that day traded 200,000 on 13 January with a power of 160,000."""
    desk = designated(paid_in)
    desk.day_trades("2025-01-13", "X", 2000, 100)
    return desk


def test_a_call_halves_the_buying_power_until_it_is_met() -> None:
    desk = called()
    found = desk.said(desk.does("2025-01-14", "buy 801 Y at 100"), "day_trading_buying_power")
    # A quarter of 200,000 is 50,000, and 40,000 were there: 10,000 are called for, due five
    # sessions later (20 January is a holiday). Until then twice 40,000.
    assert (found.status, found.amount("called")) == (Status.FAIL, D(10000))
    assert found.amount("day_trading_buying_power") == D(80000)
    (call,) = [one for one in found.evidence if one.kind == "special_maintenance_call"]
    assert call.on == date(2025, 1, 21)
    desk.does("2025-01-14", "sell 801 Y at 100")
    desk.money("2025-01-15", "10000")
    met = desk.said(desk.does("2025-01-16", "buy 2000 Z at 100"), "day_trading_buying_power")
    assert (met.status, met.amount("day_trading_buying_power")) == (Status.PASS, D(200000))


def test_while_a_call_is_open_what_is_closed_gives_no_buying_power_back() -> None:
    desk = called()
    # 80,000 while the call of 10,000 is open. 50,000 are bought and sold: 30,000 are left.
    desk.day_trades("2025-01-14", "Y", 500, 100)
    within = desk.said(desk.does("2025-01-14", "buy 300 Z at 100"), "day_trading_buying_power")
    assert (within.status, within.amount("used")) == (Status.FLAG, D(80000))
    above = desk.said(desk.does("2025-01-14", "buy 1 W at 100"), "day_trading_buying_power")
    assert (above.status, above.amount("used")) == (Status.FAIL, D(80100))


def test_money_that_leaves_within_two_business_days_has_met_no_call() -> None:
    desk = called()
    desk.money("2025-01-15", "10000")
    desk.money("2025-01-17", "-10000")
    found = desk.said(desk.does("2025-01-21", "buy 1 Z at 100"), "day_trading_buying_power")
    assert (found.status, found.amount("multiple")) == (Status.FLAG, D(2))


def test_a_call_that_was_not_met_leaves_the_cash_that_is_there_for_ninety_days() -> None:
    desk = called()
    found = desk.said(desk.does("2025-01-22", "buy 401 Z at 100"), "day_trading_buying_power")
    assert (found.status, found.amount("day_trading_buying_power")) == (Status.FAIL, D(40000))
    # 21 January and 90 days are 21 April.
    assert found.clears_on == date(2025, 4, 22)
    desk.does("2025-01-22", "sell 401 Z at 100")
    later = desk.said(desk.does("2025-04-22", "buy 401 Z at 100"), "day_trading_buying_power")
    assert later.status is Status.PASS


def test_without_a_price_the_buying_power_is_not_known() -> None:
    desk = designated("40000")
    brought = trade("t1", "TRANSFER_IN", "DARK", "2025-01-11", quantity="10", gross="500")
    desk.book.ingest_instruments([security("DARK")], "test")
    desk.book.ingest_transactions([brought], "test")
    found = desk.said(desk.does("2025-01-13", "buy 1 X at 100"), "day_trading_buying_power")
    assert found.status is Status.PROVISIONAL
    assert "no price is known of DARK" in found.reason


def test_the_example_of_the_page_on_day_trading() -> None:
    # Thanksgiving is no session: 25, 26 and 28 November, 1 and 2 December are five.
    def traded(policy: AccountPolicy | None = None) -> Desk:
        desk = Desk("20000", policy)
        for number, on in enumerate(("11-25", "11-26", "11-28", "12-02")):
            desk.day_trades(f"2025-{on}", f"S{number}")
        return desk

    desk = traded()
    fourth = desk.said("sell S3 2025-12-02", "pattern_day_trading")
    assert (fourth.status, fourth.amount("executions_in_window")) == (Status.FAIL, D(8))
    in_march = desk.said(desk.day_trades("2026-03-02", "M"), "pattern_day_trading")
    assert (in_march.status, in_march.amount("day_trades_in_window")) == (Status.FAIL, D(1))
    assert [one.on for one in in_march.evidence if one.kind == "designated"] == [date(2025, 12, 2)]
    reset = DayTraderReset(date(2025, 12, 3), "broker desk", "first request")
    freed = traded(AccountPolicy(day_trader=DayTraderTerms(None, (reset,))))
    again = freed.said(freed.day_trades("2026-03-02", "M"), "pattern_day_trading")
    assert again.status is Status.PASS
