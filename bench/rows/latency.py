"""Single transactions at a steady pace, until each can be read: in one process, and apart."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from bench import facts
from bench.clocks import percentile, say
from bench.databases import commit_seconds, private_folder, wait_until_booked, wait_until_right
from bench.figures import Bar, Baseline, Figure
from bench.open_loop import CONNECTIONS, Shot, due_times, fly
from bench.rows.ingest_http import check
from bench.rows.ingest_log import batches
from bench.serving import (
    business_date_body,
    instrument_body,
    portfolio_body,
    price_body,
    served,
    served_apart,
    single_body,
    transaction_body,
)
from tests.fixtures.kafka_broker import running_broker
from tidebook.adapters.postgres import EmbeddedCluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.open_loop import Flight
    from bench.serving import Served
    from tidebook.model.facts import Transaction

_BAR: Final = Bar("at most", 250.0)
_PER_SECOND: Final = 500
_WARM_SECONDS: Final = 5
_READ_ONE_IN: Final = 20
_SECURITIES: Final = 50
_TRADES_BEFORE: Final = 20
_DAYS: Final = 20


class _Load(NamedTuple):
    """What is in the book before, what is sent while the clock runs, and what is held after."""

    before: Sequence[Transaction]
    sent: Sequence[Transaction]
    book: facts.Trades
    portfolios: int


def measure(*, quick: bool) -> list[Figure]:
    """Send 500 transactions a second, one to a request, and read a sample of them."""
    load = _load(quick=quick)
    found: list[Figure] = []
    say("latency, one process")
    with private_folder() as folder, EmbeddedCluster.start(folder / "data") as database:
        with served(folder / "data") as server:
            flight = _flight(server, server, database.url, load)
        found += _figures("latency", flight, commit_seconds(database.url), "one process")
    say("latency_kafka, roles apart")
    with private_folder() as folder, running_broker() as broker:
        found += _apart(folder / "data", broker.bootstrap, load)
    return found


def _apart(folder: Path, bootstrap: str, load: _Load) -> list[Figure]:
    with EmbeddedCluster.start(folder) as database:
        with served_apart(folder, bootstrap) as roles:
            flight = _flight(roles["ingest"], roles["query"], database.url, load)
        committed = commit_seconds(database.url)
    return _figures("latency_kafka", flight, committed, "four roles, a broker")


def _load(*, quick: bool) -> _Load:
    """Return twenty days of trades, and those of the next day in an order of chance."""
    portfolios, seconds = (100, 5) if quick else (1_000, 40)
    *days, today = facts.weekdays(_DAYS + 1)
    count = -(-_PER_SECOND * (seconds + _WARM_SECONDS) // portfolios)
    before = facts.trades(facts.Plan(portfolios, _TRADES_BEFORE, _SECURITIES, tuple(days)))
    after = facts.trades(facts.Plan(portfolios, count, _SECURITIES, (today,)))
    sent = [each._replace(transaction_id=f"L{each.transaction_id}") for each in after.transactions]
    held = defaultdict(lambda: facts.NOTHING, before.held)
    for key, quantity in after.held.items():
        held[key] += quantity
    book = facts.Trades(before.transactions, dict(held))
    return _Load(before.transactions, list(_shuffled(sent, portfolios)), book, portfolios)


def _shuffled(trades: Sequence[Transaction], portfolios: int) -> Iterator[Transaction]:
    """Yield trades in rounds in which each portfolio trades once, at a place of chance."""
    chance = random.Random(facts.SEED)  # noqa: S311 - an order to measure with, not a secret
    for start in range(0, len(trades), portfolios):
        turn = list(trades[start : start + portfolios])
        chance.shuffle(turn)
        yield from turn


def _flight(ingest: Served, query: Served, url: str, load: _Load) -> Flight:
    """Make everything known, send, and compare the book with what was sent."""
    _prepare(ingest, url, load)
    due = due_times(len(load.sent), _PER_SECOND)
    shots = [
        Shot(
            single_body(fact),
            f"/transactions/{fact.transaction_id}"
            if due[n] >= _WARM_SECONDS and n % _READ_ONE_IN == 0
            else None,
        )
        for n, fact in enumerate(load.sent)
    ]
    flight = fly(f"{ingest.address}/ingest/transaction", query.address, shots, due)
    wait_until_booked(url)
    check(query, load.book)
    return flight


def _prepare(ingest: Served, url: str, load: _Load) -> None:
    days = facts.weekdays(_DAYS + 1)
    ingest.post_all("/ingest/portfolios", [portfolio_body(facts.portfolios(load.portfolios))])
    ingest.post_all("/ingest/instruments", [instrument_body(facts.instruments(_SECURITIES))])
    ingest.post_all("/ingest/business-dates", [business_date_body(days)])
    ingest.post_all("/ingest/market-prices", [price_body(facts.prices(_SECURITIES, days))])
    wait_until_right(url, load.portfolios)
    bodies = [transaction_body(part) for part in batches(facts.by_portfolio(load.before))]
    ingest.post_all("/ingest/transactions", bodies)
    wait_until_booked(url)
    wait_until_right(url, load.portfolios)


def _figures(row: str, flight: Flight, commits: Sequence[float], where: str) -> list[Figure]:
    """Return both latencies in milliseconds beside a durable commit of the same database."""
    read = tuple(seconds * 1000 for seconds in flight.queryable)
    taken = tuple(seconds * 1000 for seconds in flight.acknowledged)
    for name, each in (("queryable", read), ("acknowledged", taken)):
        parts = ", ".join(f"p{at:g} {percentile(each, at):.0f}" for at in (50, 90, 99, 99.9, 100))
        say(f"{row}, {name}: {parts} ms of {len(each):,}")
    say(f"{row}: {flight.reads} reads, {flight.repeated} requests were sent again")
    size = f"{len(taken):,} requests by chance, {_PER_SECOND}/s, {CONNECTIONS} connections, {where}"
    bare = Baseline("p99 of a durable commit of one row", percentile(commits, 99) * 1000)
    return [
        Figure(row, "ms", read, bare, _BAR, size, percentile(read, 99)),
        Figure(f"{row}_ack", "ms", taken, bare, _BAR, size, percentile(taken, 99)),
    ]
