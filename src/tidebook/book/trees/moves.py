"""Where a step's change of quantity comes from: units of the fact, ratios, parts of what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.cashflows import RULES
from tidebook.book.derivation import Formula, derived, given, stated
from tidebook.book.events import CARRIES
from tidebook.book.postings import EffectKind, Leg
from tidebook.book.trees.steps import Side, fact_of, title_of, value_tree
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.lots import Lot
    from tidebook.book.trees.steps import Key, Step


def move_tree(key: Key, step: Step) -> Node:
    """Return what a step added to the quantity; of cash, the amount that makes it up."""
    title, unit = title_of(step), key.security_id
    leaf = given(title, step.quantity, unit, fact_of(step))
    if step.does is EffectKind.SPLIT and step.opens:
        after = [split_tree(key, step, lot) for lot in step.matches]
        before = [held_leaf(key, lot) for lot in step.matches]
        below = (
            derived("units after it", unit, Formula.SUM, after),
            derived("units before it", unit, Formula.SUM, before),
        )
        return stated(derived(title, unit, Formula.DIFFERENCE, below), step.quantity)
    if step.does is EffectKind.ARRIVE:
        units = arriving_units(key, step)
        if units:
            return stated(derived(title, unit, Formula.SUM, units), step.quantity)
        return leaf
    if not step.quantity or not _moves_by_amount(step):
        return leaf
    amount = value_tree(key, step, Side.LOCAL)
    if amount.value != abs(step.quantity):
        return leaf
    formula = Formula.SUM if step.quantity > 0 else Formula.NEGATIVE
    return derived(title, unit, formula, (amount,))


def _moves_by_amount(step: Step) -> bool:
    """Tell whether a step moves cash."""
    if step.leg is Leg.CASH:
        return True
    known = step.transaction
    if known is None or known.type in CARRIES or step.leg is not Leg.MAIN:
        return False
    return RULES[known.type].cash_only


def held_leaf(key: Key, lot: Lot) -> Node:
    """Return what a lot held before a step, as a leaf."""
    return given(f"held in lot {lot.lot_id} before", lot.quantity, key.security_id)


def split_tree(key: Key, step: Step, lot: Lot, before: Node | None = None) -> Node:
    """Return a lot's units after a split: units before x new / old."""
    new, old = (ONE, ONE) if step.effect is None else step.effect.ratio
    below = (
        before or held_leaf(key, lot),
        given("new units", new, "", fact_of(step)),
        given("for old units", old, "", fact_of(step)),
    )
    label = f"lot {lot.lot_id} after {title_of(step)}"
    return derived(label, key.security_id, Formula.SHARE, below)


def arriving_units(key: Key, step: Step) -> list[Node]:
    """Return the units of each lot that arrived; none where what was sent is not known."""
    effect, brought = step.effect, step.brought
    if effect is None or brought is None or len(brought.base) != len(step.opens):
        return []
    lots = [part.lot for part in brought.base]
    if effect.units is not None:
        sign = 1 if lots[0].quantity > ZERO else -1
        whole = given("all the units that arrive", effect.units * sign, key.security_id)
        return spread_trees(whole, lots, "units of lot")
    found: list[Node] = []
    for lot in lots:
        below = (
            given(f"units of lot {lot.lot_id} that left", lot.quantity, brought.place),
            given("new units", effect.ratio[0], "", fact_of(step)),
            given("for old units", effect.ratio[1], "", fact_of(step)),
        )
        label = f"units of lot {lot.lot_id}"
        found.append(derived(label, key.security_id, Formula.SHARE, below))
    return found


def spread_trees(whole: Node, lots: Sequence[Lot], label: str) -> list[Node]:
    """Return a whole in parts by the units of lots; the last part takes what rounding leaves."""
    with exact():
        total = sum((lot.quantity for lot in lots), ZERO)
    parts = [_spread_part(whole, lot, total, label) for lot in lots[:-1]]
    # Beside the whole the other parts are told as leaves: each is explained where it stands.
    told = [given(part.label, part.value, part.unit) for part in parts if part.value is not None]
    name = f"{label} {lots[-1].lot_id}: the rest, with what rounding leaves"
    rest = derived(name, whole.unit, Formula.DIFFERENCE, (whole, *told))
    return [*parts, rest]


def _spread_part(whole: Node, lot: Lot, total: Decimal, label: str) -> Node:
    below = (
        whole,
        given(f"units of lot {lot.lot_id}", lot.quantity, ""),
        given("units of all", total, ""),
    )
    return derived(f"{label} {lot.lot_id}", whole.unit, Formula.SHARE, below)
