"""A million facts that were taken in while nothing booked them, from the start until they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import psycopg

from bench import facts
from bench.clocks import say
from bench.databases import (
    BOOK_TABLES,
    COPY_BASELINE,
    copy_seconds,
    private_folder,
    settle,
    wait_until_booked,
    wait_until_shipped,
)
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_http import check
from bench.rows.ingest_log import batches, introduce
from bench.serving import resident_megabytes, served, served_apart, transaction_body
from bench.spending import Spending, postmaster_id
from tests.fixtures.kafka_broker import running_broker
from tidebook.adapters.postgres import EmbeddedCluster
from tidebook.config import Role, Settings
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from pathlib import Path

    from bench.serving import Served
    from tests.fixtures.kafka_broker import KafkaBroker

_BAR: Final = Bar("at least", 5_000.0)
_SECURITIES: Final = 50
_DAYS: Final = 250
_AWAY: Final = (Role.SERIES.value, Role.QUERY.value, Role.INGEST.value)


def measure(*, quick: bool) -> list[Figure]:
    """Queue facts in the order of their instants, then start what books them, both ways."""
    portfolios, each = (50, 400) if quick else (1_000, 1_000)
    plan = facts.Plan(portfolios, each, _SECURITIES, facts.weekdays(_DAYS))
    book = facts.trades(plan)
    say(f"catch_up, one process: {len(book.transactions):,} facts")
    with private_folder() as folder, EmbeddedCluster.start(folder / "data") as database:
        in_one = _in_one(folder / "data", database.url, plan, book)
    say("catch_up_kafka, roles apart")
    with private_folder() as folder, running_broker() as broker:
        apart = _apart(folder / "data", broker, plan, book)
    return [
        _figure("catch_up", in_one, book, "one process and the log"),
        _figure("catch_up_kafka", apart, book, "the role book, facts in Kafka, other roles up"),
    ]


def _in_one(folder: Path, url: str, plan: facts.Plan, book: facts.Trades) -> tuple[float, float]:
    """Queue facts in the log; return the seconds from the start of the server, and of COPY."""
    with open_system(Settings(data_dir=folder)) as system:
        introduce(system, plan)
    with open_system(Settings(data_dir=folder), run=False) as system:
        for part in batches(book.transactions):
            system.commands.ingest_transactions(part, "bench")
    _assert_queued(url, len(book.transactions))
    start = time.perf_counter()
    with served(folder) as server:
        spending = Spending({"server": server.pid, "database": postmaster_id(folder)}, url)
        wait_until_booked(url)
        check(server, book)
        taken = time.perf_counter() - start
        _say_spent(spending, server, len(book.transactions))
    return taken, copy_seconds(url, BOOK_TABLES, repeats=1)


def _apart(
    folder: Path, broker: KafkaBroker, plan: facts.Plan, book: facts.Trades
) -> tuple[float, float]:
    """Queue facts in Kafka; return the seconds from the start of the role book, and of COPY."""
    with EmbeddedCluster.start(folder) as database:
        with served_apart(folder, broker.bootstrap, _AWAY) as roles:
            with open_system(Settings(data_dir=folder), run=False) as system:
                commands = system.commands
                known = [
                    commands.ingest_portfolios(facts.portfolios(plan.portfolios), "bench"),
                    commands.ingest_instruments(facts.instruments(plan.securities), "bench"),
                ]
                with served_apart(folder, broker.bootstrap, [Role.BOOK.value]):
                    settle(system, known)
            bodies = [transaction_body(part) for part in batches(book.transactions)]
            roles["ingest"].post_all("/ingest/transactions", bodies)
            wait_until_shipped(database.url)
            _assert_queued(database.url, len(book.transactions))
            start = time.perf_counter()
            with served_apart(folder, broker.bootstrap, [Role.BOOK.value]) as booking:
                processes = {role: server.pid for role, server in {**roles, **booking}.items()} | {
                    "broker": broker.process_id,
                    "database": postmaster_id(folder),
                }
                spending = Spending(processes, database.url)
                wait_until_booked(database.url)
                check(roles["query"], book)
                taken = time.perf_counter() - start
                _say_spent(spending, booking[Role.BOOK.value], len(book.transactions))
        return taken, copy_seconds(database.url, BOOK_TABLES, repeats=1)


def _say_spent(spending: Spending, server: Served, count: int) -> None:
    """Say what it cost since the process that books answered, and what that process weighs."""
    say(spending.per_million(count))
    say(f"what books holds {resident_megabytes(server.pid):.0f} MB")


def _assert_queued(url: str, count: int) -> None:
    """Make sure that nothing is booked yet: what is measured is to have happened afterwards."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT sum(next_offset) FROM log_partitions"
            "  WHERE topic = 'raw_transactions'), (SELECT count(*) FROM transactions)"
        ).fetchone()
    assert row == (count, 0), row


def _figure(row: str, seconds: tuple[float, float], book: facts.Trades, how: str) -> Figure:
    taken, copied = seconds
    count = len(book.transactions)
    say(f"{row}: {count:,} facts in {taken:.1f} s")
    baseline = Baseline(COPY_BASELINE, count / copied)
    return Figure(row, "tx/s", (count / taken,), baseline, _BAR, f"{count:,} queued facts, {how}")
