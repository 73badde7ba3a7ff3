"""What the read side answers while the book is kept by the stages themselves.

The trades are those of ``tests.fixtures.reader_book``: two purchases in euros at two rates, and a
sale across both lots. Here the rates are those of the days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.config import Settings
from tidebook.engine.causes import Cause, CauseKind
from tidebook.engine.queries import RestatementQuery
from tidebook.model.cancellations import BusinessDateRef
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Portfolio
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.ports import Reader
    from tidebook.wiring import System

JAN_1, JAN_5, FEB_1 = date(2023, 1, 1), date(2023, 1, 5), date(2023, 2, 1)
SECONDS = 90.0


@pytest.fixture(name="system")
def running(database_url: str, tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        yield system


def trade(
    identity: str, kind: TransactionType, on: date, figures: str, *, portfolio_id: str = "P1"
) -> Transaction:
    """Return a trade of S1 in euros: quantity, price and gross amount."""
    quantity, price, gross = map(Decimal, figures.split())
    at = datetime(on.year, on.month, on.day, 10, tzinfo=UTC)
    return Transaction(
        identity, portfolio_id, "S1", kind, at, None, quantity, price, gross, "EUR", "EUR"
    )


BUY, SELL = TransactionType.BUY, TransactionType.SELL
FIRST = trade("t13", BUY, JAN_1, "100 10 1000")
SECOND = trade("t14", BUY, JAN_5, "100 12 1200")
SALE = trade("t15", SELL, FEB_1, "150 15 2250")


def take(system: System, *transactions: Transaction) -> None:
    receipt = system.commands.ingest_transactions(transactions, "test")
    assert system.commands.wait(receipt, timeout_seconds=SECONDS)


def prepare(system: System, cost_method: CostMethod = CostMethod.FIFO) -> None:
    portfolio = Portfolio("P1", "USD", JAN_1, cost_method=cost_method, allow_short=True)
    rates = zip((JAN_1, JAN_5, FEB_1), ("1.10", "1.15", "1.20"), strict=True)
    commands = system.commands
    for receipt in (
        commands.ingest_portfolios([portfolio], "test"),
        commands.ingest_instruments([Instrument("S1", "First SE", "EUR", "Equity")], "test"),
        commands.ingest_rates([Rate("EUR", "USD", on, Decimal(x)) for on, x in rates], "test"),
        commands.ingest_prices([Price("S1", FEB_1, Decimal(15), "EUR")], "test"),
    ):
        assert commands.wait(receipt, timeout_seconds=SECONDS)


def held(reader: Reader, known_at: datetime | None = None) -> dict[str, tuple[str, ...]]:
    """Return quantity, both costs and the gain in base currency of each position, as text."""
    view = reader.positions("P1", known_at=known_at)
    return {
        found.security_id: tuple(
            format(figure.normalize(), "f")
            for figure in (found.quantity, found.cost_local, found.cost_base, found.realised_base)
        )
        for found in view.positions
    }


BOOK = {"S1": ("50", "600", "690", "910"), "CASH_EUR": ("50", "50", "60", "-160")}


@pytest.mark.parametrize(
    "order", [(FIRST, SECOND, SALE), (SALE, SECOND, FIRST), (SECOND, SALE, FIRST)]
)
def test_the_book_reads_the_same_in_any_order_of_arrival(
    system: System, order: tuple[Transaction, ...]
) -> None:
    prepare(system)
    for transaction in order:
        take(system, transaction)
    reader = system.reader
    assert held(reader) == BOOK
    assert [lot[:3] for lot in reader.lots("P1").lots] == [
        ("CASH_EUR", "t15", FEB_1),
        ("S1", "t14", JAN_5),
    ]


def test_what_stands_is_what_the_entries_sum_to(system: System) -> None:
    prepare(system)
    take(system, FIRST, SECOND, SALE)
    reader = system.reader
    now = reader.positions("P1", include_closed=True)
    last = now.freshness.as_of
    assert last is not None
    assert reader.positions("P1", include_closed=True, as_of=last) == now
    assert reader.lots("P1", as_of=last).lots == reader.lots("P1").lots
    changes = reader.history("P1", "S1").changes
    assert changes[-1][0].cost_base == Decimal(690)
    assert reader.series("P1").days[-1].eod_market_value == now.market_value_base


def test_what_was_known_before_an_amendment_can_be_read_after_it(system: System) -> None:
    prepare(system)
    take(system, FIRST, SECOND._replace(gross=Decimal(1100), price=Decimal(11)), SALE)
    then = system.clock.now()
    believed = system.reader.positions("P1")
    lots, series = system.reader.lots("P1").lots, system.reader.series("P1").days
    take(system, SECOND)
    reader = system.reader
    assert held(reader) == BOOK
    assert held(reader, then) == {
        "S1": ("50", "550", "632.5", "967.5"),
        "CASH_EUR": ("150", "150", "180", "-155"),
    }
    assert [found.valuation for found in reader.positions("P1", known_at=then).positions] == [
        found.valuation for found in believed.positions
    ]
    assert reader.lots("P1", known_at=then).lots == lots
    assert reader.series("P1", known_at=then).days == series
    view = reader.transaction("t14", known_at=then)
    assert view is not None
    assert (view.version, view.transaction.gross) == (1, Decimal(1100))


def test_a_corrected_price_and_rate_are_in_the_next_answer_and_the_old_can_be_read(
    system: System,
) -> None:
    prepare(system)
    take(system, FIRST)
    # 100 x 15 at 1.20, and 1000 euros overdrawn.
    assert system.reader.positions("P1").market_value_base == Decimal(1800 - 1200)
    then = system.clock.now()
    commands = system.commands
    for receipt in (
        commands.ingest_prices([Price("S1", FEB_1, Decimal(16), "EUR")], "test"),
        commands.ingest_rates([Rate("EUR", "USD", FEB_1, Decimal("1.25"))], "test"),
    ):
        assert commands.wait(receipt, timeout_seconds=SECONDS)
    reader = system.reader
    assert reader.positions("P1", as_of=FEB_1).market_value_base == Decimal(2000 - 1250)
    before = reader.positions("P1", as_of=FEB_1, known_at=then)
    assert before.market_value_base == Decimal(600)


def test_a_fact_that_waits_is_listed_and_then_booked(system: System) -> None:
    prepare(system)
    waiting = SALE._replace(transaction_id="w1", security_id="S2", type=BUY)
    take(system, FIRST, waiting)
    reader = system.reader
    view = reader.transaction("w1")
    assert view is not None
    assert (view.status, view.entries) == ("WAITING", ())
    assert [found.finding.waits_for for found in reader.findings("P1")] == ["instrument:S2"]
    receipt = system.commands.ingest_instruments(
        [Instrument("S2", "Second SE", "EUR", "Equity")], "test"
    )
    assert system.commands.wait(receipt, timeout_seconds=SECONDS)
    view = reader.transaction("w1")
    assert view is not None
    assert (view.status, len(view.entries)) == ("BOOKED", 2)
    assert reader.findings("P1") == ()


def test_average_cost_lots_read_the_same_carried_and_rebuilt(system: System) -> None:
    prepare(system, CostMethod.AVCO)
    take(system, FIRST, SECOND, SALE)
    reader = system.reader
    # 200 cost 2200 euros and 2480 dollars: 11 and 12.40 apiece.
    (lot,) = reader.lots("P1", security_id="S1").lots
    assert (lot.quantity, lot.cost_local, lot.cost_base) == (50, 550, 620)
    assert reader.lots("P1", security_id="S1", as_of=FEB_1).lots == (lot,)


def test_a_business_date_goes_through_the_log_and_is_taken_back_the_same_way(
    system: System,
) -> None:
    prepare(system)
    take(system, FIRST)
    saturday, commands, reader = date(2023, 1, 7), system.commands, system.reader
    receipt = commands.ingest_business_dates([JAN_1, saturday, FEB_1], "test")
    assert commands.wait(receipt, timeout_seconds=SECONDS)
    then = system.clock.now()
    receipt = commands.cancel([BusinessDateRef(saturday)], "test")
    assert commands.wait(receipt, timeout_seconds=SECONDS)
    assert [day.on for day in reader.series("P1").days] == [JAN_1, FEB_1]
    assert [day.on for day in reader.series("P1", known_at=then).days] == [JAN_1, saturday, FEB_1]
    (row,) = reader.restatements(RestatementQuery("P1", since=then)).restatements
    assert row.causes == (Cause(CauseKind.BUSINESS_DATE, "2023-01-07"),)
    # Taken back and given again, it is what it was.
    for receipt in (
        commands.cancel([BusinessDateRef(FEB_1)], "test"),
        commands.ingest_business_dates([FEB_1], "test"),
    ):
        assert commands.wait(receipt, timeout_seconds=SECONDS)
    assert [day.on for day in reader.series("P1").days] == [JAN_1, FEB_1]
