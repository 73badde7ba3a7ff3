"""Rules: all of them over the trades of 1,000 users, and over one order before it is sent."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from bench import facts
from bench.clocks import say
from bench.databases import COPY_BASELINE, copy_seconds, private_folder, row_count, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches
from bench.serving import served
from tidebook.compliance.trades import Side
from tidebook.config import Settings
from tidebook.engine.compliance.pretrade import Order, check_orders
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from http.client import HTTPConnection
    from pathlib import Path

    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

_ALL_BAR = Bar("at most", 30.0)
_ONE_BAR = Bar("at most", 10.0)
_OK = 200
_SECURITIES = 50
_TRADES = 100
_DEEP_TRADES = 5_000
_DEEP = "DEEP"
_DAYS = 250
_USERS_ASKED = 20
_TABLE = "compliance_verdicts"
_UNJUDGED = "SELECT count(*) FROM compliance_work WHERE unjudged_from IS NOT NULL"
_SECONDS_MAX = 600.0


class _Asked(NamedTuple):
    """Milliseconds of the first check of each user, and of every later one."""

    first: tuple[float, ...]
    later: tuple[float, ...]


def measure(*, quick: bool) -> list[Figure]:
    """Judge every trade once the book stands, and then single orders over HTTP."""
    users = 20 if quick else 1_000
    days = facts.weekdays(_DAYS)
    plan = facts.Plan(users, _TRADES, _SECURITIES, days)
    with private_folder() as folder:
        home = folder / "data"
        with open_system(Settings(data_dir=home)) as system:
            _introduce(system, plan)
            _load(system, facts.trades(plan).transactions)
            busy = time.process_time()
            taken = _all_again(system)
            say(f"compliance: {taken:.1f} s, {time.process_time() - busy:.1f} s of this process")
            assert row_count(system.database_url, _TABLE) >= users * _TRADES
            copied = copy_seconds(system.database_url, (_TABLE,))
            deep = facts.Plan(1, 500 if quick else _DEEP_TRADES, _SECURITIES, days)
            _load(system, [_of_one(fact) for fact in facts.trades(deep).transactions])
            at = facts.opening(days[-1]) + timedelta(days=1)
            anew = [_anew(system, name, at) for name in (facts.portfolio_id(0), _DEEP)]
        names = [facts.portfolio_id(number) for number in range(_USERS_ASKED)]
        asked = _ask(home, (names, [_DEEP]), at, repeats=20 if quick else 200)
    size = f"{users:,} users, {_TRADES} trades each, {_SECURITIES} securities"
    sizes = (_TRADES, deep.trades_each)
    return [
        Figure("compliance_all", "s", (taken,), Baseline(COPY_BASELINE, copied), _ALL_BAR, size),
        *(
            Figure(
                row,
                "ms",
                one.later,
                Baseline("judging it on a book built anew", whole),
                _ONE_BAR,
                f"an order of a user with {trades:,} trades, over HTTP, asked of before",
            )
            for row, one, whole, trades in zip(
                ("pretrade_check", "pretrade_check_deep"), asked, anew, sizes, strict=True
            )
        ),
    ]


def _of_one(fact: Transaction) -> Transaction:
    return fact._replace(transaction_id=f"D{fact.transaction_id}", portfolio_id=_DEEP)


def _load(system: System, transactions: Sequence[Transaction]) -> None:
    """Take transactions in, and wait until all that they move is judged."""
    settle(
        system,
        [system.commands.ingest_transactions(part, "bench") for part in batches(transactions)],
    )
    _wait(system)


def _ask(
    home: Path, users: tuple[Sequence[str], ...], at: datetime, *, repeats: int
) -> list[_Asked]:
    """Return how long checks take over a connection that stays open, per group of users."""
    with served(home) as server:
        connection = server.connection()
        found: list[_Asked] = []
        for names in users:
            first = tuple(_check(connection, name, number, at) for number, name in enumerate(names))
            later = tuple(
                _check(connection, names[number % len(names)], number, at)
                for number in range(repeats)
            )
            say(f"check: {median(first):.1f} ms at first, {median(later):.1f} ms later")
            found.append(_Asked(first, later))
        connection.close()
    return found


def _check(connection: HTTPConnection, portfolio_id: str, number: int, at: datetime) -> float:
    """Return milliseconds of one check: every other one sells what was bought before."""
    order = {
        "symbol": facts.security_id(number % 5),
        "side": "sell" if number % 2 else "buy",
        "qty": 10,
        "price": 100,
    }
    body = json.dumps({"orders": [order], "at": at.isoformat()}).encode()
    start = time.perf_counter()
    path = f"/users/U{portfolio_id}/compliance/check"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said: dict[str, Any] = json.loads(answer.read())
    taken = time.perf_counter() - start
    assert answer.status == _OK, said
    assert said["orders"], said
    return taken * 1000


def _anew(system: System, portfolio_id: str, at: datetime) -> float:
    """Return milliseconds of a check for which the whole book is read and built anew."""
    security_id = facts.security_id(0)
    order = Order("o", portfolio_id, security_id, Side.BUY, Decimal(10), Decimal(100))
    taken: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        household = system.compliance.household([portfolio_id], [security_id])
        (checked,) = check_orders(household, [order], at)
        taken.append((time.perf_counter() - start) * 1000)
        assert checked.verdicts
    return median(taken)


def _introduce(system: System, plan: facts.Plan) -> None:
    """Make portfolios, each of a user of its own, and securities with prices known."""
    known = facts.portfolios(plan.portfolios)
    known.append(known[0]._replace(portfolio_id=_DEEP))
    owned = [one._replace(cif_id=f"U{one.portfolio_id}") for one in known]
    commands = system.commands
    receipts = [
        commands.ingest_portfolios(owned, "bench"),
        commands.ingest_instruments(facts.instruments(plan.securities), "bench"),
        commands.ingest_prices(facts.prices(plan.securities, plan.days), "bench"),
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
