"""Explain a figure: read the facts under it and draw the tree from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.engine.explaining.answers import Explanation
from tidebook.engine.explaining.days import explain_day
from tidebook.engine.explaining.entries import explain_entry, explain_transaction
from tidebook.engine.explaining.figures import Scope, chosen
from tidebook.engine.explaining.gains import explain_gain, explain_gains
from tidebook.engine.explaining.lots import explain_lot
from tidebook.engine.explaining.market import explain_market
from tidebook.engine.explaining.periods import explain_period
from tidebook.engine.explaining.positions import (
    explain_portfolio,
    explain_position,
)
from tidebook.engine.explaining.risks import explain_risk
from tidebook.errors import BookMovedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import Freshness

_ATTEMPTS_MAX: Final = 3
_DRAWN_BY: Final[Mapping[Scope, Callable[[FigureReader, Question, Figure], Drawn]]] = {
    Scope.PORTFOLIO: explain_portfolio,
    Scope.POSITION: explain_position,
    Scope.LOT: explain_lot,
    Scope.TRANSACTION: explain_transaction,
    Scope.ENTRY: explain_entry,
    Scope.DAY: explain_day,
    Scope.PERIOD: explain_period,
    Scope.GAIN: explain_gain,
    Scope.GAINS: explain_gains,
    Scope.RISK: explain_risk,
    Scope.MARKET: explain_market,
}


def explain(reader: FigureReader, question: Question) -> Explanation:
    """Return the tree under a figure, down to transactions, prices and rates.

    The nodes state the figures of the answers; what their leaves come to is
    ``Explanation.recomputed``. A book that moves while it is read is read again.

    Raises:
        InvalidFigureError: If there is no such figure, or not of what was named.
        UnknownPortfolioError: If no fact has introduced the portfolio.
        UnknownPositionError: If the portfolio never held the security by then.
        UnknownSubjectError: If the lot, the transaction, the day, the price or the rate is not in
            the book.
        BookMovedError: If the book kept changing between the reads.
    """
    figure = chosen(question)
    for _ in range(_ATTEMPTS_MAX - 1):
        try:
            return _explain(reader, question, figure)
        except BookMovedError:
            continue
    return _explain(reader, question, figure)


def _explain(reader: FigureReader, question: Question, figure: Figure) -> Explanation:
    about = question.portfolio_id
    before = _state(reader.freshness(about)) if about is not None else None
    drawn = _DRAWN_BY[figure.scope](reader, question, figure)
    if about is not None and question.known_at is None:
        after = reader.freshness(about)
        if _state(after) != before:
            raise BookMovedError(about)
    return Explanation(question, figure, *drawn)


def _state(freshness: Freshness) -> tuple[int, int, int]:
    """Return what moves when a figure of a portfolio may have changed."""
    return freshness.generation, freshness.series_generation, freshness.valuation_version
