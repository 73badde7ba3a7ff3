"""The figures of positions and of the portfolio that they make up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, derived, stated, undefined
from tidebook.book.trees import positions as trees
from tidebook.book.trees.days import costs_tree, income_tree
from tidebook.book.trees.steps import Side
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.evidence import evidence, steps_until
from tidebook.errors import UnknownPositionError, UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.trees.positions import ValueRates
    from tidebook.book.trees.steps import Key, Step
    from tidebook.book.valuation import Valuation
    from tidebook.engine.explaining.evidence import Evidence
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import PositionChange, PositionsView, PositionView


class _Subject(NamedTuple):
    """A position as it is explained: its key, its steps, and how it is valued."""

    key: Key
    steps: Sequence[Step]
    valuation: Valuation
    rates: ValueRates


def explain_position(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under one figure of one position.

    Raises:
        UnknownPositionError: If the portfolio never held the security by then.
    """
    if question.transaction_id is not None:
        return _explain_change(reader, question, figure)
    portfolio_id, security_id = question.portfolio_id or "", question.security_id or ""
    view = reader.positions(
        portfolio_id, as_of=question.as_of, known_at=question.known_at, include_closed=True
    )
    found = [one for one in view.positions if one.security_id == security_id]
    if not found:
        raise UnknownPositionError(portfolio_id, security_id)
    on = view.freshness.as_of
    known = evidence(
        reader, portfolio_id, through=on, known_at=question.known_at, security_id=security_id
    )
    node = _POSITION[figure.name](_subject(known, security_id, found[0].valuation, on))
    if figure.name in _STATED:
        node = stated(node, _STATED[figure.name](found[0]))
    return Drawn(view.portfolio, view.freshness, node)


