"""A split of a key with 10,000 open lots, until it is restated and every lot can be read."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import percentile, say
from bench.databases import commit_seconds, private_system, settle
from bench.figures import Bar, Baseline, Figure
from bench.rows.ingest_log import batches, introduce
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import TransactionType

if TYPE_CHECKING:
    from bench.facts import Plan
    from tidebook.model.facts import Transaction
    from tidebook.wiring import System

_KEY = (facts.portfolio_id(0), facts.security_id(0))
_CAPITAL = Decimal(1_000_000_000)
_UNITS = Decimal(7)
_BAR = Bar("at most", 1_000.0)
_PERCENT = 99.0
_PATIENCE_SECONDS = 60.0


def measure(*, quick: bool) -> list[Figure]:
    """Announce a split on the last of ten years of priced days, and correct its ratio again."""
    lots, repeats = (500, 3) if quick else (10_000, 20)
    days = facts.weekdays(facts.TEN_YEARS)
    plan = facts.Plan(1, lots, 1, days)
    with private_system() as system:
        _prepare(system, plan)
        runs: list[float] = []
        for new_units in range(2, 2 + repeats):
            terms = (Decimal(new_units), Decimal(1))
            split = CorporateAction("SPLIT", ActionType.SPLIT, _KEY[1], days[-1], *terms)
            start = time.perf_counter()
            receipt = system.commands.ingest_actions([split], "bench")
            assert system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)
            held = system.reader.lots(_KEY[0], security_id=_KEY[1]).lots
            runs.append((time.perf_counter() - start) * 1000)
            assert len(held) == lots
            assert {lot.quantity for lot in held} == {_UNITS * new_units}
        say(f"split_deep_key: {runs[0]:.0f} ms first, {min(runs):.0f} ms at best")
        commits = commit_seconds(system.database_url)
    baseline = Baseline("durable commit of one row, p99", percentile(commits, _PERCENT) * 1000)
    size = f"{lots:,} open lots, {len(days):,} priced days, p99 of {repeats}, every lot read"
    value = percentile(runs, _PERCENT)
    return [Figure("split_deep_key", "ms", tuple(runs), baseline, _BAR, size, value)]


def _prepare(system: System, plan: Plan) -> None:
    introduce(system, plan)
    commands = system.commands
    before = facts.opening(plan.days[0]) - timedelta(hours=1)
    capital = facts.deposit("D1", _KEY[0], before, _CAPITAL)
    receipts = [
        commands.ingest_business_dates(plan.days, "bench"),
        commands.ingest_prices(facts.prices(1, plan.days), "bench"),
        commands.ingest_transactions([capital], "bench"),
    ]
    receipts += [commands.ingest_transactions(part, "bench") for part in batches(_buys(plan))]
    settle(system, receipts)


def _buys(plan: Plan) -> list[Transaction]:
    """Return purchases alone, so that every one of them is an open lot; none on the last day."""
    spread = plan._replace(days=plan.days[:-1])
    return [
        fact._replace(
            type=TransactionType.BUY, quantity=_UNITS, gross=_UNITS * fact.price, fee=Decimal(0)
        )
        for fact in facts.trades(spread).transactions
    ]
