"""Returns and risk over HTTP: of one portfolio over ten years, and of very many this year."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psycopg

from bench import facts
from bench.clocks import say
from bench.databases import private_folder, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches
from bench.serving import served
from tidebook.config import Settings
from tidebook.model.facts import TransactionType
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from http.client import HTTPConnection
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

_ONE_BAR = Bar("at most", 15.0)
_MANY_BAR = Bar("at most", 2.0)
_OK = 200
_SECURITIES = 5
_TRADES_A_YEAR = 40
_WEEKDAYS_A_YEAR = 261
_CAPITAL = Decimal(1_000_000)


class _Asked(NamedTuple):
    """What a request took, and what it was answered."""

    seconds: float
    document: dict[str, Any]


def measure(*, quick: bool) -> list[Figure]:
    """Ask a server for both, over a connection that stays open."""
    days = facts.weekdays(facts.TEN_YEARS // 10 if quick else facts.TEN_YEARS)
    many = 200 if quick else 10_000
    with private_folder() as folder:
        home = folder / "data"
        with open_system(Settings(data_dir=home)) as system:
            _prepare(system, days, many)
            scanned = _scan_seconds(system.database_url)
        return _ask(home, days, many, scanned, repeats=20 if quick else 200)


def _ask(
    home: Path, days: Sequence[date], many: int, scanned: float, *, repeats: int
) -> list[Figure]:
    year = days[-_WEEKDAYS_A_YEAR:] if len(days) > _WEEKDAYS_A_YEAR else days
    with served(home) as server:
        connection = server.connection()
        one = [_one(connection, days[-1]) for _ in range(repeats)]
        of_all = [_many(connection, year, many) for _ in range(3)]
        connection.close()
    latency = tuple((twr.seconds + risk.seconds) * 1000 for twr, risk in one)
    say(f"returns_http: {median(latency):.1f} ms, {of_all[0].seconds:.2f} s for {many:,}")
    returns = np.random.default_rng(7).normal(0.0, 0.01, len(days))
    product = median(_timed(lambda: float(np.prod(1.0 + returns))) for _ in range(repeats))
    return [
        Figure(
            "twr_risk_http",
            "ms",
            latency,
            Baseline("the product of as many returns, by numpy", product * 1000),
            _ONE_BAR,
            f"{len(days):,} days, time-weighted return and every measure, two requests",
        ),
        Figure(
            "ytd_many",
            "s",
            tuple(each.seconds for each in of_all),
            Baseline("counting the daily rows of the same portfolios", scanned),
            _MANY_BAR,
            f"{many:,} portfolios, {len(year)} days each, one request",
        ),
    ]


def _prepare(system: System, days: Sequence[date], many: int) -> None:
    """Have one portfolio trade for all days and many others hold one security this year."""
    commands = system.commands
    known = facts.portfolios(1) + [
        facts.portfolios(1)[0]._replace(portfolio_id=_name(number)) for number in range(many)
    ]
    receipts: list[Receipt] = [
        commands.ingest_instruments(facts.instruments(_SECURITIES), "bench"),
        commands.ingest_business_dates(days, "bench"),
    ]
    receipts += [
        commands.ingest_portfolios(known[start : start + 1000], "bench")
        for start in range(0, len(known), 1000)
    ]
    prices = facts.prices(_SECURITIES, days)
    receipts += [
        commands.ingest_prices(prices[start : start + 5000], "bench")
        for start in range(0, len(prices), 5000)
    ]
    settle(system, receipts)
    trades = facts.trades(facts.Plan(1, _TRADES_A_YEAR * 10, _SECURITIES, tuple(days)))
    first = facts.deposit("D0", facts.portfolio_id(0), facts.opening(days[0]), _CAPITAL)
    year = days[-_WEEKDAYS_A_YEAR:] if len(days) > _WEEKDAYS_A_YEAR else days
    held = [fact for number in range(many) for fact in _holding(number, year[0])]
    say(f"returns_http: {len(held):,} transactions of {many:,} portfolios")
    facts_sent = [first, *trades.transactions, *held]
    settle(system, [commands.ingest_transactions(part, "bench") for part in batches(facts_sent)])


def _name(number: int) -> str:
    return f"Y{number:05d}"


def _holding(number: int, on: date) -> tuple[Transaction, ...]:
    """Return a deposit and a purchase of one portfolio."""
    at, name = facts.opening(on), _name(number)
    security = facts.security_id(number % _SECURITIES)
    bought = facts.trade(
        f"B-{name}", (name, security), TransactionType.BUY, at, (Decimal(10), Decimal(50))
    )
    return facts.deposit(f"D-{name}", name, at, Decimal(10_000)), bought


def _one(connection: HTTPConnection, as_of: date) -> tuple[_Asked, _Asked]:
    body = {"scope": {"as_of_date": as_of.isoformat()}, "periods": [{"type": "SI"}]}
    address = f"/portfolios/{facts.portfolio_id(0)}"
    earned = _post(connection, f"{address}/performance", body)
    risked = _post(connection, f"{address}/risk", body)
    return earned, risked


def _many(connection: HTTPConnection, year: Sequence[date], many: int) -> _Asked:
    period = {"type": "EXPLICIT", "name": "Y", "from": year[0].isoformat()}
    period["to"] = year[-1].isoformat()
    names = [_name(number) for number in range(many)]
    scope = {"portfolio_ids": names, "each": True, "as_of_date": year[-1].isoformat()}
    found = _post(connection, "/portfolios/performance", {"scope": scope, "periods": [period]})
    results = found.document["results"]
    assert len(results) == many
    assert all(each["summary"]["Y"]["cumulative_return"] is not None for each in results)
    return found


def _post(connection: HTTPConnection, path: str, body: object) -> _Asked:
    content = json.dumps(body).encode()
    start = time.perf_counter()
    connection.request("POST", path, content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    seconds = time.perf_counter() - start
    assert answer.status == _OK, (path, answer.status, said[:300])
    return _Asked(seconds, json.loads(said))


def _timed(work: object) -> float:
    assert callable(work)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _scan_seconds(url: str) -> float:
    """Return how long the bare database takes to look at every daily row."""
    with psycopg.connect(url) as connection:
        return median(
            _timed(
                lambda: connection.execute(
                    "SELECT count(*) FROM portfolio_days WHERE eod_market_value <> 0"
                ).fetchone()
            )
            for _ in range(3)
        )
