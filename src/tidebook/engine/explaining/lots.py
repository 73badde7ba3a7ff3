"""The figures of open lots: units, cost, and their part of what the position is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, derived, given, stated, undefined
from tidebook.book.trees import positions as trees
from tidebook.book.trees.lots import replay
from tidebook.book.trees.steps import Side, unit_of
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.evidence import evidence
from tidebook.errors import UnknownSubjectError
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.trees.lots import LotTrees
    from tidebook.book.trees.positions import ValueRates
    from tidebook.book.trees.steps import Key, Step
    from tidebook.book.valuation import Valuation
    from tidebook.engine.explaining.evidence import Evidence
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import LotView


def explain_lot(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of one open lot.

    Raises:
        UnknownSubjectError: If the lot is not open on the day.
    """
    portfolio_id, security_id = question.portfolio_id or "", question.security_id or ""
    view = reader.lots(
        portfolio_id,
        security_id=security_id,
        as_of=question.as_of,
        known_at=question.known_at,
    )
    found = [lot for lot in view.lots if lot.lot_id == question.lot_id]
    on = view.freshness.as_of
    known = evidence(
        reader, portfolio_id, through=on, known_at=question.known_at, security_id=security_id
    )
    key = known.key(security_id)
    side = Side.LOCAL if figure.name.endswith("_local") else Side.BASE
    drawn = replay(key, known.steps.get(security_id, []), side).lots
    own = [lot for lot in drawn if lot.lot_id == question.lot_id]
    if not found or not own:
        raise UnknownSubjectError(f"the open lot {question.lot_id!r}", portfolio_id)
    # Both legs of one transaction may have opened a lot of its name: the one of this cost is meant.
    costs = {found[0].cost_base, found[0].cost_local}
    lot = next((one for one in own if one.cost.value in costs), own[0])
    if figure.name in _WORTH:
        valued = _valuation(reader, question, known)
        node = _WORTH[figure.name](_Lots(key, view.lots, found[0], lot, valued), side)
    else:
        node = _cost(key, lot, figure.name, side)
    return Drawn(view.portfolio, view.freshness, stated(node, _STATED[figure.name](found[0])))


def _cost(key: Key, lot: LotTrees, name: str, side: Side) -> Node:
    if name == "quantity":
        return lot.quantity
    if name.startswith("unit_cost"):
        label = f"unit cost of lot {lot.lot_id}"
        return derived(label, unit_of(key, side), Formula.QUOTIENT, (lot.cost, lot.quantity))
    return lot.cost


class _Valued(NamedTuple):
    """A position as its lots divide its worth: its steps, valuation and rates."""

    steps: Sequence[Step]
    valuation: Valuation
    rates: ValueRates


class _Lots(NamedTuple):
    """The open lots of a key, the one that is asked for, and what all of them are worth."""

    key: Key
    all: Sequence[LotView]
    asked: LotView
    drawn: LotTrees
    position: _Valued

    @property
    def is_last(self) -> bool:
        """Whether it takes what rounding leaves of the others."""
        return self.all[-1] is self.asked

    def label(self, what: str, one: LotView) -> str:
        return f"{what} of lot {one.lot_id} of {one.opened_on}"


def _valuation(reader: FigureReader, question: Question, known: Evidence) -> _Valued:
    security_id = question.security_id or ""
    view = reader.positions(
        question.portfolio_id or "", as_of=question.as_of, known_at=question.known_at
    )
    valuation = next(one.valuation for one in view.positions if one.security_id == security_id)
    rates = known.value_rates(known.key(security_id), valuation, view.freshness.as_of)
    return _Valued(known.steps.get(security_id, []), valuation, rates)


def _value(lots: _Lots, side: Side) -> Node:
    """Return a lot's part of the value of its position, by units.

    The last lot has what the others leave; their parts are formed from figures that have trees of
    their own.
    """
    key, (steps, valuation, rates) = lots.key, lots.position
    whole = trees.value_tree(key, steps, valuation, rates, side)
    label, unit = lots.label("market value", lots.asked), unit_of(key, side)
    if whole.value is None:
        return undefined(f"{label}: {lots.asked.reason}", unit)
    held = given(f"held of {key.security_id}", _units(lots.all), key.security_id)
    if not lots.is_last:
        return derived(label, unit, Formula.SHARE, (whole, lots.drawn.quantity, held))
    amount = given(whole.label, whole.value, unit)
    others = [
        derived(
            lots.label("market value", one),
            unit,
            Formula.SHARE,
            (amount, given(lots.label("units", one), one.quantity, key.security_id), held),
        )
        for one in lots.all[:-1]
    ]
    return derived(label, unit, Formula.DIFFERENCE, (whole, *others))


def _units(lots: Sequence[LotView]) -> Decimal:
    with exact():
        return sum((one.quantity for one in lots), ZERO)


def _unrealised(lots: _Lots, side: Side) -> Node:
    """Return a lot's value less its cost; on margin, in base currency, its local gain converted."""
    if lots.key.on_margin and side is Side.BASE:
        return _margin_gain(lots)
    label, unit = lots.label("unrealised gain", lots.asked), unit_of(lots.key, side)
    value = _value(lots, side)
    if value.value is None:
        return undefined(f"{label}: {lots.asked.reason}", unit)
    return derived(label, unit, Formula.DIFFERENCE, (value, lots.drawn.cost))


def _margin_gain(lots: _Lots) -> Node:
    key, (steps, valuation, rates) = lots.key, lots.position
    label = lots.label("unrealised gain", lots.asked)
    whole = trees.unrealised_tree(key, steps, valuation, rates)
    if whole.value is None:
        return undefined(f"{label}: {lots.asked.reason}", key.base_currency)
    if lots.is_last:
        others = [
            trees.convert(_local_gain(lots, one), rates.to_base, key.base_currency)
            for one in lots.all[:-1]
        ]
        return derived(label, key.base_currency, Formula.DIFFERENCE, (whole, *others))
    local = _local_gain(lots, lots.asked)
    return replace(trees.convert(local, rates.to_base, key.base_currency), label=label)


def _local_gain(lots: _Lots, one: LotView) -> Node:
    """Return a lot's gain in its own currency, which has a tree of its own."""
    value = one.value.unrealised_local if one.value is not None else ZERO
    return given(lots.label("unrealised gain", one), value, lots.key.currency)


_WORTH: Final[Mapping[str, Callable[[_Lots, Side], Node]]] = {
    "value": _value,
    "value_local": _value,
    "unrealised": _unrealised,
    "unrealised_local": _unrealised,
}


def _worth(name: str) -> Callable[[LotView], Decimal | None]:
    def read(lot: LotView) -> Decimal | None:
        return None if lot.value is None else lot.value._asdict()[name]

    return read


_STATED: Final[Mapping[str, Callable[[LotView], Decimal | None]]] = {
    "quantity": lambda lot: lot.quantity,
    "cost": lambda lot: lot.cost_base,
    "cost_local": lambda lot: lot.cost_local,
    "unit_cost": lambda lot: lot.unit_cost_base,
    "unit_cost_local": lambda lot: lot.unit_cost_local,
    "value": _worth("base"),
    "value_local": _worth("local"),
    "unrealised": _worth("unrealised_base"),
    "unrealised_local": _worth("unrealised_local"),
}
