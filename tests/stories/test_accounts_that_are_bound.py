"""What an account did earlier binds it: designations, calls, violations and late deficits.

Every account begins with a deposit on the second of January of its year, and nothing is quoted:
what was traded last is what a thing is worth.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.fixtures.booking import portfolio, security, trade
from tests.unit.cli.memory_book import MemoryBook
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import (
    AccountType,
    DayTraderReset,
    DayTraderTerms,
    DayTradeRegime,
    SecurityTerms,
)
from tidebook.compliance.verdicts import Status
from tidebook.engine.compliance.computed import ComputedCompliance

if TYPE_CHECKING:
    from tidebook.compliance.verdicts import Verdict

D = Decimal
AT = datetime(2027, 1, 4, tzinfo=UTC)
CASH = AccountPolicy(AccountType.CASH)
LEGACY = AccountPolicy(day_trade_regime=DayTradeRegime.LEGACY_PDT)


class LateClock(NamedTuple):
    """A clock that stands after everything."""

    def now(self) -> datetime:
        return AT


class Desk:
    """An account, and what the rules say of its trades."""

    def __init__(self, paid_in: str, policy: AccountPolicy | None = None, year: int = 2025) -> None:
        self.book = MemoryBook()
        self.book.ingest_portfolios([portfolio(cif_id="U1")], "test")
        self.compliance = ComputedCompliance(self.book, LateClock())
        self.number = 0
        if policy is not None:
            self.state(policy)
        self.money(f"{year}-01-02", paid_in)

    def state(self, policy: AccountPolicy) -> None:
        """State what kind of account it is."""
        self.compliance.save_policy("P1", policy, AT)

    def money(self, on: str, amount: str) -> None:
        """Bring money in, or with a minus out."""
        self.number += 1
        kind = "WITHDRAWAL" if amount.startswith("-") else "DEPOSIT"
        gross = amount.removeprefix("-")
        fact = trade(f"m{self.number}", kind, "CASH", on, gross=gross)
        self.book.ingest_transactions([fact], "test")

    def does(self, on: str, words: str) -> str:
        """Trade in words such as ``buy 10 X at 100``, a minute after the trade before; its id."""
        self.number += 1
        side, quantity, symbol, _, price = words.split()
        at = f"{on}T15:{self.number:02}:00+00:00"
        named = f"{side} {symbol} {on}"
        fact = trade(named, side.upper(), symbol, at, quantity=quantity, price=price)
        self.book.ingest_instruments([security(symbol)], "test")
        self.book.ingest_transactions([fact], "test")
        return named

    def day_trades(self, on: str, symbol: str, quantity: int = 1, price: int = 10) -> str:
        """Buy and sell on one day; the id of the sale."""
        self.does(on, f"buy {quantity} {symbol} at {price}")
        return self.does(on, f"sell {quantity} {symbol} at {price}")

    def said(self, trade_id: str, rule_id: str) -> Verdict:
        """Return what a rule says of a trade."""
        page = self.compliance.verdicts(["P1"], limit=1000)
        (found,) = [one for one in page.trades if one.transaction_id == trade_id]
        (verdict,) = [one for one in found.verdicts if one.rule_id == rule_id]
        return verdict


def designated(paid_in: str, policy: AccountPolicy | None = None) -> Desk:
    """Return a desk that was designated on Friday, 10 January 2025, a day after the 9th's mourning."""
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


def test_the_third_good_faith_violation_of_a_year_holds_the_account_to_settled_cash() -> None:
    desk = Desk("9000", CASH)
    for month in ("02", "03", "04"):
        # 3 and 4 of each month are sessions; what is sold on the 3rd settles on the 4th.
        desk.does(f"2025-{month}-03", f"buy 90 A{month} at 100")
        desk.does(f"2025-{month}-04", f"sell 90 A{month} at 100")
        desk.does(f"2025-{month}-04", f"buy 90 B{month} at 100")
        last = desk.does(f"2025-{month}-04", f"sell 90 B{month} at 100")
        found = desk.said(last, "cash_account")
        expected = Status.FAIL if month == "04" else Status.FLAG
        assert (found.status, found.amount("violations_in_12_months")) == (expected, D(month) - 1)
    # 4 April and 90 days are 3 July.
    assert found.clears_on == date(2025, 7, 4)


