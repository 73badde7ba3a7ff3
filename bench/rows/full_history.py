"""The daily series of one portfolio over ten years: what it takes to compute, nothing else."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from bench import facts
from bench.clocks import collect_as_served, processor_seconds
from bench.figures import Bar, Baseline, Figure
from bench.rows.facts_to_series import quotes_by_security
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import EMPTY
from tidebook.book.policies import key_rules
from tidebook.book.postings import in_order
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows, priced_steps
from tidebook.model.markets import RateTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting
    from tidebook.book.series import DatedFlow, HeldSteps

_SECURITIES = 50
_TRADES_PER_KEY = 40
_BAR = Bar("at most", 10.0)


def measure(*, quick: bool) -> list[Figure]:
    """Value 50 positions of 40 trades each on every day of ten years, prices at hand."""
    collect_as_served()
    days = facts.weekdays(facts.TEN_YEARS // 10 if quick else facts.TEN_YEARS)
    holdings, flows = _held(days)
    quotes = quotes_by_security(facts.prices(_SECURITIES, days))
    vectors = {security: priced_steps(run) for security, run in quotes.items()}
    market = Market(quotes, RateTable({}), "USD", vectors)
    rows = daily_series(days, holdings, flows, market)
    left, right = _matrices(days, holdings, market)
    closing = _product_sum(left, right)
    assert np.allclose(closing, [float(row.eod_market_value) for row in rows], rtol=1e-9)
    repeats = 31
    taken = processor_seconds(lambda: daily_series(days, holdings, flows, market), repeats)
    bare = processor_seconds(lambda: _product_sum(left, right), repeats)
    baseline = Baseline("float64 product-sum of the same arrays", median(bare) * 1000)
    runs = tuple(seconds * 1000 for seconds in taken)
    size = (
        f"{len(holdings)} positions (cash is one), {_TRADES_PER_KEY} trades each, "
        f"{len(days):,} days, processor time"
    )
    return [Figure("full_history", "ms", runs, baseline, _BAR, size)]


def _held(days: Sequence[date]) -> tuple[list[HeldSteps], list[DatedFlow]]:
    book = facts.trades(facts.Plan(1, _SECURITIES * _TRADES_PER_KEY, _SECURITIES, tuple(days)))
    portfolio = facts.portfolios(1)[0]
    known = {each.security_id: each for each in facts.instruments(_SECURITIES)}
    by_key: dict[str, list[Posting]] = {}
    for posted in post_all(book.transactions, portfolio, known, RateTable({})):
        for posting in posted.postings:
            by_key.setdefault(posting.security_id, []).append(posting)
    entries: list[Entry] = []
    for security, postings in by_key.items():
        rules = key_rules(portfolio, security, known.get(security))
        ordered = in_order(postings)
        entries.extend(fold(EMPTY, ordered, rules).entries)
    steps = held_steps(entries, dict.fromkeys(by_key, "USD"), frozenset(["CASH_USD"]))
    return steps, portfolio_flows(entries)


def _matrices(
    days: Sequence[date], holdings: Sequence[HeldSteps], market: Market
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return quantities and prices by position and day."""
    ordinals = [day.toordinal() for day in days]
    quantities = np.zeros((len(holdings), len(days)))
    prices = np.ones((len(holdings), len(days)))
    for i, held in enumerate(holdings):
        changes = [day.toordinal() for day in held.days]
        index = np.searchsorted(changes, ordinals, side="right")
        quantities[i] = np.array([0.0, *map(float, held.quantities)])[index]
        if not held.is_cash:
            prices[i] = [float(price) for price in market.prices[held.security_id].prices]
    return quantities, prices


def _product_sum(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return (left * right).sum(axis=0)
