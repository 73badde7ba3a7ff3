"""The bank day: 1,000 portfolios trade 100 times each, and are valued."""

from __future__ import annotations

import time
from datetime import date

from bench import facts
from bench.clocks import say
from bench.databases import (
    BOOK_TABLES,
    COPY_BASELINE,
    copy_seconds,
    private_system,
    row_count,
    settle,
)
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches, check, introduce

_BAR = Bar("at most", 30.0)
_SECURITIES = 50
_TRADES = 100
_DAY = date(2024, 6, 3)


def measure(*, quick: bool) -> list[Figure]:
    """Load a day of trades, in the order of their instants, until every series is right."""
    portfolios = 50 if quick else 1_000
    plan = facts.Plan(portfolios, _TRADES, _SECURITIES, (_DAY,))
    book = facts.trades(plan)
    runs: list[float] = []
    copied = 0.0
    for turn in range(1 if quick else 3):
        with private_system() as system:
            introduce(system, plan)
            commands = system.commands
            prices = facts.prices(_SECURITIES, [_DAY])
            market = [commands.ingest_business_dates([_DAY], "bench")]
            settle(system, [*market, commands.ingest_prices(prices, "bench")])
            start = time.perf_counter()
            parts = batches(book.transactions)
            settle(system, [commands.ingest_transactions(part, "bench") for part in parts])
            runs.append(time.perf_counter() - start)
            say(f"bank_day {turn + 1}: {runs[-1]:.1f} s")
            check(system.reader, book.held)
            assert row_count(system.database_url, "portfolio_days") >= portfolios
            if not copied:
                copied = copy_seconds(system.database_url, (*BOOK_TABLES, "portfolio_days"))
    size = f"{portfolios:,} portfolios, {_TRADES} transactions each, one day, valued"
    baseline = Baseline(COPY_BASELINE, copied)
    return [Figure("bank_day", "s", tuple(runs), baseline, _BAR, size)]
