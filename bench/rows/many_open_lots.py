"""Sales from keys with very many open lots: which lot goes must not cost more than with few."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench import facts
from bench.clocks import collect_as_served, processor_seconds, say
from bench.figures import Bar, Baseline, Figure
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import EMPTY, KeyRules, LotRule
from tidebook.model.facts import LotChoice, TransactionType
from tidebook.model.markets import RateTable
from tidebook.model.portfolios import TaxRates

if TYPE_CHECKING:
    from tidebook.book.lots import Folded, Holding
    from tidebook.book.postings import Posting
    from tidebook.model.facts import Transaction

_BAR = Bar("at least", 50_000, ratio=0.5)
_TAX = TaxRates(Decimal("0.30"), Decimal("0.15"))
_KEY = (facts.portfolio_id(0), facts.security_id(0))
_FIRST = datetime.combine(facts.FIRST_DAY, time(10), UTC)
_MINUTE = timedelta(minutes=1)
_FEW, _MANY = 1_000, 20_000
_UNITS = 7
"""How many units a lot has; a sale takes one less, so that every sale leaves a part behind."""


class _Method(NamedTuple):
    """A way to choose lots: the rule of the key, and whether every sale names its lot."""

    name: str
    rules: KeyRules
    names_lots: bool = False


_METHODS = (
    _Method("lifo", KeyRules(LotRule.LIFO)),
    _Method("hifo", KeyRules(LotRule.HIFO)),
    _Method("min_tax", KeyRules(LotRule.MIN_TAX, tax=_TAX)),
    _Method("named", KeyRules(LotRule.FIFO), names_lots=True),
)


def measure(*, quick: bool) -> list[Figure]:
    """Return, for each method, the rate among many open lots beside that among few."""
    collect_as_served()
    return [_measure(method, quick=quick) for method in _METHODS]


def _measure(method: _Method, *, quick: bool) -> Figure:
    pairs = 1_000 if quick else 10_000
    repeats = 3 if quick else 5
    few, many = (_prepared(method, lots, pairs) for lots in (_FEW, _MANY))
    runs: list[tuple[float, float]] = []
    for _ in range(repeats):
        # One after the other, so that what disturbs the machine disturbs both.
        (slow,) = processor_seconds(lambda: _fold(many, method), 1)
        (quick_one,) = processor_seconds(lambda: _fold(few, method), 1)
        runs.append((2 * pairs / slow, 2 * pairs / quick_one))
    baseline = Baseline(f"the same with {_FEW:,} open lots", median(rate for _, rate in runs))
    say(f"many_open_lots, {method.name}: {runs[0][0]:,.0f} and {runs[0][1]:,.0f} postings/s first")
    rates = tuple(rate for rate, _ in runs)
    size = f"{2 * pairs:,} purchases and sales in turn, {_MANY:,} open lots, processor time"
    return Figure(f"many_open_lots_{method.name}", "postings/s", rates, baseline, _BAR, size)


def _prepared(method: _Method, lots: int, pairs: int) -> tuple[Holding, list[Posting]]:
    """Return a key with so many open lots, and purchases and sales in turn that leave as many."""
    opening = fold(EMPTY, _postings([_buy(n) for n in range(lots)]), method.rules)
    traded: list[Transaction] = []
    for n in range(lots, lots + pairs):
        traded += [_buy(n), _sell(n, lots, names_lots=method.names_lots)]
    return opening.holding, _postings(traded)


def _buy(number: int) -> Transaction:
    # Costs that neither rise nor fall: the dearest lot may lie anywhere.
    price = Decimal(1_000 + number * 7_919 % 9_001) / 100
    at = _FIRST + 2 * number * _MINUTE
    return facts.trade(_id(number), _KEY, TransactionType.BUY, at, (Decimal(_UNITS), price))


def _sell(number: int, lots: int, *, names_lots: bool) -> Transaction:
    units = Decimal(_UNITS - 1)
    at = _FIRST + (2 * number + 1) * _MINUTE
    terms = (units, Decimal("50.25"))
    sale = facts.trade(f"S{number:06d}", _KEY, TransactionType.SELL, at, terms)
    if not names_lots:
        return sale
    # A step that shares no factor with the number of lots comes to every lot once.
    named = (number * 7_919) % lots + (number // lots - 1) * lots
    return sale._replace(lots=(LotChoice(_id(named), units),))


def _id(number: int) -> str:
    return f"B{number:06d}"


def _postings(transactions: list[Transaction]) -> list[Posting]:
    portfolio, known = facts.portfolios(1)[0], facts.instruments(1)
    instruments = {each.security_id: each for each in known}
    posted = post_all(transactions, portfolio, instruments, RateTable({}))
    return [each.postings[0] for each in posted]


def _fold(prepared: tuple[Holding, list[Posting]], method: _Method) -> Folded:
    holding, postings = prepared
    folded = fold(holding, postings, method.rules)
    assert not folded.findings
    return folded
