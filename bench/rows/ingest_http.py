"""A bulk load over HTTP: from bodies of requests to positions, lots, cash and gains in answers."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

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
from bench.rows.ingest_log import BAR, batches, plan
from bench.serving import (
    CONNECTIONS,
    bare_python_megabytes,
    instrument_body,
    portfolio_body,
    resident_megabytes,
    served,
    transaction_body,
)
from tidebook.adapters.postgres import EmbeddedCluster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.serving import Served
    from tidebook.model.facts import Transaction

_IDLE_BAR = Bar("at most", 200.0)
_LOADED_BAR = Bar("at most", 500.0)


class Loaded(NamedTuple):
    """One load: how long it took, what the server weighed, and what COPY takes for the rows."""

    seconds: float
    idle_megabytes: float
    loaded_megabytes: float
    copied_seconds: float


def measure(*, quick: bool) -> list[Figure]:
    """Load trades over HTTP, one portfolio after the other, and weigh the serving process."""
    load = plan(quick=quick)
    book = facts.trades(load)
    runs = loads("ingest_http", facts.by_portfolio(book.transactions), book, quick=quick)
    bare = Baseline("a Python process that does nothing", bare_python_megabytes())
    idle = tuple(run.idle_megabytes for run in runs)
    loaded = tuple(run.loaded_megabytes for run in runs)
    count = len(book.transactions)
    return [
        figure("ingest_http", runs, book, "one portfolio after the other"),
        Figure(
            "memory_idle", "MB", idle, bare, _IDLE_BAR, "the server and its stages, nothing loaded"
        ),
        Figure("memory_loaded", "MB", loaded, bare, _LOADED_BAR, f"after {count:,} transactions"),
    ]


def figure(row: str, runs: Sequence[Loaded], book: facts.Trades, order: str) -> Figure:
    """Return the rate of several loads beside the rate of COPY."""
    count = len(book.transactions)
    portfolios = len({portfolio for portfolio, _ in book.held})
    size = f"{count:,} transactions, {portfolios:,} portfolios, {CONNECTIONS} connections, {order}"
    rates = tuple(count / run.seconds for run in runs)
    baseline = Baseline(COPY_BASELINE, count / median(run.copied_seconds for run in runs))
    return Figure(row, "tx/s", rates, baseline, BAR, size)


def loads(
    row: str, transactions: Sequence[Transaction], book: facts.Trades, *, quick: bool
) -> list[Loaded]:
    """Load the same transactions several times, into a new database each time."""
    bodies = [transaction_body(part) for part in batches(transactions)]
    runs: list[Loaded] = []
    for turn in range(1 if quick else 3):
        say(f"{row}, load {turn + 1}")
        with private_folder() as folder:
            runs.append(_load(folder / "data", bodies, book, plan(quick=quick)))
    return runs


def _load(folder: Path, bodies: Sequence[bytes], book: facts.Trades, load: facts.Plan) -> Loaded:
    """Load everything into a new server; the database is shared only to watch and to compare."""
    with EmbeddedCluster.start(folder) as database:
        with served(folder) as server:
            server.post_all(
                "/ingest/portfolios", [portfolio_body(facts.portfolios(load.portfolios))]
            )
            server.post_all(
                "/ingest/instruments", [instrument_body(facts.instruments(load.securities))]
            )
            wait_until_right(database.url, load.portfolios)
            idle = resident_megabytes(server.pid)
            start = time.perf_counter()
            repeated = server.post_all("/ingest/transactions", bodies)
            wait_until_booked(database.url)
            check(server, book)
            taken = time.perf_counter() - start
            wait_until_right(database.url, load.portfolios)
            loaded = resident_megabytes(server.pid)
        say(f"booked after {taken:.1f} s; {repeated} of {len(bodies)} requests were sent again")
        return Loaded(taken, idle, loaded, copy_seconds(database.url, BOOK_TABLES))


def check(server: Served, book: facts.Trades) -> None:
    """Ask for the positions and lots of two portfolios and compare them with what was sent."""
    ids = sorted({portfolio for portfolio, _ in book.held})
    for portfolio in (ids[0], ids[-1]):
        answer = json.loads(server.get(f"/portfolios/{portfolio}/positions"), parse_float=Decimal)
        found = {row["security_id"]: Decimal(row["quantity"]) for row in answer["positions"]}
        lots = json.loads(server.get(f"/portfolios/{portfolio}/lots"), parse_float=Decimal)
        for (owner, security), quantity in book.held.items():
            if owner == portfolio and quantity:
                open_lots = [row for row in lots["lots"] if row["security_id"] == security]
                assert found[security] == quantity, (portfolio, security)
                assert sum(Decimal(row["quantity"]) for row in open_lots) == quantity
