"""Pools over portfolios: a taxpayer's average cost, folded from the beginning."""

from __future__ import annotations

from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import collect_as_served, processor_seconds
from bench.figures import Bar, Baseline, Figure
from tidebook.book.folding import fold, fold_together
from tidebook.book.ledger import post_all
from tidebook.book.lots import EMPTY, KeyRules, LotRule
from tidebook.book.postings import in_order
from tidebook.model.markets import RateTable
from tidebook.model.money import exact

if TYPE_CHECKING:
    from bench.facts import Trades
    from tidebook.book.postings import Posting

_PORTFOLIOS = 20
_TRADES = 1_000
_BAR = Bar("at least", 20_000)
_OWN = KeyRules(LotRule.AVCO)

Key = tuple[str, str]


def measure(*, quick: bool) -> list[Figure]:
    """Fold one security that 20 portfolios of one taxpayer trade, at one average cost."""
    collect_as_served()
    trades = _TRADES // 10 if quick else _TRADES
    book = facts.trades(facts.Plan(_PORTFOLIOS, trades, 1, facts.weekdays(facts.TEN_YEARS)))
    keys = _postings(book)
    _check(keys, book)
    repeats = 3 if quick else 5
    taken = processor_seconds(lambda: _fold_pooled(keys), repeats)
    alone = processor_seconds(lambda: _fold_alone(keys), repeats)
    count = len(book.transactions)
    baseline = Baseline("each portfolio at its own average", count / median(alone))
    runs = tuple(count / seconds for seconds in taken)
    size = f"{_PORTFOLIOS} portfolios x {trades:,} trades in one pool, processor time"
    return [Figure("pooled", "postings/s", runs, baseline, _BAR, size)]


def _postings(book: Trades) -> dict[Key, list[Posting]]:
    known = {each.security_id: each for each in facts.instruments(1)}
    keys: dict[Key, list[Posting]] = {}
    for portfolio in facts.portfolios(_PORTFOLIOS):
        own = [fact for fact in book.transactions if fact.portfolio_id == portfolio.portfolio_id]
        posted = post_all(own, portfolio, known, RateTable({}))
        mains = in_order(each.postings[0] for each in posted)
        keys[mains[0].key] = mains
    return keys


def _fold_pooled(keys: dict[Key, list[Posting]]) -> dict[Key, Decimal]:
    rules = dict.fromkeys(keys, KeyRules(LotRule.AVCO, pool="taxpayer/S00"))
    together = [posting for postings in keys.values() for posting in postings]
    folded = fold_together(together, rules)
    assert not any(each.findings for each in folded.values())
    return {key: each.holding.cost_base for key, each in folded.items()}


def _fold_alone(keys: dict[Key, list[Posting]]) -> None:
    for postings in keys.values():
        fold(EMPTY, postings, _OWN)


def _check(keys: dict[Key, list[Posting]], book: Trades) -> None:
    """Compare the pool's cost with that of one portfolio that makes all its trades."""
    pooled = _fold_pooled(keys)
    merged = in_order(posting for postings in keys.values() for posting in postings)
    single = fold(EMPTY, merged, _OWN).holding
    with exact():
        difference = abs(sum(pooled.values(), Decimal(0)) - single.cost_base)
        assert difference < Decimal("1e-9"), difference
        assert single.quantity == sum(book.held.values(), Decimal(0))
