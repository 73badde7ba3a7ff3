"""Explain a figure: read the facts under it and draw the tree from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.engine.explaining.answers import Explanation
from tidebook.engine.explaining.attributions import explain_attribution
from tidebook.engine.explaining.bridges import explain_bridge
from tidebook.engine.explaining.comparisons import explain_comparison
from tidebook.engine.explaining.contributions import explain_contribution
from tidebook.engine.explaining.days import explain_day
from tidebook.engine.explaining.entries import explain_entry, explain_transaction
from tidebook.engine.explaining.figures import Scope, chosen
from tidebook.engine.explaining.gains import explain_gain, explain_gains
from tidebook.engine.explaining.lots import explain_lot
from tidebook.engine.explaining.market import explain_market
from tidebook.engine.explaining.orders import explain_order
from tidebook.engine.explaining.periods import explain_period
from tidebook.engine.explaining.positions import (
    explain_portfolio,
    explain_position,
)
from tidebook.engine.explaining.risks import explain_risk
from tidebook.engine.explaining.standings import explain_standing
from tidebook.engine.explaining.taxes import explain_broker_difference, explain_tax
from tidebook.engine.explaining.users import explain_closed, explain_user, explain_user_symbol
from tidebook.engine.explaining.verdicts import explain_verdict
from tidebook.errors import BookMovedError, InvalidFigureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
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
_DRAWN_FROM: Final[Mapping[Scope, Callable[[Library, Question, Figure], Drawn]]] = {
    Scope.BRIDGE: explain_bridge,
    Scope.BRIDGE_LINE: explain_bridge,
    Scope.CONTRIBUTION: explain_contribution,
    Scope.ATTRIBUTION: explain_attribution,
    Scope.USER: explain_user,
    Scope.USER_SYMBOL: explain_user_symbol,
    Scope.CLOSED: explain_closed,
    Scope.COMPARISON: explain_comparison,
    Scope.VERDICT: explain_verdict,
    Scope.ORDER: explain_order,
    Scope.TAX_TOTAL: explain_tax,
    Scope.TAX_LOT: explain_tax,
    Scope.TAX_SALE: explain_tax,
    Scope.BROKER_DIFFERENCE: explain_broker_difference,
    Scope.ACCOUNT: explain_standing,
    Scope.HOUSEHOLD: explain_standing,
}
"""Those that rest on more than what one portfolio's reader tells."""


def explain(
    reader: FigureReader, question: Question, library: Library | None = None
) -> Explanation:
    """Return the tree under a figure, down to transactions, prices and rates.

    The nodes state the figures of the answers; what their leaves come to is
    ``Explanation.recomputed``. A book that moves while it is read is read again.

    Args:
        reader: The book, or a supposed one.
        question: Which figure of what.
        library: What figures of bridges, parts, users and rules are drawn from besides.

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
            return _explain(reader, question, figure, library)
        except BookMovedError:
            continue
    return _explain(reader, question, figure, library)


def _explain(
    reader: FigureReader, question: Question, figure: Figure, library: Library | None
) -> Explanation:
    about = question.portfolio_id
    before = _state(reader.freshness(about)) if about is not None else None
    drawn = _drawn(reader, question, figure, library)
    if about is not None and question.known_at is None:
        after = reader.freshness(about)
        if _state(after) != before:
            raise BookMovedError(about)
    return Explanation(question, figure, *drawn)


def _drawn(
    reader: FigureReader, question: Question, figure: Figure, library: Library | None
) -> Drawn:
    from_library = _DRAWN_FROM.get(figure.scope)
    if from_library is None:
        return _DRAWN_BY[figure.scope](reader, question, figure)
    if library is None:
        raise InvalidFigureError(
            figure.full_name,
            "is not drawn here",
            hint="ask for it at /explain, as data or as text, or with tidebook explain",
        )
    return from_library(library, question, figure)


def _state(freshness: Freshness) -> tuple[int, int, int]:
    """Return what moves when a figure of a portfolio may have changed."""
    return freshness.generation, freshness.series_generation, freshness.valuation_version
