"""Rules on booked trades: judged by themselves, and again when what they rest on moves.

The account has 100,000 paid in on 2 January 2025. 100 ACME are bought at 50 on 6 January (5,000)
and sold at 40 on 10 March: a loss of 1,000.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tests.fixtures.patience import until
from tidebook.adapters.postgres.compliance_store import PostgresCompliance
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import AccountKind
from tidebook.compliance.trades import AccountType
from tidebook.compliance.verdicts import Status
from tidebook.config import Settings
from tidebook.engine.compliance.ports import Member, VerdictsWrite
from tidebook.errors import FencedError
from tidebook.model.cancellations import TransactionRef
from tidebook.model.facts import Price
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
AT = datetime(2025, 6, 1, tzinfo=UTC)


class Desk:
    """A book and what the rules say of it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.commands = system.commands

    @property
    def kept(self) -> PostgresCompliance:
        """Where verdicts are kept."""
        assert isinstance(self.system.compliance, PostgresCompliance)
        return self.system.compliance

    def take(self, *receipts: Receipt) -> None:
        """Wait until what was sent is booked and judged."""
        for receipt in receipts:
            assert self.commands.wait(receipt, timeout_seconds=SECONDS)
        until(lambda: self.system.compliance.verdicts(["P1"]).unjudged == 0)

    def said(self, transaction_id: str, rule_id: str) -> Verdict:
        """Return what a rule says of a trade now."""
        page = self.system.compliance.verdicts(["P1"])
        (found,) = [one for one in page.trades if one.transaction_id == transaction_id]
        (verdict,) = [one for one in found.verdicts if one.rule_id == rule_id]
        return verdict


