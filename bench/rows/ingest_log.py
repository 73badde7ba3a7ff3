"""A bulk load through the event log: from facts in this process to positions in the book."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import say
from bench.databases import (
    BOOK_TABLES,
    COPY_BASELINE,
    copy_seconds,
    private_system,
    row_count,
    settle,
    wait_until_booked,
)
from bench.figures import Bar, Baseline, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.engine.ports import Reader
    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

BAR = Bar("at least", 6_000, ratio=0.25)
BATCH = 1_000
SECURITIES = 10
_DAYS = 20


def measure(*, quick: bool) -> list[Figure]:
    """Load trades of many portfolios, one portfolio after the other and then by time."""
    ordered = _measure("ingest_log", quick=quick, sort=True)
    by_time = _measure("ingest_log_by_time", quick=quick, sort=False)
    return [ordered, by_time]


def plan(*, quick: bool) -> facts.Plan:
    """Return how many portfolios trade how often in a bulk load."""
    return facts.Plan(50 if quick else 1_000, 100, SECURITIES, facts.weekdays(_DAYS))


def _measure(row: str, *, quick: bool, sort: bool) -> Figure:
    book = facts.trades(plan(quick=quick))
    loaded = facts.by_portfolio(book.transactions) if sort else book.transactions
    count = len(loaded)
    runs: list[float] = []
    copied = 0.0
    for turn in range(1 if quick else 3):
        with private_system() as system:
            introduce(system, plan(quick=quick))
            start = time.perf_counter()
            receipts = [
                system.commands.ingest_transactions(part, "bench") for part in batches(loaded)
            ]
            logged = time.perf_counter() - start
            wait_until_booked(system.database_url)
            check(system.reader, book.held)
            taken = time.perf_counter() - start
            runs.append(count / taken)
            say(f"{row} {turn + 1}: in the log after {logged:.1f} s, booked after {taken:.1f} s")
            settle(system, receipts)
            assert row_count(system.database_url, "entries") >= 2 * count
            if not copied:
                copied = copy_seconds(system.database_url, BOOK_TABLES)
    order = "one portfolio after the other" if sort else "in the order of their instants"
    size = f"{count:,} transactions of {plan(quick=quick).portfolios:,} portfolios, {order}"
    return Figure(row, "tx/s", tuple(runs), Baseline(COPY_BASELINE, count / copied), BAR, size)


def introduce(system: System, load: facts.Plan) -> None:
    """Make portfolios and securities known."""
    commands = system.commands
    receipts = [
        commands.ingest_portfolios(facts.portfolios(load.portfolios), "bench"),
        commands.ingest_instruments(facts.instruments(load.securities), "bench"),
    ]
    settle(system, receipts)


def batches(transactions: Sequence[Transaction]) -> list[Sequence[Transaction]]:
    """Return the transactions of each request."""
    return [transactions[i : i + BATCH] for i in range(0, len(transactions), BATCH)]


def check(reader: Reader, held: dict[tuple[str, str], Decimal]) -> None:
    """Ask for the positions of the first and the last portfolio and compare them."""
    ids = sorted({portfolio for portfolio, _ in held})
    for portfolio in {ids[0], ids[-1]}:
        view = reader.positions(portfolio)
        quantities = {each.security_id: each.quantity for each in view.positions}
        for (owner, security), quantity in held.items():
            if owner == portfolio and quantity:
                assert quantities[security] == quantity, (portfolio, security)
