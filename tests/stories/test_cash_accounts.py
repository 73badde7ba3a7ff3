"""Cash accounts: what was paid late, and how long an account is held to settled cash for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.fixtures.booking import trade
from tests.stories.account_desk import Desk
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import AccountType
from tidebook.compliance.verdicts import Status

D = Decimal
CASH = AccountPolicy(AccountType.CASH)


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