@pytest.fixture(name="desk")
def booked(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        desk = Desk(system)
        desk.take(
            desk.commands.ingest_portfolios([portfolio(cif_id="U1")], "test"),
            desk.commands.ingest_instruments([security("ACME"), security("OTHER")], "test"),
            desk.commands.ingest_transactions(
                [
                    trade("in", "DEPOSIT", "CASH", "2025-01-02", gross="100000"),
                    trade("b1", "BUY", "ACME", "2025-01-06", quantity="100", price="50"),
                    trade("s1", "SELL", "ACME", "2025-03-10", quantity="100", price="40"),
                ],
                "test",
            ),
        )
        yield desk


def test_a_loss_is_judged_again_when_the_shares_are_bought_back(desk: Desk) -> None:
    assert desk.said("s1", "wash_sale_us").status is Status.PASS
    bought = trade("b2", "BUY", "ACME", "2025-04-01", quantity="60", price="41")
    desk.take(desk.commands.ingest_transactions([bought], "test"))
    sale, purchase = desk.said("s1", "wash_sale_us"), desk.said("b2", "wash_sale_us")
    # 60 of the 100 shares were replaced 22 days later: 600 of the loss of 1,000 wait.
    assert (sale.status, sale.amount("disallowed")) == (Status.FLAG, Decimal(600))
    assert [one.ids for one in sale.evidence] == [("s1", "b1"), ("b2",)]
    assert (purchase.status, purchase.amount("disallowed")) == (Status.FLAG, Decimal(600))


def test_a_cancelled_trade_has_no_verdict_and_what_it_caused_is_taken_back(desk: Desk) -> None:
    bought = trade("b2", "BUY", "ACME", "2025-04-01", quantity="60", price="41")
    desk.take(desk.commands.ingest_transactions([bought], "test"))
    desk.take(desk.commands.cancel([TransactionRef("b2", "P1")], "test"))
    page = desk.system.compliance.verdicts(["P1"])
    assert {one.transaction_id for one in page.trades} == {"b1", "s1"}
    assert desk.said("s1", "wash_sale_us").status is Status.PASS
    statuses = [
        verdict.status
        for kept in desk.system.compliance.history(["P1"], "s1")
        for verdict in kept.verdicts
        if verdict.rule_id == "wash_sale_us"
    ]
    assert statuses == [Status.PASS, Status.FLAG, Status.PASS]


def test_what_was_believed_of_a_trade_then_can_still_be_read(desk: Desk) -> None:
    (first,) = desk.system.compliance.history(["P1"], "s1")
    bought = trade("b2", "BUY", "ACME", "2025-04-01", quantity="60", price="41")
    desk.take(desk.commands.ingest_transactions([bought], "test"))
    then = desk.system.compliance.verdicts(["P1"], known_at=first.recorded_at)
    (sale,) = [one for one in then.trades if one.transaction_id == "s1"]
    assert sale.verdicts == first.verdicts
    assert then.totals.trades == 2


def test_a_late_price_decides_what_was_open(desk: Desk) -> None:
    # What is brought in has no price but that of a day that comes after the next trade.
    brought = trade("t1", "TRANSFER_IN", "OTHER", "2025-01-03", quantity="10", gross="500")
    desk.take(desk.commands.ingest_transactions([brought], "test"))
    waiting = desk.said("b1", "position_size_limit")
    assert waiting.status is Status.PROVISIONAL
    assert "no price is known of OTHER" in waiting.reason
    price = Price("OTHER", date(2025, 1, 3), Decimal(50), "USD")
    desk.take(desk.commands.ingest_prices([price], "test"))
    # 5,000 of 100,000 in cash and 500 in OTHER: 4.98 %.
    found = desk.said("b1", "position_size_limit")
    assert found.status is Status.PASS
    assert found.amount("equity") == Decimal(100500)


def test_what_is_stated_of_an_account_has_its_trades_judged_again(desk: Desk) -> None:
    assert desk.said("b1", "reg_t_initial").status is Status.PASS
    at = desk.system.clock.now()
    policy = AccountPolicy(AccountType.CASH)
    assert desk.system.compliance.save_policy("P1", policy, at) == 1
    assert desk.system.compliance.save_policy("P1", policy, at) == 0
    desk.take()
    assert desk.said("b1", "reg_t_initial").status is Status.NOT_APPLICABLE
    assert desk.said("b1", "cash_account").status is Status.PASS
    assert desk.system.compliance.policy("P1") == policy


def test_a_purchase_in_a_retirement_account_of_the_household_loses_the_loss(desk: Desk) -> None:
    ira = portfolio()._replace(portfolio_id="P2")
    desk.take(
        desk.commands.ingest_portfolios([ira], "test"),
        desk.commands.ingest_transactions(
            [
                trade("in2", "DEPOSIT", "CASH", "2025-01-02", gross="9000")._replace(
                    portfolio_id="P2"
                ),
                trade("b2", "BUY", "ACME", "2025-03-20", quantity="40", price="41")._replace(
                    portfolio_id="P2"
                ),
            ],
            "test",
        ),
    )
    at = desk.system.clock.now()
    compliance = desk.system.compliance
    compliance.save_policy("P1", AccountPolicy(household_id="H1"), at)
    stated = AccountPolicy(household_id="H1", tax_kind=AccountKind.IRA)
    compliance.save_policy("P2", stated, at)
    until(lambda: compliance.verdicts(["P1", "P2"]).unjudged == 0)
    sale = desk.said("s1", "wash_sale_us")
    # 40 of the 100 shares: 400 of the loss of 1,000 are lost for good.
    assert (sale.status, sale.amount("permanent")) == (Status.FLAG, Decimal(400))


def test_a_worker_whose_book_has_moved_writes_nothing(desk: Desk) -> None:
    before = desk.system.compliance.verdicts(["P1"])
    stale = Member("P1", -1, 0, date.min, None)
    with desk.kept.unit() as unit:
        saved = unit.save([VerdictsWrite(stale, date.min, (), None)], desk.system.clock.now())
    assert saved == frozenset()
    assert desk.system.compliance.verdicts(["P1"]) == before


def test_a_stage_that_another_one_has_replaced_is_fenced(desk: Desk) -> None:
    part = ("compliance_verdicts", 0)
    with pytest.raises(FencedError), desk.kept.unit() as unit:
        unit.hold_fence("stages", part, 0)


def test_nobody_judges_a_portfolio_of_nobody_until_its_user_is_known(desk: Desk) -> None:
    fund = portfolio()._replace(portfolio_id="FUND")
    bought = trade("f1", "BUY", "ACME", "2025-01-06", quantity="100", price="50")
    desk.take(
        desk.commands.ingest_portfolios([fund], "test"),
        desk.commands.ingest_transactions([bought._replace(portfolio_id="FUND")], "test"),
    )
    compliance = desk.system.compliance
    assert compliance.verdicts(["FUND"]).totals.trades == 0
    desk.take(desk.commands.ingest_portfolios([fund._replace(cif_id="U2")], "test"))
    until(lambda: compliance.verdicts(["FUND"]).totals.trades == 1)


def test_a_statement_for_later_days_keeps_what_was_stated_before(desk: Desk) -> None:
    at = desk.system.clock.now()
    compliance = desk.system.compliance
    assert compliance.save_policy("P1", AccountPolicy(AccountType.CASH), at) == 1
    later = AccountPolicy(effective_from=date(2025, 3, 1))
    assert compliance.save_policy("P1", later, at) == 2
    assert compliance.save_policy("P1", later, at) == 0
    desk.take()
    kept = compliance.policy("P1")
    assert kept is not None
    assert [one.type for one in kept.dated] == [AccountType.CASH, AccountType.MARGIN]
    assert desk.said("b1", "cash_account").status is Status.PASS
    assert desk.said("s1", "cash_account").status is Status.NOT_APPLICABLE


def test_what_is_brought_later_lifts_what_a_sale_was_failed_for(desk: Desk) -> None:
    desk.system.compliance.save_policy("P1", AccountPolicy(AccountType.CASH), AT)
    # 99,000 are there after the loss, and 100,000 are bought on Monday, 2 June.
    desk.take(
        desk.commands.ingest_transactions(
            [
                trade("b2", "BUY", "OTHER", "2025-06-02", quantity="1000", price="100"),
                trade("s2", "SELL", "OTHER", "2025-06-03", quantity="1000", price="100"),
            ],
            "test",
        )
    )
    assert desk.said("s2", "cash_account").status is Status.FAIL
    paid = trade("in2", "DEPOSIT", "CASH", "2025-06-05", gross="1000")
    desk.take(desk.commands.ingest_transactions([paid], "test"))
    assert desk.said("s2", "cash_account").status is Status.FLAG
