"""The figures of users: what they traded, hold and won, and how they did beside a benchmark.

They are formed by the functions of their answers, of a book whose numbers are leaves. Returns and
ratios, which are floats, are formed anew of the days, results and levels below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import Undefined, value_of
from tidebook.analytics.derivation import Reckoning, computed, nothing, reckoned, rows
from tidebook.book.derivation import Formula, derived, stated, undefined
from tidebook.book.traced_facts import marked_rates
from tidebook.book.traced_trees import tree_of
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.days_again import book_again, days_table
from tidebook.engine.explaining.marked_reader import MarkedReader, marked_series
from tidebook.engine.measuring.comparing import since_inception
from tidebook.engine.user_figures import activity, closed_trades, ended, holdings, trade_results
from tidebook.engine.users import book_from, portfolios_of
from tidebook.errors import UnknownSubjectError
from tidebook.model.money import ZERO, exact
from tidebook.model.traced import untraced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from tidebook.analytics import Figure as Told
    from tidebook.analytics.derivation import Tables, Tree
    from tidebook.book.derivation import Node
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library
    from tidebook.engine.measuring.comparing import Earned
    from tidebook.engine.user_figures import Activity, ClosedTrades, Holdings, SymbolFigures
    from tidebook.engine.users import UserBook


class Known(NamedTuple):
    """A user's book with its numbers as leaves, and the reader of the rest."""

    reader: MarkedReader
    book: UserBook
    known_at: datetime | None

    @property
    def done(self) -> Activity:
        """What the user did since the first trade."""
        return activity(self.reader, self.book, known_at=self.known_at)

    @property
    def held(self) -> Holdings:
        """What the user holds."""
        return holdings(self.reader, self.book, known_at=self.known_at)


def known_of(library: Library, question: Question) -> Known:
    """Return a user's book with its numbers as leaves.

    Raises:
        UnknownUserError: If the user has no portfolio.
        MissingRateError: If one is in a currency without a rate on one of its days.
    """
    user_id, reader = question.user_id or "", library.reader
    portfolios = portfolios_of(reader, user_id, known_at=question.known_at)
    ids = [one.portfolio_id for one in portfolios]
    views = [marked_series(view) for view in reader.series_of(ids, known_at=question.known_at)]
    rates = marked_rates(reader.markets([], known_at=question.known_at).rates)
    book = book_from(user_id, portfolios, views, rates)
    return Known(MarkedReader(reader), book, question.known_at)


def explain_user(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a total of a user, or under a return since the first day."""
    known = known_of(library, question)
    if figure.name in _RETURNS:
        return Drawn(None, None, _return(known, figure))
    value = _AMOUNTS[figure.name](known)
    unit = "" if figure.name == "coverage" else known.book.currency
    return Drawn(None, None, amount_tree(value, figure.definition, unit))


def explain_user_symbol(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of one security that a user traded.

    Raises:
        UnknownSubjectError: If the user never did.
    """
    known = known_of(library, question)
    found = [one for one in known.done.symbols if one.symbol == question.security_id]
    if not found:
        raise UnknownSubjectError(
            f"trades of {question.user_id!r} in {question.security_id!r}", None
        )
    value, label = _OF_SYMBOL[figure.name](found[0]), f"{figure.name} of {found[0].symbol}"
    if figure.name != "return":
        return Drawn(None, None, amount_tree(value, label, known.book.currency))
    node = amount_tree(value, label, "")
    if node.value is not None:
        node = derived(f"{label}, as percent", "percent", Formula.HUNDREDFOLD, (node,))
    return Drawn(None, None, node)


def explain_closed(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a user's closed trades."""
    known = known_of(library, question)
    told = closed_trades(known.reader, known.book, known_at=known.known_at)
    if figure.name in _MEANS:
        value = _MEANS[figure.name](told)
        return Drawn(None, None, amount_tree(value, figure.definition, known.book.currency))
    results = trade_results(known.reader, known.book, known_at=known.known_at)
    labels = [f"{trade} of {symbol} in {where}" for where, trade, symbol in results]
    below = [
        [tree_of(result, label, known.book.currency)]
        for label, result in zip(labels, results.values(), strict=True)
    ]

    rate = _RATES[figure.name]

    def again(tables: Tables) -> float | None:
        numbers = (row[0] for row in tables[0])
        return value_of(rate(ended(dict(zip(results, numbers, strict=True)))))

    figure_told = rate(told)
    if isinstance(figure_told, Undefined):
        return Drawn(None, None, nothing(figure.definition, "", figure_told))
    node = computed(figure.definition, figure_told, [rows("closed trades", below, labels)], again)
    if figure.name == "profit_factor":
        return Drawn(None, None, rounded_tree(node))
    return Drawn(None, None, percent_tree(node))


def amount_tree(value: Decimal | None, label: str, unit: str) -> Node:
    """Return the tree of an amount, or the leaf that says that there is none."""
    if value is None:
        return undefined(f"{label}: there is none", unit)
    return stated(tree_of(value, label, unit), untraced(value))


def percent_tree(node: Tree) -> Tree:
    """Return a fraction as percent, to ten places."""
    return reckoned(f"{node.label}, as percent", "percent", Reckoning.PERCENT, (node,))


def rounded_tree(node: Tree) -> Tree:
    """Return a figure to ten places."""
    return reckoned(f"{node.label}, to ten places", "", Reckoning.ROUNDED, (node,))


def _return(known: Known, figure: Figure) -> Tree:
    book, rate = known.book, _RETURNS[figure.name]

    def again(tables: Tables) -> float | None:
        return value_of(rate(since_inception(book_again(book, book.series.days, tables[0]))))

    told = rate(since_inception(book))
    if isinstance(told, Undefined):
        return nothing(figure.definition, "", told)
    table = days_table(book, book.series.days)
    return percent_tree(computed(figure.definition, told, [table], again))


def _pnl(known: Known) -> Decimal:
    with exact():
        return sum((one.pnl for one in known.done.symbols), ZERO)


_AMOUNTS: Final[Mapping[str, Callable[[Known], Decimal | None]]] = {
    "invested": lambda known: known.done.bought,
    "sold": lambda known: known.done.sold,
    "income": lambda known: known.done.income,
    "fees": lambda known: known.done.costs,
    "pnl": _pnl,
    "value": lambda known: known.held.value,
    "cost": lambda known: known.held.cost,
    "realised": lambda known: known.held.realised,
    "unrealised": lambda known: known.held.unrealised,
    "coverage": lambda known: known.held.coverage,
    "profit": lambda known: since_inception(known.book).profit,
}
_RETURNS: Final[Mapping[str, Callable[[Earned], Told]]] = {
    "returns": lambda earned: earned.rates,
    "returns_annual": lambda earned: earned.rates_annual,
    "twr": lambda earned: earned.twr,
}
_OF_SYMBOL: Final[Mapping[str, Callable[[SymbolFigures], Decimal | None]]] = {
    "invested": lambda one: one.invested,
    "value": lambda one: one.value,
    "pnl": lambda one: one.pnl,
    "return": lambda one: one.return_on_invested,
}
_MEANS: Final[Mapping[str, Callable[[ClosedTrades], Decimal | None]]] = {
    "average_win": lambda told: told.average_win,
    "average_loss": lambda told: told.average_loss,
    "expectancy": lambda told: told.expectancy,
    "pnl": lambda told: told.total,
}
_RATES: Final[Mapping[str, Callable[[ClosedTrades], Told]]] = {
    "win_rate": lambda told: told.win_rate,
    "win_rate_of_all": lambda told: told.win_rate_of_all,
    "profit_factor": lambda told: told.profit_factor,
}
