"""A bulk load through Kafka: ingest, broker, book and query as processes of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import say
from bench.databases import (
    BOOK_TABLES,
    COPY_BASELINE,
    copy_seconds,
    private_folder,
    wait_until_booked,
    wait_until_right,
)
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_http import check
from bench.rows.ingest_log import batches, plan
from bench.serving import (
    CONNECTIONS,
    instrument_body,
    portfolio_body,
    served_apart,
    transaction_body,
)
from bench.spending import Spending, postmaster_id
from tests.fixtures.kafka_broker import running_broker
from tidebook.adapters.postgres import EmbeddedCluster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fixtures.kafka_broker import KafkaBroker

_BAR = Bar("at least", 3000.0)


def measure(*, quick: bool) -> list[Figure]:
    """Load trades over HTTP into the ingest role, and ask the query role for what they came to."""
    load = plan(quick=quick)
    book = facts.trades(load)
    bodies = [transaction_body(part) for part in batches(facts.by_portfolio(book.transactions))]
    count = len(book.transactions)
    rates: list[float] = []
    copied = 0.0
    for turn in range(1 if quick else 3):
        say(f"kafka_ingest, load {turn + 1}")
        with private_folder() as folder, running_broker() as broker:
            seconds, copied = _load(folder / "data", broker, bodies, book, load)
            rates.append(count / seconds)
    baseline = Baseline(COPY_BASELINE, count / copied)
    size = (
        f"{count:,} transactions, {load.portfolios:,} portfolios, {CONNECTIONS} connections, "
        "four roles, the broker and the database on the same machine"
    )
    return [Figure("kafka_ingest", "tx/s", tuple(rates), baseline, _BAR, size)]


def _load(
    folder: Path, broker: KafkaBroker, bodies: Sequence[bytes], book: facts.Trades, load: facts.Plan
) -> tuple[float, float]:
    """Load everything; return the seconds, and those that COPY takes for the final rows."""
    with EmbeddedCluster.start(folder) as database:
        with served_apart(folder, broker.bootstrap) as roles:
            ingest = roles["ingest"]
            ingest.post_all(
                "/ingest/portfolios", [portfolio_body(facts.portfolios(load.portfolios))]
            )
            ingest.post_all(
                "/ingest/instruments", [instrument_body(facts.instruments(load.securities))]
            )
            wait_until_right(database.url, load.portfolios)
            processes = {role: server.pid for role, server in roles.items()} | {
                "broker": broker.process_id,
                "database": postmaster_id(folder),
            }
            spending = Spending(processes, database.url)
            start = time.perf_counter()
            repeated = ingest.post_all("/ingest/transactions", bodies)
            wait_until_booked(database.url)
            check(roles["query"], book)
            taken = time.perf_counter() - start
            say(spending.per_million(len(book.transactions)))
        say(f"booked after {taken:.1f} s; {repeated} of {len(bodies)} requests were sent again")
        return taken, copy_seconds(database.url, BOOK_TABLES)
