"""One corrected price of a security that very many portfolios hold."""

from __future__ import annotations

import time
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from bench import facts
from bench.clocks import say
from bench.databases import copy_seconds, private_system, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches
from tidebook.model.facts import Price, TransactionType

if TYPE_CHECKING:
    from tidebook.engine.ports import Receipt
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio
    from tidebook.wiring import System

_SECURITY = facts.security_id(0)
_UNITS = Decimal(10)
_DAYS = 20
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 3_600.0
_INVALIDATED_BAR = Bar("at most", 1_000.0)
_RESTATED_BAR = Bar("at least", 20_000)
# One transaction marks them all, so the last tells of all; counting them would take the processors.
_LAST_MARKED = "SELECT valuation_version > %s FROM portfolio_standings WHERE portfolio_id = %s"
_MARKED = "SELECT count(*) FROM portfolio_standings WHERE valuation_version > %s"
_VERSION = "SELECT max(valuation_version) FROM portfolio_standings"


class _Run(NamedTuple):
    """One correction: until every series is known to be wrong, and until all are right again."""

    invalidated_ms: float
    restated_per_second: float


def measure(*, quick: bool) -> list[Figure]:
    """Correct the price of the first day; every series is restated from there to its end."""
    count, repeats = (500, 2) if quick else (100_000, 2)
    days = facts.weekdays(_DAYS)
    with private_system() as system:
        _prepare(system, count)
        runs = [_correct(system, count, Decimal(50 + n)) for n in range(1, repeats + 1)]
        rows = count * len(days)
        copied = copy_seconds(system.database_url, ("portfolio_days",))
        marked = _update_seconds(system.database_url, repeats)
    rates = tuple(run.restated_per_second for run in runs)
    size = f"{count:,} portfolios hold the security, {len(days)} days from the corrected price on"
    return [
        Figure(
            "price_invalidated",
            "ms",
            tuple(run.invalidated_ms for run in runs),
            Baseline("one UPDATE of as many portfolios", marked * 1000),
            _INVALIDATED_BAR,
            size,
        ),
        Figure(
            "price_restated",
            "portfolio-days/s",
            rates,
            Baseline("COPY of the rows written, 2 connections", rows / copied),
            _RESTATED_BAR,
            size,
        ),
    ]


def _prepare(system: System, count: int) -> None:
    """Have every portfolio buy the security on the first day, and value it to the last."""
    commands, days = system.commands, facts.weekdays(_DAYS)
    receipts: list[Receipt] = [
        commands.ingest_instruments(facts.instruments(1), "bench"),
        commands.ingest_business_dates(days, "bench"),
        commands.ingest_prices([Price(_SECURITY, days[0], Decimal(50), "USD")], "bench"),
    ]
    known = [_portfolio(number) for number in range(count)]
    receipts += [
        commands.ingest_portfolios(known[i : i + 1000], "b") for i in range(0, count, 1000)
    ]
    settle(system, receipts)
    say(f"price_correction: {count:,} portfolios are known")
    bought = [_buy(portfolio.portfolio_id) for portfolio in known]
    settle(system, [commands.ingest_transactions(part, "bench") for part in batches(bought)])
    say("price_correction: every portfolio is valued")


def _portfolio(number: int) -> Portfolio:
    return facts.portfolios(1)[0]._replace(portfolio_id=f"P{number:06d}")


def _buy(portfolio_id: str) -> Transaction:
    at = facts.opening(facts.FIRST_DAY)
    terms = (_UNITS, Decimal(50))
    return facts.trade(
        f"T-{portfolio_id}", (portfolio_id, _SECURITY), TransactionType.BUY, at, terms
    )


def _correct(system: System, count: int, price: Decimal) -> _Run:
    """Correct the price; tell when all series are marked, and at which rate they become right."""
    first, last_id = facts.FIRST_DAY, _portfolio(count - 1).portfolio_id
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        (version,) = connection.execute(_VERSION).fetchone() or (0,)
        start = time.perf_counter()
        receipt = system.commands.ingest_prices([Price(_SECURITY, first, price, "USD")], "bench")
        while not (connection.execute(_LAST_MARKED, (version, last_id)).fetchone() or (False,))[0]:
            assert time.perf_counter() - start < _PATIENCE_SECONDS
            time.sleep(_POLL_SECONDS)
        marked = time.perf_counter()
        assert (connection.execute(_MARKED, (version,)).fetchone() or (0,))[0] == count
    assert system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)
    restated = time.perf_counter() - start
    value = price * _UNITS - Decimal(50) * _UNITS - Decimal("1.50")
    for portfolio_id in (_portfolio(0).portfolio_id, last_id):
        last = system.reader.series(portfolio_id).days[-1]
        assert last.eod_market_value == value, (portfolio_id, last)
    say(f"price_correction: marked after {marked - start:.2f} s, restated after {restated:.1f} s")
    return _Run((marked - start) * 1000, count * _DAYS / restated)


def _update_seconds(url: str, repeats: int) -> float:
    """Return how long the bare database takes to change one number in every portfolio."""
    taken: list[float] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(repeats):
            start = time.perf_counter()
            connection.execute("UPDATE portfolios SET valuation_version = valuation_version + 1")
            taken.append(time.perf_counter() - start)
    return median(taken)
