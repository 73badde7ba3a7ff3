"""What the owner of an account states of it: from which day on, and of which securities."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import portfolio, security, trade
from tests.stories.account_desk import Desk
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import AccountType, SecurityTerms
from tidebook.compliance.verdicts import Status
from tidebook.model.instruments import OptionRight

if TYPE_CHECKING:
    from tidebook.model.instruments import Instrument

D = Decimal


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


def option(security_id: str, underlying: str) -> Instrument:
    """Return a call on 100 shares."""
    return security(security_id)._replace(
        multiplier=D(100),
        underlying_id=underlying,
        option_right=OptionRight.CALL,
        strike=D(100),
        expires_on=date(2025, 12, 19),
    )


def test_an_option_with_a_delta_counts_as_what_it_moves_like() -> None:
    terms = {
        "ACME": SecurityTerms("Acme Corp"),
        "ACME-C100": SecurityTerms("Acme Corp", delta=D("0.5")),
    }
    desk = Desk("100000", AccountPolicy(securities=terms))
    desk.book.ingest_instruments([option("ACME-C100", "ACME")], "test")
    desk.does("2025-06-02", "buy 150 ACME at 100")
    bought = trade("c", "BUY_TO_OPEN", "ACME-C100", "2025-06-03", quantity="2", gross="600")
    desk.book.ingest_transactions([bought], "test")
    found = desk.said("c", "position_size_limit")
    # 15,000 of stock, and two contracts that move like 2 x 100 x 0.5 shares at 100: 10,000.
    assert (found.status, found.amount("post_trade_pct")) == (Status.FLAG, D(25))
    # 5,000 are left under the limit, and one contract counts 5,000.
    assert found.amount("max_additional_qty") == D(1)


def test_without_a_price_of_the_underlying_a_delta_decides_nothing() -> None:
    terms = {"ACME-C100": SecurityTerms("Acme Corp", delta=D("0.5"))}
    desk = Desk("100000", AccountPolicy(securities=terms))
    desk.book.ingest_instruments([option("ACME-C100", "ACME"), security("ACME")], "test")
    bought = trade("c", "BUY_TO_OPEN", "ACME-C100", "2025-06-03", quantity="2", gross="600")
    desk.book.ingest_transactions([bought], "test")
    found = desk.said("c", "position_size_limit")
    assert (found.status, found.reason) == (Status.PROVISIONAL, "no price is known of ACME")
