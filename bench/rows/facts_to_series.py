"""From facts to lots, positions, daily values and returns, in memory, on one processor."""

from __future__ import annotations

import json
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench import facts
from bench.clocks import collect_as_served, processor_seconds, say
from bench.databases import private_folder
from bench.figures import Bar, Baseline, Figure
from bench.peers import BEANCOUNT, beancount_load
from tidebook.analytics import DatedAmounts, FeeBasis, money_weighted, time_weighted
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import EMPTY
from tidebook.book.policies import key_rules
from tidebook.book.positions import positions
from tidebook.book.postings import in_order
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows, priced_steps
from tidebook.engine.measuring.prepared import daily_values
from tidebook.engine.records import transaction_record
from tidebook.model.markets import PriceQuotes, RateTable
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting
    from tidebook.model.facts import Price, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_SECURITIES = 50
_BAR = Bar("at most", 2.0)
_CASH = "CASH_USD"
_CAPITAL = Decimal(1_000_000_000)


class World(NamedTuple):
    """Everything that is known before the clock starts."""

    portfolio: Portfolio
    instruments: Mapping[str, Instrument]
    transactions: tuple[Transaction, ...]
    quotes: Mapping[str, PriceQuotes]
    days: tuple[date, ...]


class Answer(NamedTuple):
    """What the facts come to."""

    keys: int
    days: int
    total_return: float | None
    rate_annual: float | None


def measure(*, quick: bool) -> list[Figure]:
    """Compute a portfolio of ten years from nothing but its facts."""
    collect_as_served()
    count = 10_000 if quick else 100_000
    world = _world(count)
    repeats = 3 if quick else 5
    say(f"{compute(world)}")
    taken = processor_seconds(lambda: compute(world), repeats)
    text = json.dumps([transaction_record(fact) for fact in world.transactions])
    parsed = median(processor_seconds(lambda: json.loads(text), repeats))
    size = f"{count:,} transactions, {_SECURITIES} securities, {len(world.days):,} days, one core"
    peer = _beside_beancount(world)
    if peer is None:
        name = (
            f"json.loads of the same transactions ({BEANCOUNT} is not at hand: PEERS=1 fetches it)"
        )
        return [Figure("facts_to_series", "s", taken, Baseline(name, parsed), _BAR, size)]
    beside = Baseline(f"{BEANCOUNT} loads the same trades, to lots alone", peer)
    return [
        Figure(
            "facts_to_series",
            "s",
            taken,
            Baseline("json.loads of the same transactions", parsed),
            _BAR,
            size,
        ),
        Figure("facts_to_series_peer", "s", taken, beside, _BAR, size),
    ]


def _beside_beancount(world: World) -> float | None:
    """Return what beancount takes for the same trades, once it has come to the same units."""
    with private_folder() as folder:
        loaded = beancount_load(world.transactions, folder)
    if loaded is None:
        return None
    for security_id, position in positions(_entries(world), world.days[-1]).items():
        if security_id != _CASH:
            assert loaded.units[security_id] == position.quantity, security_id
    return loaded.seconds


def compute(world: World) -> Answer:
    """Return the returns of the portfolio, by way of its lots, positions and daily values."""
    entries = _entries(world)
    held = positions(entries, world.days[-1])
    cash = frozenset([_CASH])
    steps = held_steps(entries, dict.fromkeys(held, "USD"), cash)
    vectors = {security: priced_steps(quotes) for security, quotes in world.quotes.items()}
    market = Market(world.quotes, RateTable({}), "USD", vectors)
    rows = daily_series(world.days, steps, portfolio_flows(entries), market)
    values = daily_values(rows)
    span = Span(world.days[0], world.days[-1])
    earned = time_weighted(values, span, FeeBasis.NET)
    flows = DatedAmounts(values.dates, values.bcf + values.ecf)
    rate = money_weighted(flows, span, opening=0.0, closing=float(values.emv[-1]))
    assert isinstance(earned.total, float)
    assert isinstance(rate.rate_annual, float)
    return Answer(len(held), len(rows), earned.total, rate.rate_annual)


def _entries(world: World) -> list[Entry]:
    posted = post_all(world.transactions, world.portfolio, world.instruments, RateTable({}))
    by_key: dict[str, list[Posting]] = {}
    for each in posted:
        for posting in each.postings:
            by_key.setdefault(posting.security_id, []).append(posting)
    entries: list[Entry] = []
    for security, postings in sorted(by_key.items()):
        rules = key_rules(world.portfolio, security, world.instruments.get(security))
        folded = fold(EMPTY, in_order(postings), rules)
        assert not folded.findings
        entries.extend(folded.entries)
    return entries


def _world(count: int) -> World:
    days = facts.weekdays(facts.TEN_YEARS)
    book = facts.trades(facts.Plan(1, count - 1, _SECURITIES, days))
    capital = facts.deposit("D1", facts.portfolio_id(0), facts.opening(days[0]), _CAPITAL)
    known = {each.security_id: each for each in facts.instruments(_SECURITIES)}
    quotes = quotes_by_security(facts.prices(_SECURITIES, days))
    transactions = (capital, *book.transactions)
    return World(facts.portfolios(1)[0], known, transactions, quotes, days)


def quotes_by_security(prices: list[Price]) -> dict[str, PriceQuotes]:
    """Return prices, given by security and day, as one run of quotes for each security."""
    runs: dict[str, list[Price]] = {}
    for price in prices:
        runs.setdefault(price.security_id, []).append(price)
    return {
        security: PriceQuotes(
            tuple(price.on for price in run),
            tuple(price.price for price in run),
            tuple(price.currency for price in run),
        )
        for security, run in runs.items()
    }
