"""The figures of a bridge: the lines between two values, and those of each security.

The bridge is formed as its answer forms it, of a book whose numbers remember where they came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import stated
from tidebook.book.traced_facts import marked_entry, marked_market, marked_transaction
from tidebook.book.traced_trees import tree_of
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.measuring.bridging import bridge_of, earning
from tidebook.errors import UnknownPositionError, UnknownSubjectError
from tidebook.model.traced import untraced

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.measuring.bridging import Bridge, Earning

_LINE_FIELDS = {"start": "initial", "end": "final"}


def explain_bridge(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under one line of a bridge.

    Raises:
        EmptyPeriodError: If the period holds no day of the portfolio.
        UnknownPositionError: If the bridge has no line of the security.
    """
    portfolio_id, period = question.portfolio_id or "", question.period
    reader, known_at = library.reader, question.known_at
    portfolio = reader.portfolio(portfolio_id, known_at=known_at)
    freshness = reader.freshness(portfolio_id, as_of=question.as_of, known_at=known_at)
    as_of = question.as_of or freshness.as_of
    if period is None or as_of is None:
        raise UnknownSubjectError("a valued day", portfolio_id)
    given = earning(reader, portfolio_id, period, as_of, known_at)
    told, value = (_value(bridge_of(one), question, figure) for one in (given, _marked(given)))
    label = f"{figure.name.replace('_', ' ')}, {given.span.start} to {given.span.end}"
    node = tree_of(value, label, given.market.base_currency)
    return Drawn(portfolio, freshness, stated(node, untraced(told)))


def _marked(given: Earning) -> Earning:
    book, base = given.book, given.market.base_currency
    return given._replace(
        book=book._replace(
            entries=[marked_entry(entry, base) for entry in book.entries],
            transactions={
                identity: marked_transaction(fact) for identity, fact in book.transactions.items()
            },
        ),
        market=marked_market(given.market),
    )


def _value(found: Bridge, question: Question, figure: Figure) -> Decimal:
    if question.security_id is None:
        return found._asdict()[figure.name]
    for line in found.keys:
        if line.security_id == question.security_id:
            return line._asdict()[_LINE_FIELDS.get(figure.name, figure.name)]
    raise UnknownPositionError(question.portfolio_id or "", question.security_id)
