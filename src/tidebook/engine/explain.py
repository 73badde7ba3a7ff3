"""Explain a figure of the book: read the facts under it and draw the tree from one to the other."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from itertools import permutations
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, derived
from tidebook.book.explain import (
    Key,
    RateSources,
    Step,
    cost_tree,
    quantity_tree,
    realised_tree,
    unrealised_tree,
    value_tree,
)
from tidebook.book.lots import Match
from tidebook.book.policies import key_rules
from tidebook.book.postings import Leg
from tidebook.engine.ports import TransactionQuery
from tidebook.errors import BookMovedError, InvalidFigureError, UnknownPositionError
from tidebook.model.markets import rate_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import (
        EntryView,
        Freshness,
        PositionsView,
        PositionView,
        TransactionView,
    )
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

_PAGE_ROWS: Final = 1000
_ATTEMPTS_MAX: Final = 3
_MIDDLES: Final = ("EUR", "USD")
"""The currencies that rates are quoted against, for pairs that only a cross rate joins."""


class Figure(StrEnum):
    """The figures that can be explained; all but the quantity are in base currency."""

    QUANTITY = "quantity"
    COST = "cost"
    VALUE = "value"
    UNREALISED = "unrealised"
    REALISED = "realised"


class Question(NamedTuple):
    """Which figure of what: of one security, or of the whole portfolio where none is named."""

    figure: Figure
    portfolio_id: str
    security_id: str | None = None
    as_of: date | None = None
    known_at: datetime | None = None


class Explanation(NamedTuple):
    """The tree under a figure, and what the figure rests on.

    ``unvalued`` are the securities that a total leaves out, because they have no value.
    """

    question: Question
    portfolio: Portfolio
    freshness: Freshness
    node: Node
    unvalued: tuple[str, ...]


def explain(reader: Reader, question: Question) -> Explanation:
    """Return the tree under a figure, down to transactions, prices and rates.

    The top of the tree and every position's node state the figure of the positions view; what
    their leaves come to is for :func:`tidebook.book.derivation.evaluate` to say.

    Raises:
        InvalidFigureError: If a quantity is asked of a whole portfolio: units of different
            securities have no sum.
        UnknownPortfolioError: If no fact has introduced the portfolio.
        UnknownPositionError: If the portfolio never held the security by then.
        BookMovedError: If the book kept changing between the reads.
    """
    if question.figure is Figure.QUANTITY and question.security_id is None:
        raise InvalidFigureError(
            str(question.figure),
            "has no sum over different securities",
            hint="name the security whose quantity is to be explained",
        )
    for _ in range(_ATTEMPTS_MAX - 1):
        try:
            return _explain(reader, question)
        except BookMovedError:
            continue
    return _explain(reader, question)


def _explain(reader: Reader, question: Question) -> Explanation:
    view = reader.positions(
        question.portfolio_id,
        as_of=question.as_of,
        known_at=question.known_at,
        include_closed=True,
    )
    chosen = [
        position
        for position in view.positions
        if question.security_id in {None, position.security_id}
        and (position.quantity or question.security_id or question.figure is Figure.REALISED)
    ]
    if question.security_id is not None and not chosen:
        raise UnknownPositionError(question.portfolio_id, question.security_id)
    rates = _Rates(reader, question.known_at)
    facts = _transactions(reader, question, view)
    after = reader.freshness(question.portfolio_id)
    if question.known_at is None and after.generation != view.freshness.generation:
        raise BookMovedError(question.portfolio_id)
    drawn = [
        _tree(
            question.figure, position, view, _steps(position, view.portfolio, facts, rates), rates
        )
        for position in chosen
    ]
    node, unvalued = _top(question, view, drawn)
    return Explanation(question, view.portfolio, view.freshness, node, unvalued)


def _top(
    question: Question, view: PositionsView, drawn: list[tuple[str, Node]]
) -> tuple[Node, tuple[str, ...]]:
    if question.security_id is not None:
        return drawn[0][1], ()
    known = [node for _, node in drawn if node.value is not None and node.children]
    missing = tuple(security_id for security_id, node in drawn if node.value is None)
    label = f"{question.figure} of portfolio {question.portfolio_id}"
    total = derived(label, view.portfolio.base_currency, Formula.SUM, known)
    stated = {
        Figure.COST: view.cost_base,
        Figure.VALUE: view.market_value_base,
        Figure.UNREALISED: view.unrealised_base,
        Figure.REALISED: view.realised_base,
    }.get(question.figure)
    return replace(total, value=total.value if stated is None else stated), missing


def _tree(
    figure: Figure,
    position: PositionView,
    view: PositionsView,
    steps: list[Step],
    rates: _Rates,
) -> tuple[str, Node]:
    portfolio, instrument = view.portfolio, position.instrument
    key = Key(
        portfolio.portfolio_id,
        position.security_id,
        instrument.currency,
        portfolio.base_currency,
        key_rules(portfolio, position.security_id, instrument).lots,
    )
    valuation, on = position.valuation, view.freshness.as_of
    sources = RateSources()
    if valuation.quote is not None and on is not None:
        quoted = valuation.quote.currency
        sources = RateSources(
            rates.source(quoted, key.currency, on, valuation.rate_to_local),
            rates.source(key.currency, key.base_currency, on, valuation.rate_to_base),
        )
    value = valuation.value
    if figure is Figure.QUANTITY:
        node, stated = quantity_tree(key, steps), position.quantity
    elif figure is Figure.COST:
        node, stated = cost_tree(key, steps), position.cost_base
    elif figure is Figure.REALISED:
        node, stated = realised_tree(key, steps), position.realised_base
    elif figure is Figure.VALUE:
        node = value_tree(key, steps, valuation, sources)
        stated = None if value is None else value.base
    else:
        node = unrealised_tree(key, steps, valuation, sources)
        stated = None if value is None else value.unrealised_base
    return position.security_id, replace(node, value=stated)


def _transactions(reader: Reader, question: Question, view: PositionsView) -> list[TransactionView]:
    """Return the portfolio's booked transactions up to the day of the view.

    All of them, also for one security: a cash account is moved by trades in every other one.
    """
    as_of = view.freshness.as_of
    found: list[TransactionView] = []
    while True:
        page = reader.transactions(
            TransactionQuery(
                question.portfolio_id,
                end=as_of,
                skip=len(found),
                limit=_PAGE_ROWS,
                descending=False,
                known_at=question.known_at,
            )
        )
        found += page.transactions
        if not page.transactions or len(found) >= page.total:
            return [fact for fact in found if as_of is None or fact.business_date <= as_of]


def _steps(
    position: PositionView, portfolio: Portfolio, facts: Iterable[TransactionView], rates: _Rates
) -> list[Step]:
    return [
        _step(fact, entry, portfolio, rates)
        for fact in facts
        for entry in fact.entries
        if entry.security_id == position.security_id
    ]


def _step(fact: TransactionView, entry: EntryView, portfolio: Portfolio, rates: _Rates) -> Step:
    transaction, on, leg = fact.transaction, fact.business_date, Leg(entry.leg)
    base = portfolio.base_currency
    if leg is Leg.MAIN and transaction.fx_rate is not None and entry.currency != base:
        source: str | None = f"recorded with transaction {transaction.transaction_id}"
    else:
        source = rates.source(entry.currency, base, on, entry.fx_rate)
    settle = None
    if leg is Leg.CASH and transaction.trade_currency != transaction.currency:
        settle = rates.rate(transaction.trade_currency, transaction.currency, on)
    return Step(
        transaction,
        fact.version,
        leg,
        on,
        entry.quantity,
        entry.cost_base,
        entry.realised_base,
        entry.fx_rate,
        entry.currency,
        tuple(Match(*match) for match in entry.matches),
        settle,
        source,
    )


class _Rates:
    """Says which quotes a rate rests on, as far as the quotes known then still give it."""

    def __init__(self, reader: Reader, known_at: datetime | None) -> None:
        self._reader = reader
        self._known_at = known_at
        self._tables: dict[tuple[str, str], RateTable] = {}

    def rate(self, source: str, target: str, on: date) -> Decimal | None:
        """Return the rate of a pair as of a day."""
        quote = self._table(source, target).rate(source, target, on)
        return None if quote is None else quote.rate

    def source(self, source: str, target: str, on: date, rate: Decimal | None) -> str | None:
        """Return the quotes that ``rate`` came from, in words."""
        if source == target or rate is None:
            return None
        quote = self._table(source, target).rate(source, target, on)
        if quote is None or quote.rate != rate:
            return f"exchange rates as known when it was booked, {on}"
        return f"{' and '.join(quote.path)} of {quote.on}"

    def _table(self, source: str, target: str) -> RateTable:
        pair = (source, target)
        if pair not in self._tables:
            currencies = dict.fromkeys((source, target, *_MIDDLES))
            self._tables[pair] = rate_table(
                rate
                for first, second in permutations(currencies, 2)
                for rate in self._reader.rates(first, second, known_at=self._known_at)
            )
        return self._tables[pair]
