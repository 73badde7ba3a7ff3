"""Who is judged together: all that clients and stated households join, however many steps it takes.

A user has two accounts. In the first 100 ACME are bought at 50 on 6 January 2025 and sold at 40 on
10 March, a loss of 1,000; in the second 40 are bought on 20 March. The household of the first is
that of another user's account.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tests.fixtures.patience import until
from tidebook.adapters.postgres.compliance_store import PostgresCompliance
from tidebook.compliance.policies import AccountPolicy
from tidebook.config import Settings
from tidebook.engine.compliance.ports import VerdictsWrite
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
EVERY = ["P1", "P2", "P3"]


def of(portfolio_id: str, fact: Transaction) -> Transaction:
    return fact._replace(portfolio_id=portfolio_id)


class Family:
    """The accounts, and what the rule on wash sales says of the loss."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.commands = system.commands
        self.compliance = system.compliance

    def take(self, *receipts: Receipt) -> None:
        """Wait until what was sent is booked."""
        for receipt in receipts:
            assert self.commands.wait(receipt, timeout_seconds=SECONDS)

    def trade(self, portfolio_id: str, fact: Transaction) -> None:
        """Book a trade, and wait until all are judged."""
        self.take(self.commands.ingest_transactions([of(portfolio_id, fact)], "test"))
        self.judged()

    def state(self, portfolio_id: str, household_id: str) -> None:
        """State the household of an account, and wait until all are judged."""
        policy = AccountPolicy(household_id=household_id)
        self.compliance.save_policy(portfolio_id, policy, self.system.clock.now())
        self.judged()

    def judged(self) -> None:
        """Wait until nothing is to be judged."""
        until(lambda: self.compliance.verdicts(EVERY).unjudged == 0)

    @property
    def disallowed(self) -> Decimal | None:
        """What of the loss does not count now."""
        page = self.compliance.verdicts(["P1"])
        (sale,) = [one for one in page.trades if one.transaction_id == "s1"]
        (verdict,) = [one for one in sale.verdicts if one.rule_id == "wash_sale_us"]
        return verdict.amount("disallowed")


@contextmanager
def kept_in(settings: Settings) -> Generator[Family]:
    """Give the accounts, booked and judged."""
    users = {"P1": "U1", "P2": "U1", "P3": "U3"}
    with open_system(settings) as system:
        family = Family(system)
        given = [portfolio(cif_id=user)._replace(portfolio_id=one) for one, user in users.items()]
        funds = [
            of(one, trade(f"in-{one}", "DEPOSIT", "CASH", "2025-01-02", gross="100000"))
            for one in users
        ]
        trades = [
            of("P1", trade("b1", "BUY", "ACME", "2025-01-06", quantity="100", price="50")),
            of("P1", trade("s1", "SELL", "ACME", "2025-03-10", quantity="100", price="40")),
            of("P2", trade("b2", "BUY", "ACME", "2025-03-20", quantity="40", price="41")),
        ]
        family.take(
            family.commands.ingest_portfolios(given, "test"),
            family.commands.ingest_instruments([security("ACME"), security("OTHER")], "test"),
            family.commands.ingest_transactions([*funds, *trades], "test"),
        )
        family.judged()
        family.state("P1", "H")
        family.state("P3", "H")
        yield family


@pytest.fixture(name="family")
def accounts(database_url: str, tmp_path: Path) -> Iterator[Family]:
    with kept_in(Settings(data_dir=tmp_path, database_url=database_url)) as family:
        yield family


def test_a_trade_of_a_relative_forgets_no_account_of_the_same_user(family: Family) -> None:
    # 40 of the 100 shares are replaced in the second account: 400 of the loss of 1,000.
    assert family.disallowed == 400
    bought = trade("o1", "BUY", "OTHER", "2025-03-12", quantity="1", price="10")
    family.trade("P3", bought)
    assert family.disallowed == 400
    replaced = trade("b3", "BUY", "ACME", "2025-03-12", quantity="25", price="41")
    family.trade("P3", replaced)
    assert family.disallowed == 650


def test_the_second_account_sees_the_relative_through_the_first(family: Family) -> None:
    family.trade("P3", trade("b3", "BUY", "ACME", "2025-03-12", quantity="25", price="41"))
    family.trade("P2", trade("o1", "BUY", "OTHER", "2025-03-12", quantity="1", price="10"))
    assert family.disallowed == 650


def test_who_leaves_a_household_is_counted_no_more(family: Family) -> None:
    family.trade("P3", trade("b3", "BUY", "ACME", "2025-03-12", quantity="25", price="41"))
    assert family.disallowed == 650
    family.state("P3", "")
    assert family.disallowed == 400


def test_an_account_that_becomes_another_user_s_is_counted_no_more(family: Family) -> None:
    moved = portfolio(cif_id="U2")._replace(portfolio_id="P2")
    family.take(family.commands.ingest_portfolios([moved], "test"))
    until(lambda: family.disallowed in {None, Decimal(0)})


def test_what_is_marked_while_it_is_judged_stays_marked(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    with kept_in(settings):
        pass
    with open_system(settings, run=False) as system:
        kept, now = system.compliance, system.clock.now()
        assert isinstance(kept, PostgresCompliance)
        first = AccountPolicy(household_id="H", equity_elsewhere=Decimal(1))
        kept.save_policy("P1", first, now)
        with kept.unit() as unit:
            (job,) = unit.jobs(10, (), now.date())
            # Somebody states something else before what was found is written.
            kept.save_policy("P1", first._replace(equity_elsewhere=Decimal(2)), system.clock.now())
            writes = [VerdictsWrite(member, now.date(), (), None) for member in job.members]
            saved = unit.save(writes, system.clock.now())
        assert saved == {"P2", "P3"}
        assert kept.verdicts(["P2"]).unjudged == 1
