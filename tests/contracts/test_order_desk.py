"""A household that is kept for orders is the household that the store has, whatever has moved.

100 ACME are bought at 50 on 6 January 2025 and sold at 40 on 10 March: a loss of 1,000.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import PurchaseRisk
from tidebook.compliance.trades import AccountType, Side
from tidebook.config import Settings
from tidebook.engine.compliance.order_desk import OrderDesk
from tidebook.engine.compliance.pretrade import Order, check_orders
from tidebook.model.cancellations import TransactionRef
from tidebook.model.facts import Price, Rate
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.compliance.pretrade import OrderCheck
    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
AT = datetime(2025, 3, 20, 15, tzinfo=UTC)
BUY = Order("o1", "P1", "ACME", Side.BUY, Decimal(60), Decimal(41))


class Floor:
    """A system, and a desk that keeps what it was asked of."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.commands = system.commands
        self.desk = OrderDesk(system.compliance)

    def take(self, *receipts: Receipt) -> None:
        """Wait until what was sent is booked."""
        for receipt in receipts:
            assert self.commands.wait(receipt, timeout_seconds=SECONDS)

    def same(self, *orders: Order) -> tuple[OrderCheck, ...]:
        """Ask of orders; what is said is what the whole book says."""
        basket = orders or (BUY,)
        told = self.desk.check(["P1"], basket, AT)
        names = {order.security_id for order in basket}
        whole = self.system.compliance.household(["P1"], names)
        assert repr(told) == repr(check_orders(whole, basket, AT))
        return told

    def washed(self) -> Decimal:
        """Return what of losses the purchase would disallow."""
        (told,) = self.same()
        assert isinstance(told.wash, PurchaseRisk)
        return told.wash.disallowed


@pytest.fixture(name="floor")
def opened(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        floor = Floor(system)
        floor.take(
            floor.commands.ingest_portfolios([portfolio(cif_id="U1")], "test"),
            floor.commands.ingest_instruments(
                [security("ACME"), security("EURO", currency="EUR")], "test"
            ),
            floor.commands.ingest_rates(
                [Rate("EUR", "USD", AT.date().replace(month=1), Decimal("1.1"))], "test"
            ),
            floor.commands.ingest_transactions(
                [
                    trade("in", "DEPOSIT", "CASH", "2025-01-02", gross="100000"),
                    trade("b1", "BUY", "ACME", "2025-01-06", quantity="100", price="50"),
                    trade("s1", "SELL", "ACME", "2025-03-10", quantity="100", price="40"),
                ],
                "test",
            ),
        )
        yield floor


def test_a_correction_of_the_book_is_seen_by_the_next_check(floor: Floor) -> None:
    # 60 of the 100 shares would be replaced: 600 of the loss of 1,000 would wait.
    assert (floor.washed(), floor.washed()) == (Decimal(600), Decimal(600))
    amended = trade("s1", "SELL", "ACME", "2025-03-10", quantity="100", price="45")
    floor.take(floor.commands.ingest_transactions([amended], "test"))
    assert floor.washed() == Decimal(300)
    early = trade("b0", "BUY", "ACME", "2025-03-01", quantity="80", price="44")
    floor.take(floor.commands.ingest_transactions([early], "test"))
    # 80 have been replaced by now, and the order replaces the last 20 at a loss of 5 each.
    assert floor.washed() == Decimal(100)
    floor.take(floor.commands.cancel([TransactionRef("s1", "P1")], "test"))
    assert floor.washed() == Decimal(0)


def test_a_policy_a_price_and_a_rate_are_those_of_now(floor: Floor) -> None:
    floor.same()
    system, day = floor.system, AT.date()
    system.compliance.save_policy("P1", AccountPolicy(type=AccountType.CASH), AT)
    (told,) = floor.same()
    names = {one.rule_id: one.status.value for one in told.verdicts}
    assert names["reg_t_initial"] == "not_applicable"
    priced = BUY._replace(price=None)
    for price in ("40", "44"):
        sent = [Price("ACME", day, Decimal(price), "USD")]
        floor.take(floor.commands.ingest_prices(sent, "test"))
        assert floor.same(priced)[0].price == Decimal(price)
    abroad = BUY._replace(security_id="EURO")
    # 60 at 41 EUR: 2,706 USD at 1.1, and 2,952 at 1.2.
    assert _value(floor.same(abroad)[0]) == Decimal(2706)
    rate = Rate("EUR", "USD", day, Decimal("1.2"))
    floor.take(floor.commands.ingest_rates([rate], "test"))
    assert _value(floor.same(abroad)[0]) == Decimal(2952)


def _value(told: OrderCheck) -> Decimal | None:
    (found,) = [one for one in told.verdicts if one.rule_id == "order_value_limit"]
    return found.amount("order_value")


def test_whoever_joins_the_household_counts_at_once(floor: Floor) -> None:
    assert floor.washed() == Decimal(600)
    floor.take(
        floor.commands.ingest_portfolios(
            [portfolio(cif_id="U1")._replace(portfolio_id="P2")], "test"
        )
    )
    bought = trade("p2", "BUY", "ACME", "2025-03-12", quantity="90", price="41")
    bought = bought._replace(portfolio_id="P2")
    floor.take(floor.commands.ingest_transactions([bought], "test"))
    # The other account has replaced 90 of the 100: 10 are left, at a loss of 10 each.
    assert floor.washed() == Decimal(100)


def test_what_was_not_asked_of_for_longest_leaves_first(floor: Floor) -> None:
    small = OrderDesk(floor.system.compliance, facts_max=4)
    small.check(["P1"], [BUY], AT)
    assert small.facts == 3
    floor.take(
        floor.commands.ingest_portfolios(
            [portfolio(cif_id="U3")._replace(portfolio_id="P3")], "test"
        )
    )
    cash = trade("c3", "DEPOSIT", "CASH", "2025-01-02", gross="5000")
    second = trade("d3", "DEPOSIT", "CASH", "2025-01-03", gross="5000")
    sent = [one._replace(portfolio_id="P3") for one in (cash, second)]
    floor.take(floor.commands.ingest_transactions(sent, "test"))
    small.check(["P3"], [BUY._replace(portfolio_id="P3")], AT)
    assert small.facts == 2