def _explain_change(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a position as it was after one transaction, valued on its day."""
    portfolio_id, security_id = question.portfolio_id or "", question.security_id or ""
    identity = question.transaction_id or ""
    view = reader.history(portfolio_id, security_id, end=question.as_of, known_at=question.known_at)
    rows = [change for change in view.changes if change[0].transaction_id == identity]
    known = evidence(
        reader,
        portfolio_id,
        through=question.as_of,
        known_at=question.known_at,
        security_id=security_id,
    )
    steps = sorted(known.steps.get(security_id, []), key=lambda step: step.order)
    own = [step for step in steps if step.name[0] == identity]
    legs = [str(step.leg) for step in own]
    place = legs.index(question.leg) if question.leg in legs else -1
    if not rows or not own:
        raise UnknownSubjectError(f"transaction {identity!r} on {security_id!r}", portfolio_id)
    change, valuation = rows[place]
    until = steps_until(steps, own[place])
    subject = _subject(known, security_id, valuation, change.on)._replace(steps=until)
    node = _POSITION[figure.name](subject)
    if figure.name in _CHANGED:
        node = stated(node, _CHANGED[figure.name](change))
    return Drawn(view.portfolio, view.freshness, node)


def explain_portfolio(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a whole portfolio, position by position."""
    portfolio_id = question.portfolio_id or ""
    view = reader.positions(
        portfolio_id, as_of=question.as_of, known_at=question.known_at, include_closed=True
    )
    on = view.freshness.as_of
    known = evidence(reader, portfolio_id, through=on, known_at=question.known_at)
    base = view.portfolio.base_currency
    if figure.name in {"income", "costs"}:
        results = reader.results(portfolio_id, as_of=question.as_of, known_at=question.known_at)
        steps = [step for own in known.steps.values() for step in own]
        node = income_tree(base, steps) if figure.name == "income" else costs_tree(base, steps)
        value = results.income_base if figure.name == "income" else results.costs_base
        return Drawn(view.portfolio, view.freshness, stated(node, value))
    whole = _Whole(known, view, on)
    if figure.name == "coverage":
        valued, unpriced = whole.sum_of("counted"), whole.unpriced_cost()
        node = derived("coverage", "", Formula.COVERAGE, (valued, unpriced))
        return Drawn(view.portfolio, view.freshness, stated(node, view.coverage))
    chosen, name = _TOTALS[figure.name]
    held = [one for one in view.positions if chosen(one)]
    is_whole = figure.name in _WHOLE
    node = whole.sum_of(name, held, is_whole=is_whole)
    if figure.name in _TOTALS_STATED:
        total = _TOTALS_STATED[figure.name](view)
        node = undefined(f"{node.label}: nothing was valued", base) if total is None else node
        node = stated(node, total)
    missing = () if is_whole else _missing(name, held)
    return Drawn(view.portfolio, view.freshness, node, missing)


def _missing(name: str, held: Sequence[PositionView]) -> tuple[str, ...]:
    return tuple(one.security_id for one in held if _STATED[name](one) is None)


class _Whole(NamedTuple):
    known: Evidence
    view: PositionsView
    on: date | None

    def node(self, name: str, one: PositionView) -> Node:
        """Return one position's figure as it is stated."""
        subject = _subject(self.known, one.security_id, one.valuation, self.on)
        return stated(_POSITION[name](subject), _STATED[name](one))

    def sum_of(
        self, name: str, held: Sequence[PositionView] | None = None, *, is_whole: bool = False
    ) -> Node:
        """Return the sum over positions; those without the figure are left out.

        A whole sum is undefined instead where one of them has none.
        """
        among = self.view.positions if held is None else held
        shown = [one for one in among if one.quantity or name == "realised"]
        drawn = [self.node(name, one) for one in shown]
        known = [node for node in drawn if is_whole or node.value is not None]
        portfolio = self.view.portfolio
        told_as = "value" if name == "counted" else name
        label = f"{told_as} of portfolio {portfolio.portfolio_id}"
        told = [node for node in known if node.children or node.value or node.value is None]
        return derived(label, portfolio.base_currency, Formula.SUM, told)

    def unpriced_cost(self) -> Node:
        """Return the cost of what could not be valued."""
        unvalued = [one for one in self.view.positions if one.valuation.value is None]
        costs = [self.node("cost", one) for one in unvalued if one.quantity and _is_paid(one)]
        base = self.view.portfolio.base_currency
        return derived("cost of what could not be valued", base, Formula.SUM, costs)


def _subject(known: Evidence, security_id: str, valuation: Valuation, on: date | None) -> _Subject:
    key = known.key(security_id)
    rates = known.value_rates(key, valuation, on)
    return _Subject(key, known.steps.get(security_id, []), valuation, rates)


def _value(one: _Subject, side: Side) -> Node:
    return trees.value_tree(one.key, one.steps, one.valuation, one.rates, side)


def _unrealised(one: _Subject, side: Side) -> Node:
    return trees.unrealised_tree(one.key, one.steps, one.valuation, one.rates, side)


_POSITION: Final[Mapping[str, Callable[[_Subject], Node]]] = {
    "quantity": lambda one: trees.quantity_tree(one.key, one.steps),
    "cost": lambda one: trees.cost_tree(one.key, one.steps),
    "cost_local": lambda one: trees.cost_tree(one.key, one.steps, Side.LOCAL),
    "unit_cost": lambda one: trees.unit_cost_tree(one.key, one.steps),
    "unit_cost_local": lambda one: trees.unit_cost_tree(one.key, one.steps, Side.LOCAL),
    "price": lambda one: trees.price_tree(one.key, one.valuation),
    "fx_rate": lambda one: trees.value_rate_tree(one.key, one.valuation, one.rates),
    "value": lambda one: _value(one, Side.BASE),
    "value_local": lambda one: _value(one, Side.LOCAL),
    "counted": lambda one: (_unrealised if one.key.on_margin else _value)(one, Side.BASE),
    "unrealised": lambda one: _unrealised(one, Side.BASE),
    "unrealised_local": lambda one: _unrealised(one, Side.LOCAL),
    "realised": lambda one: trees.realised_tree(one.key, one.steps),
    "realised_local": lambda one: trees.realised_tree(one.key, one.steps, Side.LOCAL),
    "realised_price": lambda one: trees.price_effect_tree(one.key, one.steps),
    "realised_currency": lambda one: trees.currency_effect_tree(one.key, one.steps),
}


def _counted(one: PositionView) -> Decimal | None:
    value = one.valuation.value
    return None if value is None else value.counted_base


def _valued(name: str) -> Callable[[PositionView], Decimal | None]:
    def read(one: PositionView) -> Decimal | None:
        value = one.valuation.value
        return None if value is None else value._asdict()[name]

    return read


_STATED: Final[Mapping[str, Callable[[PositionView], Decimal | None]]] = {
    "quantity": lambda one: one.quantity,
    "cost": lambda one: one.cost_base,
    "cost_local": lambda one: one.cost_local,
    "price": lambda one: None if one.valuation.quote is None else one.valuation.quote.price,
    "fx_rate": lambda one: one.valuation.rate_to_base,
    "value": _valued("base"),
    "value_local": _valued("local"),
    "unrealised": _valued("unrealised_base"),
    "unrealised_local": _valued("unrealised_local"),
    "counted": _counted,
    "realised": lambda one: one.realised_base,
    "realised_local": lambda one: one.realised_local,
}
_CHANGED: Final[Mapping[str, Callable[[PositionChange], Decimal]]] = {
    "quantity": lambda change: change.quantity,
    "cost": lambda change: change.cost_base,
    "cost_local": lambda change: change.cost_local,
}


def _is_any(_: PositionView) -> bool:
    return True


def _is_cash(one: PositionView) -> bool:
    return one.instrument.is_cash


def _is_paid(one: PositionView) -> bool:
    return not one.instrument.is_margined


def _is_paid_holding(one: PositionView) -> bool:
    return _is_paid(one) and _is_holding(one)


def _is_holding(one: PositionView) -> bool:
    return not one.instrument.is_cash


_TOTALS: Final[Mapping[str, tuple[Callable[[PositionView], bool], str]]] = {
    "value": (_is_any, "counted"),
    "cost": (_is_paid, "cost"),
    "unrealised": (_is_any, "unrealised"),
    "realised": (_is_any, "realised"),
    "cash": (_is_cash, "value"),
    "holdings_cost": (_is_paid_holding, "cost"),
    "holdings_unrealised": (_is_holding, "unrealised"),
}
_WHOLE: Final = frozenset({"cash", "holdings_unrealised"})
_TOTALS_STATED: Final[Mapping[str, Callable[[PositionsView], Decimal | None]]] = {
    "value": lambda view: view.market_value_base,
    "cost": lambda view: view.cost_base,
    "unrealised": lambda view: view.unrealised_base,
    "realised": lambda view: view.realised_base,
}
