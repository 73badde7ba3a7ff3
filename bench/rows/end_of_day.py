"""The end of a day: very many portfolios are valued on one new day."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import say
from bench.databases import copy_seconds, private_system, row_count, settle, wait_until_right
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import BATCH, introduce
from tidebook.model.facts import Price, TransactionType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

_BAR = Bar("at most", 10.0)
_SECURITIES = 50
_UNITS = Decimal(10)
_BOUGHT_AT = Decimal(50)
_FEE = Decimal("1.50")
_REPEATS = 3
_AT_ONCE = 50


def measure(*, quick: bool) -> list[Figure]:
    """Give a new day and its prices, until every series has the day; once for each of some days."""
    count = 50 if quick else 10_000
    first, *new = facts.weekdays(1 + _REPEATS)
    with private_system() as system:
        _prepare(system, count, first)
        runs = tuple(_close(system, count, day, Decimal(50 + n)) for n, day in enumerate(new, 1))
        assert row_count(system.database_url, "portfolio_days") == count * (1 + _REPEATS)
        copied = copy_seconds(system.database_url, ("portfolio_days",))
    size = f"{count:,} portfolios, {_SECURITIES} positions each, one new day, one price of each"
    # All days that there are were copied; a run writes one of them.
    baseline = Baseline("COPY of the rows of the day, 2 connections", copied / (1 + _REPEATS))
    return [Figure("end_of_day", "s", runs, baseline, _BAR, size)]


def _prepare(system: System, count: int, day: date) -> None:
    """Have every portfolio hold every security, and value it on the first day."""
    introduce(system, facts.Plan(count, 1, _SECURITIES, (day,)))
    commands = system.commands
    market = [commands.ingest_business_dates([day], "bench")]
    settle(system, [*market, commands.ingest_prices(_prices(day, _BOUGHT_AT), "bench")])
    portfolios = BATCH // _SECURITIES
    starts = range(0, count, portfolios)
    for turn in range(0, len(starts), _AT_ONCE):
        parts = (
            [buy for i in range(start, min(start + portfolios, count)) for buy in _buys(i)]
            for start in starts[turn : turn + _AT_ONCE]
        )
        settle(system, [commands.ingest_transactions(part, "bench") for part in parts])
    wait_until_right(system.database_url, count)
    say(f"end_of_day: {count:,} portfolios are valued")


def _buys(number: int) -> list[Transaction]:
    owner, opening = facts.portfolio_id(number), facts.opening(facts.FIRST_DAY)
    return [
        facts.trade(
            f"T-{owner}-{i:02d}",
            (owner, facts.security_id(i)),
            TransactionType.BUY,
            opening + timedelta(minutes=i),
            (_UNITS, _BOUGHT_AT),
        )
        for i in range(_SECURITIES)
    ]


def _prices(day: date, price: Decimal) -> list[Price]:
    return [Price(facts.security_id(i), day, price, "USD") for i in range(_SECURITIES)]


def _close(system: System, count: int, day: date, price: Decimal) -> float:
    """Close a day; return the seconds until every series has it."""
    commands = system.commands
    start = time.perf_counter()
    prices = commands.ingest_prices(_prices(day, price), "bench")
    settle(system, [prices, commands.ingest_business_dates([day], "bench")])
    wait_until_right(system.database_url, count)
    taken = time.perf_counter() - start
    say(f"end_of_day: {taken:.1f} s")
    gain = _SECURITIES * (_UNITS * (price - _BOUGHT_AT) - _FEE)
    _check(system, (0, count - 1), day, gain)
    return taken


def _check(system: System, numbers: Sequence[int], day: date, gain: Decimal) -> None:
    for number in numbers:
        last = system.reader.series(facts.portfolio_id(number)).days[-1]
        assert (last.on, last.eod_market_value) == (day, gain), (number, last)
