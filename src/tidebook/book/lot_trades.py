"""What a trade does to the lots of a key: it opens, it takes, and what it closes gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Formula, derived, given, stated
from tidebook.book.lot_reasons import reason_of
from tidebook.book.lot_walk import StepTrees
from tidebook.book.lots import Lot, LotRule
from tidebook.book.postings import EffectKind
from tidebook.book.trees.steps import (
    AS_BOOKED,
    Carried,
    Side,
    converted_tree,
    cost_of,
    fact_of,
    title_of,
    unit_of,
    value_tree,
)
from tidebook.model.money import ZERO, decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.lot_walk import Walk
    from tidebook.book.postings import Leg
    from tidebook.book.trees.steps import Step


def unit_step(walk: Walk, step: Step) -> StepTrees:
    """Return what a step did to cash whose every unit costs one."""
    label = f"cost moved by {title_of(step)}: one per unit"
    cost = given(label, step.cost(walk.side), walk.unit, fact_of(step))
    gain = step.gain(walk.side)
    told = "cash of the base currency gains nothing"
    return StepTrees((), cost, None if gain is None else given(told, gain, walk.unit))


def trade(walk: Walk, step: Step, local: Mapping[tuple[str, Leg], StepTrees]) -> StepTrees:
    """Return what units at an amount did; ``local`` are the trees in the key's own currency."""
    parts = tuple(
        walk.match(step, match, reason_of(walk.key, step, match)) for match in step.matches
    )
    costs = [part.cost for part in parts]
    opened = step.quantity + sum((match.quantity for match in step.matches), ZERO)
    opening = [_opened(walk, step, opened)] if opened else []
    gain = settled = None
    if step.gain(walk.side) is not None:
        gain = _gain(walk, step, costs, opened, local)
    if step.on_margin:
        settled = _settled(walk, step, gain)
    carried: tuple[Carried, ...] = ()
    if step.does is EffectKind.CARRY:
        carried = tuple(
            Carried(match, cost) for match, cost in zip(step.matches, costs, strict=True)
        )
    return StepTrees(parts, walk.moved(step, opening, costs), gain, carried, settled)


def _opened(walk: Walk, step: Step, quantity: Decimal) -> Node:
    """Open what a step adds, and return what it cost."""
    taken = sum((cost_of(match, walk.side) for match in step.matches), ZERO)
    cost = step.cost(walk.side) + taken
    node = stated(_opening(walk, step, quantity), cost)
    moved = given(title_of(step), quantity, walk.key.security_id, fact_of(step))
    is_pooled = walk.key.rule_on(step.on) is LotRule.AVCO
    lot_id, opened_on = step.name[0], step.on
    if is_pooled and walk.lots:
        lot_id = walk.lots[0].lot_id
    elif step.opens:
        lot_id, opened_on = step.opens[0].lot_id, step.opens[0].opened_on
    lot = Lot(lot_id, opened_on, quantity, cost, cost)
    walk.add(lot, node, moved, merges=is_pooled)
    return node


def _opening(walk: Walk, step: Step, quantity: Decimal) -> Node:
    """Return what a new lot cost: the amount, or the rest of it beyond what it closed."""
    label = f"{decimal_text(quantity)} opened by {title_of(step)}"
    if step.matches:
        closing, whole = _closing(walk, step, quantity)
        return derived(label, walk.unit, Formula.DIFFERENCE, (closing, whole))
    value = _value(walk, step)
    if quantity < 0:
        value = derived("proceeds of the short sale", walk.unit, Formula.NEGATIVE, (value,))
    return derived(label, walk.unit, Formula.SUM, (value,))


