"""The facts of a book as the store gives them: whole, related, and as known at an instant."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tidebook.config import Settings
from tidebook.engine.hypothesis import Hypothesis
from tidebook.engine.queries import FactQuery
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import ActionRef, TransactionRef
from tidebook.model.facts import LotChoice, Price, Rate, TransactionType
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, MethodChange, TaxRates
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
D = Decimal
MAY, JUNE = date(2025, 5, 5), date(2025, 6, 5)
POOL = {"cost_method": CostMethod.AVCO_POOLED, "taxpayer_id": "T"}
PORTFOLIOS = [
    portfolio(
        cost_method_changes=(MethodChange(JUNE, CostMethod.HIFO),),
        tax_rates=TaxRates(D("0.3"), D("0.1"), 24),
    ),
    *[portfolio(**POOL)._replace(portfolio_id=each) for each in ("P2", "P3")],
    portfolio()._replace(portfolio_id="ALONE"),
]
OPTION = Instrument(
    "CALL",
    "Call on ACME",
    "USD",
    "Option",
    multiplier=D(100),
    underlying_id="ACME",
    option_right=OptionRight.CALL,
    strike=D("12.5"),
    expires_on=JUNE,
)
BUY = trade(
    "buy",
    "BUY",
    "ACME",
    "2025-05-05T10:00:00+00:00",
    quantity="10.123456789012345678",
    price="10",
    fee="1",
    tax="2",
    accrued_interest="3",
    note="as reported",
)
SELL = trade("sell", "SELL", "ACME", "2025-05-06", quantity="2", price="11")._replace(
    lots=(LotChoice("buy", D(2)),)
)
GIFT = trade("gift", "TRANSFER_IN_KIND", "ACME", "2025-05-07", quantity="1", gross="10")._replace(
    to_portfolio_id="P2"
)
CALL = trade("call", "BUY_TO_OPEN", "CALL", "2025-05-07", quantity="1", price="1", gross="100")
OTHER = trade("other", "BUY", "ELSE", "2025-05-05", quantity="1", price="1")._replace(
    portfolio_id="ALONE"
)
SPIN = CorporateAction(
    "spin",
    ActionType.SPIN_OFF,
    "ACME",
    JUNE,
    D(1),
    D(4),
    to_security_id="BABY",
    cost_fraction=D("0.2"),
    note="a quarter",
)


@pytest.fixture(name="system")
def booked(database_url: str, tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        commands = system.commands
        known = [security("ACME"), security("BABY"), security("ELSE"), OPTION]
        take(system, commands.ingest_portfolios(PORTFOLIOS, "test"))
        take(system, commands.ingest_instruments(known, "test"))
        take(system, commands.ingest_transactions([BUY, SELL, GIFT, CALL, OTHER], "test"))
        take(system, commands.ingest_prices([Price("BABY", JUNE, D(3), "USD")], "test"))
        take(system, commands.ingest_rates([Rate("EUR", "USD", MAY, D("1.1"))], "test"))
        take(system, commands.ingest_actions([SPIN], "test"))
        take(system, commands.ingest_business_dates([MAY], "test"))
        yield system


def take(system: System, receipt: Receipt) -> None:
    assert system.commands.wait(receipt, timeout_seconds=SECONDS)


def test_facts_come_back_as_they_went_in(system: System) -> None:
    found = system.reader.book_facts(FactQuery(("P1",)))
    facts = {fact.transaction_id: fact for fact in found.facts.transactions}
    assert facts == {fact.transaction_id: fact for fact in (BUY, SELL, GIFT, CALL)}
    assert found.facts.portfolios["P1"] == PORTFOLIOS[0]
    assert found.facts.instruments["CALL"] == OPTION
    assert list(found.facts.actions) == [SPIN]
    assert found.business_dates == (MAY,)
    assert found.facts.rates.quoted_on("EUR", "USD", MAY) == D("1.1")


def test_whoever_is_related_comes_along_and_nobody_else(system: System) -> None:
    # P1 gave to P2, which shares its pools with P3.
    for asked in ("P1", "P2", "P3"):
        found = system.reader.book_facts(FactQuery((asked,)))
        assert sorted(found.facts.portfolios) == sorted(found.standings) == ["P1", "P2", "P3"]
    alone = system.reader.book_facts(FactQuery(("ALONE",)))
    assert list(alone.facts.portfolios) == ["ALONE"]
    assert list(alone.facts.transactions) == [OTHER]
    # A transaction that is named brings the portfolio along in which it is booked.
    both = system.reader.book_facts(FactQuery(("ALONE",), transaction_ids=("sell",)))
    assert len(both.facts.portfolios) == 4


def test_what_a_corporate_action_leads_to_is_priced(system: System) -> None:
    found = system.reader.book_facts(FactQuery(("P1",)))
    assert found.prices["BABY"].prices == (3,)
    assert "BABY" in found.facts.instruments
    asked = system.reader.book_facts(FactQuery(("ALONE",), security_ids=("CALL",)))
    assert {"ELSE", "CALL", "ACME"} <= asked.facts.instruments.keys()


def test_a_portfolio_that_nobody_introduced_is_left_out(system: System) -> None:
    found = system.reader.book_facts(FactQuery(("P9",)))
    assert (found.facts.portfolios, found.standings) == ({}, {})


def test_facts_can_be_read_as_they_were_known(system: System) -> None:
    then = system.clock.now()
    commands = system.commands
    take(system, commands.ingest_transactions([BUY._replace(quantity=D(11))], "test"))
    take(system, commands.cancel([TransactionRef("gift", "P1"), ActionRef("spin")], "test"))
    take(system, commands.ingest_rates([Rate("EUR", "USD", MAY, D("1.2"))], "test"))
    now = system.reader.book_facts(FactQuery(("P1",)))
    facts = {fact.transaction_id: fact for fact in now.facts.transactions}
    assert facts["buy"].quantity == 11
    assert facts["gift"].type is TransactionType.CANCELLED
    # With the gift gone nothing is carried any more.
    assert (list(now.facts.portfolios), list(now.facts.actions)) == (["P1"], [])

    past = system.reader.book_facts(FactQuery(("P1",), known_at=then))
    known = {fact.transaction_id: fact for fact in past.facts.transactions}
    assert known == {fact.transaction_id: fact for fact in (BUY, SELL, GIFT, CALL)}
    assert sorted(past.facts.portfolios) == ["P1", "P2", "P3"]
    assert list(past.facts.actions) == [SPIN]
    assert past.facts.rates.quoted_on("EUR", "USD", MAY) == D("1.1")


def test_a_preview_knows_whom_facts_would_concern(system: System) -> None:
    reader = system.reader
    priced = Hypothesis(prices=(Price("ELSE", JUNE, D(2), "USD"),))
    assert reader.concerned(priced) == ("ALONE",)
    assert reader.concerned(Hypothesis(actions=(SPIN,))) == ("P1", "P2")
    assert reader.concerned(Hypothesis(cancellations=(ActionRef("spin"),))) == ("P1", "P2")
    moved = Hypothesis(transactions=(BUY._replace(portfolio_id="ALONE"),))
    assert reader.concerned(moved) == ("ALONE", "P1")
    assert reader.concerned(Hypothesis(business_dates=(JUNE,))) == ("ALONE", "P1", "P2", "P3")
    assert "P1" in reader.concerned(Hypothesis(rates=(Rate("EUR", "USD", MAY, D(1)),)))