def restricted() -> Desk:
    """Return a cash account whose third violation was on Friday, 4 April 2025."""
    desk = Desk("9000", CASH)
    for month in ("02", "03", "04"):
        desk.does(f"2025-{month}-03", f"buy 90 A{month} at 100")
        desk.does(f"2025-{month}-04", f"sell 90 A{month} at 100")
        desk.does(f"2025-{month}-04", f"buy 90 B{month} at 100")
        desk.does(f"2025-{month}-04", f"sell 90 B{month} at 100")
    return desk


def test_a_restricted_account_buys_with_settled_cash_alone() -> None:
    desk = restricted()
    settled = desk.said(desk.does("2025-04-08", "buy 40 C at 100"), "cash_account")
    assert (settled.status, settled.amount("settled")) == (Status.PASS, D(4000))
    desk.does("2025-04-08", "sell 40 C at 100")
    # 5,000 have settled, the 4,000 of the sale of the day have not.
    found = desk.said(desk.does("2025-04-08", "buy 60 D at 100"), "cash_account")
    assert (found.status, found.amount("unsettled")) == (Status.FAIL, D(1000))
    assert "3 good-faith violations within twelve months" in found.reason
    free = desk.said(desk.does("2025-07-07", "buy 10 E at 100"), "cash_account")
    assert free.status is Status.PASS
    assert free.evidence == ()


def test_violations_more_than_a_year_apart_are_not_counted_together() -> None:
    desk = Desk("9000", CASH)
    for on in ("2025-02-04", "2025-03-04", "2026-02-04"):
        desk.does(on, f"buy 90 A{on} at 100")
        desk.does(on, f"sell 90 A{on} at 100")
        desk.does(on, f"buy 90 B{on} at 100")
        last = desk.does(on, f"sell 90 B{on} at 100")
    found = desk.said(last, "cash_account")
    # That of 4 February 2025 is a year and no less away from 4 February 2026.
    assert (found.status, found.amount("violations_in_12_months")) == (Status.FLAG, D(2))


def test_free_riding_holds_the_account_to_its_cash_unless_it_is_paid_in_time() -> None:
    desk = Desk("1000", CASH)
    bought = desk.does("2025-06-02", "buy 50 A at 100")
    unpaid = desk.said(bought, "cash_account")
    # Monday 2 June settles on the 3rd, and the payment period ends two sessions later.
    assert (unpaid.status, unpaid.amount("unpaid")) == (Status.FLAG, D(4000))
    assert [one.on for one in unpaid.evidence] == [date(2025, 6, 5)]
    sold = desk.does("2025-06-03", "sell 50 A at 110")
    assert desk.said(sold, "cash_account").status is Status.FAIL
    assert desk.said(sold, "cash_account").clears_on == date(2025, 9, 2)
    late = desk.does("2025-06-03", "buy 10 B at 100")
    after = desk.does("2025-06-04", "buy 40 C at 100")
    assert desk.said(late, "cash_account").status is Status.PASS
    assert desk.said(after, "cash_account").status is Status.FAIL
    desk.money("2025-06-05", "4000")
    paid = desk.said(sold, "cash_account")
    assert (paid.status, paid.clears_on) == (Status.FLAG, None)
    assert "by 2025-06-05, in time" in paid.reason
    assert desk.said(after, "cash_account").status is Status.FLAG


def test_money_that_comes_after_the_payment_period_lifts_no_freeze() -> None:
    desk = Desk("1000", CASH)
    desk.does("2025-06-02", "buy 50 A at 100")
    sold = desk.does("2025-06-03", "sell 50 A at 110")
    desk.money("2025-06-06", "4000")
    assert desk.said(sold, "cash_account").status is Status.FAIL


def test_paying_a_purchase_with_a_later_sale_of_something_else_is_a_liquidation_violation() -> None:
    desk = Desk("5000", CASH)
    desk.does("2025-06-02", "buy 50 OLD at 100")
    desk.does("2025-06-09", "buy 30 NEW at 100")
    found = desk.said(desk.does("2025-06-10", "sell 50 OLD at 100"), "cash_account")
    assert (found.status, found.amount("violations_in_12_months")) == (Status.FLAG, D(1))
    (breach,) = found.evidence
    assert (breach.kind, breach.amount) == ("liquidation_violation", D(3000))
    assert breach.ids == ("buy NEW 2025-06-09", "sell OLD 2025-06-10")


