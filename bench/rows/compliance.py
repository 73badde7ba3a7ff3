"""Rules: all of them over the trades of 1,000 users, and over one order before it is sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg

from bench import facts
from bench.clocks import say
from bench.databases import COPY_BASELINE, copy_seconds, private_system, row_count, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches
from tidebook.compliance.trades import Side
from tidebook.engine.compliance.pretrade import Order, check_orders

if TYPE_CHECKING:
    from tidebook.wiring import System

_ALL_BAR = Bar("at most", 30.0)
_ONE_BAR = Bar("at most", 10.0)
_SECURITIES = 50
_TRADES = 100
_DAYS = 250
_TABLE = "compliance_verdicts"
_UNJUDGED = "SELECT count(*) FROM compliance_work WHERE unjudged_from IS NOT NULL"
_SECONDS_MAX = 600.0


def measure(*, quick: bool) -> list[Figure]:
    """Judge every trade once the book stands, and then single orders."""
    users = 20 if quick else 1_000
    days = facts.weekdays(_DAYS)
    plan = facts.Plan(users, _TRADES, _SECURITIES, days)
    book = facts.trades(plan)
    with private_system() as system:
        _introduce(system, plan)
        prices = system.commands.ingest_prices(facts.prices(_SECURITIES, days), "bench")
        parts = batches(book.transactions)
        loads = [system.commands.ingest_transactions(part, "bench") for part in parts]
        settle(system, [prices, *loads])
        _wait(system)
        busy = time.process_time()
        taken = _all_again(system)
        say(f"compliance: {taken:.1f} s, {time.process_time() - busy:.1f} s of this process")
        assert row_count(system.database_url, _TABLE) >= users * _TRADES
        copied = copy_seconds(system.database_url, (_TABLE,))
        reading, checking = _orders(system, 20 if quick else 200)
    size = f"{users:,} users, {_TRADES} trades each, {_SECURITIES} securities"
    return [
        Figure("compliance_all", "s", (taken,), Baseline(COPY_BASELINE, copied), _ALL_BAR, size),
        Figure(
            "pretrade_check",
            "ms",
            checking,
            Baseline("reading the user's facts", sorted(reading)[len(reading) // 2]),
            _ONE_BAR,
            f"an order of a user with {_TRADES} trades",
        ),
    ]


def _introduce(system: System, plan: facts.Plan) -> None:
    """Make portfolios, each of a user of its own, and securities known."""
    owned = [
        one._replace(cif_id=f"U{one.portfolio_id}") for one in facts.portfolios(plan.portfolios)
    ]
    commands = system.commands
    receipts = [
        commands.ingest_portfolios(owned, "bench"),
        commands.ingest_instruments(facts.instruments(plan.securities), "bench"),
    ]
    settle(system, receipts)


def _all_again(system: System) -> float:
    """Forget every verdict, and return how long it takes until all are there again."""
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        connection.execute(b"TRUNCATE compliance_verdicts")
        start = time.perf_counter()
        connection.execute(b"UPDATE compliance_work SET unjudged_from = DATE '0001-01-01'")
    _wait(system)
    return time.perf_counter() - start


def _wait(system: System) -> None:
    ends = time.perf_counter() + _SECONDS_MAX
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        while True:
            row = connection.execute(_UNJUDGED.encode()).fetchone()
            if row is not None and not row[0]:
                return
            assert time.perf_counter() < ends, "trades are still to be judged"
            time.sleep(0.05)


def _orders(system: System, repeats: int) -> tuple[list[float], tuple[float, ...]]:
    """Return milliseconds of reading a user's facts, and of checking an order with them."""
    at = datetime(2024, 12, 20, 15, tzinfo=UTC)
    reading: list[float] = []
    checking: list[float] = []
    for number in range(repeats):
        portfolio = facts.portfolio_id(number % 20)
        order = Order(
            "o", portfolio, facts.security_id(number % 5), Side.BUY, Decimal(10), Decimal(100)
        )
        start = time.perf_counter()
        household = system.compliance.household([portfolio])
        read = time.perf_counter()
        (checked,) = check_orders(household, [order], at)
        end = time.perf_counter()
        assert checked.verdicts
        reading.append((read - start) * 1000)
        checking.append((end - start) * 1000)
    return reading, tuple(checking)
