"""Whole series of a running book: kept while nothing changes, and many at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg
import pytest

from tidebook.adapters.postgres.statements import statements
from tidebook.analytics import Undefined
from tidebook.config import Settings
from tidebook.engine.measuring.many_returns import returns_of_each
from tidebook.engine.measuring.performance import NamedPeriod, Request, performance, series_of
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Price, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.periods import PeriodRequest, PeriodType
from tidebook.model.portfolios import Portfolio
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

D = Decimal
DAYS = (
    *(date(2024, 12, day) for day in (27, 30, 31)),
    *(date(2025, 1, day) for day in (2, 3)),
)
REQUEST = Request(
    DAYS[-1],
    (
        NamedPeriod("SI", PeriodRequest(PeriodType.SI)),
        NamedPeriod("YTD", PeriodRequest(PeriodType.YTD)),
    ),
)


@pytest.fixture(name="system")
def running(database_url: str, tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        prepare(system)
        yield system


def settle(system: System, *receipts: Receipt) -> None:
    for receipt in receipts:
        assert system.commands.wait(receipt, timeout_seconds=90.0)


def fact(identity: str, kind: T, on: date, terms: str) -> Transaction:
    portfolio_id, security_id, quantity, price = terms.split()
    at = datetime(on.year, on.month, on.day, 10, tzinfo=UTC)
    gross = D(quantity) * D(price)
    return Transaction(
        identity, portfolio_id, security_id, kind, at, None, D(quantity), D(price), gross,
        "USD", "USD",
    )  # fmt: skip


def prepare(system: System) -> None:
    """Have A hold from the first day on, B begin this year, C overdraw and D do nothing."""
    commands = system.commands
    known = [Portfolio(one, "USD", DAYS[0]) for one in "ABCD"]
    settle(
        system,
        commands.ingest_portfolios(known, "test"),
        commands.ingest_instruments([Instrument("S", "Share", "USD", "Equity")], "test"),
        commands.ingest_business_dates(DAYS, "test"),
        commands.ingest_prices(
            [Price("S", on, D(10 + n), "USD") for n, on in enumerate(DAYS)], "test"
        ),
    )
    trades = [
        fact("A1", T.DEPOSIT, DAYS[0], "A CASH_USD 1000 1"),
        fact("A2", T.BUY, DAYS[0], "A S 50 10"),
        fact("A3", T.DEPOSIT, DAYS[3], "A CASH_USD 500 1"),
        fact("B1", T.DEPOSIT, DAYS[3], "B CASH_USD 300 1"),
        fact("B2", T.BUY, DAYS[3], "B S 10 13"),
        fact("C1", T.WITHDRAWAL, DAYS[1], "C CASH_USD 100 1"),
    ]
    settle(system, commands.ingest_transactions(trades, "test"))


def test_many_at_once_are_as_one_by_one(system: System) -> None:
    reader = system.reader
    found = returns_of_each(reader, "ABCD", REQUEST)
    assert [each.portfolio_id for each in found] == ["A", "B", "C", "D"]
    assert [each.status for each in found] == ["CURRENT", "CURRENT", "CURRENT", "EMPTY"]
    for each in found:
        expected = performance(series_of(reader.series(each.portfolio_id)), REQUEST)
        for told, one in zip(each.periods, expected, strict=True):
            if isinstance(one.cumulative, Undefined):
                assert isinstance(told.cumulative, Undefined)
            else:
                assert told.cumulative == pytest.approx(one.cumulative, abs=1e-12)
                assert (told.start, told.end) == (one.start, one.end)
    # 1,000 became 1,100 by the last day of the year; then 1,650 of 500 more became 1,700.
    this_year = found[0].periods[1].cumulative
    assert this_year == pytest.approx(1650 / 1600 * 1700 / 1650 - 1, abs=1e-12)


def test_a_portfolio_that_is_not_known_is_refused(system: System) -> None:
    with pytest.raises(UnknownPortfolioError):
        returns_of_each(system.reader, ("A", "X"), REQUEST)
    with pytest.raises(UnknownPortfolioError):
        system.reader.state("X")


def test_a_series_is_kept_until_it_changes(system: System) -> None:
    reader = system.reader
    first, state = reader.series("A"), reader.state("A")
    assert reader.series("A").days is first.days, "it was read again"
    assert reader.series_of(("A", "B"))[0].days is first.days
    settle(system, system.commands.ingest_prices([Price("S", DAYS[-1], D(15), "USD")], "test"))
    after = reader.series("A")
    assert after.days[-1].eod_market_value == first.days[-1].eod_market_value + 50
    assert reader.state("A") != state
    # A price that nobody holds changes nothing of A.
    state = reader.state("A")
    known = system.commands.ingest_prices([Price("OTHER", DAYS[0], D(1), "USD")], "test")
    settle(system, known)
    assert reader.state("A") == state
    assert reader.series("A").days is after.days
    # Of an answer beside it, it is part of the state.
    beside = reader.state("A", prices_of=["OTHER"])
    dearer = [Price("OTHER", DAYS[0], D(2), "USD")]
    settle(system, system.commands.ingest_prices(dearer, "test"))
    assert reader.state("A", prices_of=["OTHER"]) != beside
    assert reader.state("A") == state


def test_another_day_and_another_name_are_another_state(system: System) -> None:
    reader, commands = system.reader, system.commands
    states = [reader.state("A")]
    settle(system, commands.ingest_business_dates([date(2025, 1, 6)], "test"))
    states.append(reader.state("A"))
    assert reader.series("A").days[-1].on == date(2025, 1, 6)
    named = Portfolio("A", "USD", DAYS[0], name="Alpha")
    settle(system, commands.ingest_portfolios([named], "test"))
    states.append(reader.state("A"))
    assert len(set(states)) == 3
    assert reader.series("A").portfolio.name == "Alpha"


def test_turning_days_are_found_by_their_index(system: System) -> None:
    """Its condition and the statement's are the same, so that history is not read through."""
    asked = {"chosen": None, "start": DAYS[0], "end": DAYS[-1]}
    with psycopg.connect(system.database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        statement = statements("read_series")["turning_days"]
        rows = connection.execute(b"EXPLAIN " + statement, asked).fetchall()
    assert "portfolio_days_turning" in "".join(row[0] for row in rows)
