"""The fold of postings into lots, by itself, on one processor."""

from __future__ import annotations

from decimal import Decimal
from itertools import starmap
from statistics import median
from typing import TYPE_CHECKING

from bench import facts
from bench.clocks import collect_as_served, processor_seconds
from bench.figures import Bar, Baseline, Figure
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import EMPTY, KeyRules
from tidebook.book.postings import in_order
from tidebook.model.markets import RateTable
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tidebook.book.postings import Posting

_KEYS = 50
_BAR = Bar("at least", 200_000)


def measure(*, quick: bool) -> list[Figure]:
    """Fold postings of 50 keys, exactly, first in first out."""
    collect_as_served()
    count = 10_000 if quick else 100_000
    keys = _postings(count)
    repeats = 3 if quick else 7
    taken = processor_seconds(lambda: _fold(keys), repeats)
    bare = processor_seconds(lambda: _arithmetic(keys), repeats)
    baseline = Baseline("2 decimal products and 2 sums per posting", count / median(bare))
    runs = tuple(count / seconds for seconds in taken)
    size = f"{count:,} postings of {_KEYS} keys, processor time"
    return [Figure("fifo_fold", "postings/s", runs, baseline, _BAR, size)]


def _postings(count: int) -> list[list[Posting]]:
    plan = facts.Plan(1, count, _KEYS, facts.weekdays(facts.TEN_YEARS))
    book = facts.trades(plan)
    known = {instrument.security_id: instrument for instrument in facts.instruments(_KEYS)}
    posted = post_all(book.transactions, facts.portfolios(1)[0], known, RateTable({}))
    by_key: dict[str, list[Posting]] = {security: [] for security in known}
    for each in posted:
        for posting in each.postings:
            if posting.security_id in by_key:
                by_key[posting.security_id].append(posting)
    assert sum(map(len, by_key.values())) == count
    return [in_order(postings) for postings in by_key.values()]


def _fold(keys: list[list[Posting]]) -> None:
    rules = KeyRules()
    folded = list(starmap(fold, ((EMPTY, postings, rules) for postings in keys)))
    assert not any(each.findings for each in folded)


def _arithmetic(keys: list[list[Posting]]) -> None:
    quantity = cost = Decimal(0)
    with exact():
        for postings in keys:
            for posting in postings:
                value = posting.amount * posting.fx_rate
                quantity += posting.quantity
                cost += value * posting.fx_rate
