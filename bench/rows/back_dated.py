"""One trade that arrives years late, until everything after it is restated and can be read."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from bench import facts
from bench.clocks import percentile, say
from bench.databases import commit_seconds, private_system, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches, check, introduce
from tidebook.engine.queries import RestatementQuery
from tidebook.model.facts import TransactionType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

_CAPITAL = Decimal(100_000_000)
_PERCENT = 99.0
_PATIENCE_SECONDS = 60.0


class Late(NamedTuple):
    """How many trades lie after the late one, and how often it is repeated."""

    row: str
    later: int
    repeats: int
    bar_ms: float


def measure(*, quick: bool) -> list[Figure]:
    """Measure among 10,000 later trades."""
    return [measure_late(Late("back_dated", 10_000, 25, 1_000.0), quick=quick)]


def measure_late(late: Late, *, quick: bool) -> Figure:
    """Return the p99 of late trades on the first of ten years of priced days."""
    later = min(late.later, 500) if quick else late.later
    repeats = 5 if quick else late.repeats
    with private_system() as system:
        book = _prepare(system, later)
        key = next(iter(book.held))
        runs: list[float] = []
        for fact in _late_trades(key, repeats):
            start = time.perf_counter()
            receipt = system.commands.ingest_transactions([fact], "bench")
            assert system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)
            runs.append((time.perf_counter() - start) * 1000)
            book.held[key] += fact.quantity
        check(system.reader, book.held)
        log = system.reader.restatements(RestatementQuery(key[0], key[1], limit=1000))
        restated = [row.entries_written or 0 for row in log.restatements]
        say(f"{late.row}: {max(restated):,} entries written at most, runs {runs[0]:.0f} ms first")
        commits = commit_seconds(system.database_url)
    baseline = Baseline("durable commit of one row, p99", percentile(commits, _PERCENT) * 1000)
    size = f"{later:,} later trades in the key, {facts.TEN_YEARS:,} priced days, p99 of {repeats}"
    value = percentile(runs, _PERCENT)
    bar = Bar("at most", late.bar_ms)
    return Figure(late.row, "ms", tuple(runs), baseline, bar, size, value)


def _prepare(system: System, later: int) -> facts.Trades:
    days = facts.weekdays(facts.TEN_YEARS)
    plan = facts.Plan(1, later, 1, days)
    introduce(system, plan)
    commands = system.commands
    capital = facts.deposit("D1", facts.portfolio_id(0), _before(0), _CAPITAL)
    book = facts.trades(plan)
    receipts = [
        commands.ingest_business_dates(days, "bench"),
        commands.ingest_prices(facts.prices(1, days), "bench"),
        commands.ingest_transactions([capital], "bench"),
    ]
    receipts += [commands.ingest_transactions(part, "bench") for part in batches(book.transactions)]
    settle(system, receipts)
    return book


def _late_trades(key: tuple[str, str], count: int) -> Iterator[Transaction]:
    for n in range(count):
        terms = (Decimal(n + 1), Decimal("50.25"))
        yield facts.trade(f"LATE-{n:03d}", key, TransactionType.BUY, _before(n + 1), terms)


def _before(seconds: int) -> datetime:
    """Return an instant of the first day that lies before its first trade."""
    return facts.opening(facts.FIRST_DAY) - timedelta(hours=1) + timedelta(seconds=seconds)