def test_a_sale_on_the_day_of_the_purchase_that_it_pays_breaks_nothing() -> None:
    desk = Desk("5000", CASH)
    desk.does("2025-06-02", "buy 50 OLD at 100")
    desk.does("2025-06-09", "buy 30 NEW at 100")
    sold = desk.said(desk.does("2025-06-09", "sell 50 OLD at 100"), "cash_account")
    assert sold.status is Status.PASS


def test_dividends_pay_for_purchases_too() -> None:
    desk = Desk("5000", CASH)
    desk.does("2025-06-02", "buy 50 OLD at 100")
    paid = trade("d1", "DIVIDEND", "OLD", "2025-06-03", gross="500")
    desk.book.ingest_transactions([paid], "test")
    bought = desk.said(desk.does("2025-06-04", "buy 5 NEW at 100"), "cash_account")
    assert (bought.status, bought.amount("settled")) == (Status.PASS, D(500))


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


def test_securities_of_one_issuer_are_one_position() -> None:
    terms = {name: SecurityTerms("Acme Corp") for name in ("ACME.A", "ACME.B")}
    desk = Desk("100000", AccountPolicy(securities=terms))
    desk.does("2025-06-02", "buy 150 ACME.A at 100")
    found = desk.said(desk.does("2025-06-03", "buy 60 ACME.B at 100"), "position_size_limit")
    # 15,000 and 6,000 of 100,000; 5,000 was left under the limit of 20 %.
    assert (found.status, found.amount("post_trade_pct")) == (Status.FLAG, D(21))
    assert found.amount("max_additional_qty") == D(50)
    assert [one.ids for one in found.evidence] == [("ACME.A",)]
    alone = Desk("100000")
    alone.does("2025-06-02", "buy 150 ACME.A at 100")
    small = alone.said(alone.does("2025-06-03", "buy 60 ACME.B at 100"), "position_size_limit")
    assert (small.status, small.amount("post_trade_pct")) == (Status.PASS, D(6))


def test_a_short_of_one_class_is_netted_with_a_long_of_another() -> None:
    terms = {name: SecurityTerms("Acme Corp") for name in ("ACME.A", "ACME.B")}
    desk = Desk("100000", AccountPolicy(securities=terms))
    desk.book.ingest_portfolios([portfolio(cif_id="U1", allow_short=True)], "test")
    desk.does("2025-06-02", "buy 190 ACME.A at 100")
    found = desk.said(desk.does("2025-06-03", "sell 90 ACME.B at 100"), "position_size_limit")
    # 19,000 long and 9,000 short: 10,000 of 100,000.
    assert (found.status, found.amount("post_trade_pct")) == (Status.PASS, D(10))


def test_what_is_stated_from_a_day_on_does_not_reach_back() -> None:
    desk = Desk("100000")
    before = desk.does("2025-05-05", "buy 10 X at 100")
    desk.state(AccountPolicy(AccountType.CASH, effective_from=date(2025, 6, 2)))
    after = desk.does("2025-06-03", "buy 10 X at 100")
    desk.state(AccountPolicy(AccountType.MARGIN, effective_from=date(2025, 7, 1)))
    later = desk.does("2025-07-02", "buy 10 X at 100")
    statuses = [
        desk.said(one, "cash_account").status is Status.PASS for one in (before, after, later)
    ]
    assert statuses == [False, True, False]


def test_what_may_not_be_bought_on_margin_is_paid_and_kept_in_full() -> None:
    terms = {"PENNY": SecurityTerms(is_marginable=False)}
    desk = Desk("10000", AccountPolicy(securities=terms))
    found = desk.does("2025-06-02", "buy 150 PENNY at 100")
    initial, kept = desk.said(found, "reg_t_initial"), desk.said(found, "maintenance_margin")
    assert (initial.status, initial.amount("required")) == (Status.FAIL, D(15000))
    assert (kept.status, kept.amount("requirement")) == (Status.FAIL, D(15000))


def test_a_fund_at_three_times_its_index_needs_three_times_the_rate() -> None:
    terms = {"TQQQ": SecurityTerms(leverage_factor=D(3))}
    desk = Desk("10000", AccountPolicy(securities=terms))
    found = desk.said(desk.does("2025-06-02", "buy 100 TQQQ at 100"), "maintenance_margin")
    assert (found.status, found.amount("requirement")) == (Status.PASS, D(7500))