def _value(walk: Walk, step: Step) -> Node:
    """Return what was paid or received, with the cost that an exercise carried here."""
    value = value_tree(walk.key, step, walk.side)
    if step.does is not EffectKind.ABSORB:
        return value
    if step.brought is None:
        return value
    rate = step.rates.from_local if walk.side is Side.LOCAL else step.rates.from_base
    parts = step.brought.parts(walk.side)
    unit = parts[0].cost.unit if parts else walk.unit
    cost = derived(
        f"cost carried here from {step.brought.place}",
        unit,
        Formula.SUM,
        [part.cost for part in parts],
    )
    cost = converted_tree(cost, rate, walk.unit)
    if step.quantity > 0:
        return derived("amount and the cost carried here", walk.unit, Formula.SUM, (value, cost))
    label = "amount less the cost carried here"
    return derived(label, walk.unit, Formula.DIFFERENCE, (value, cost))


def _gain(
    walk: Walk,
    step: Step,
    parts: Sequence[Node],
    opened: Decimal,
    local: Mapping[tuple[str, Leg], StepTrees],
) -> Node:
    label = f"gain of {title_of(step)}"
    if step.on_margin and walk.side is Side.BASE:
        return in_base(walk, step, local)
    node = given("nothing was closed", ZERO, walk.unit)
    if parts:
        closing, _ = _closing(walk, step, opened)
        matched = derived("cost of what was matched", walk.unit, Formula.SUM, parts)
        node = derived(label, walk.unit, Formula.DIFFERENCE, (closing, matched))
    costs = _costs(step)
    if step.on_margin and costs is not None:
        node = derived(f"{label} less its costs", walk.unit, Formula.DIFFERENCE, (node, costs))
    return stated(node, step.gain(walk.side))


def _costs(step: Step) -> Node | None:
    """Return the costs of a trade on margin, which its gain bears."""
    known = step.transaction
    if known is None or not (known.fee or known.tax):
        return None
    unit = known.trade_currency
    leaves = [
        given(name, value, unit, fact_of(step))
        for name, value in (("fee", known.fee), ("tax", known.tax))
        if value
    ]
    costs = derived("costs", unit, Formula.SUM, leaves)
    return converted_tree(costs, step.rates.trade_to_local, step.currency)


def in_base(walk: Walk, step: Step, local: Mapping[tuple[str, Leg], StepTrees]) -> Node:
    """Return a gain on margin in base currency: the local one at the rate of the day."""
    found = local.get(step.name)
    value = step.realised_local
    label = f"gain of {title_of(step)}"
    own = None if found is None else found.gain
    if own is None:
        own = given(f"{label}, {AS_BOOKED}", value or ZERO, step.currency)
    node = converted_tree(own, step.rates.to_base, walk.unit, step.gain(walk.side))
    return stated(node, step.gain(walk.side))


def _settled(walk: Walk, step: Step, gain: Node | None) -> Node | None:
    """Return the cash that a trade on margin moves: its gain, in the currency it settles in."""
    if walk.side is Side.BASE:
        return None
    own = gain
    if own is None:
        own = given("nothing was gained and nothing paid", ZERO, unit_of(walk.key, Side.LOCAL))
    return settled_tree(step, own)


def settled_tree(step: Step, gain: Node) -> Node | None:
    """Return what a gain on margin moves on the cash account it is settled on."""
    if step.transaction is None:
        return None
    if step.rates.to_cash is not None:
        return converted_tree(gain, step.rates.to_cash, step.transaction.currency)
    return derived(f"{gain.label} in cash", step.transaction.currency, Formula.SUM, (gain,))


def _closing(walk: Walk, step: Step, opened: Decimal) -> tuple[Node, Node]:
    """Return what the closed units brought, and what the whole transaction brought."""
    whole = _value(walk, step)
    if step.quantity > 0:
        whole = derived("paid to close", walk.unit, Formula.NEGATIVE, (whole,))
    if not opened:
        return whole, whole
    children = (
        whole,
        given("closed", step.quantity - opened, walk.key.security_id),
        given("traded", step.quantity, walk.key.security_id),
    )
    return derived("part of the closed units", walk.unit, Formula.SHARE, children), whole
