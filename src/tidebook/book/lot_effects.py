"""What corporate actions, carries, marks and changes of method do to the lots of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.book.derivation import Formula, derived, given, stated
from tidebook.book.lot_reasons import reason_of
from tidebook.book.lot_trades import in_base, settled_tree
from tidebook.book.lot_walk import StepTrees
from tidebook.book.postings import EffectKind
from tidebook.book.trees.moves import arriving_units, split_tree, spread_trees
from tidebook.book.trees.steps import (
    AS_BOOKED,
    Carried,
    Side,
    converted_tree,
    cost_of,
    fact_of,
    title_of,
    value_tree,
)
from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidebook.book.derivation import Node
    from tidebook.book.lot_walk import Running, Walk
    from tidebook.book.postings import Leg
    from tidebook.book.trees.steps import Step

    Trees = Mapping[tuple[str, Leg], StepTrees]


def split(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Change every lot's units; what each cost stays."""
    del local
    parts = tuple(map(walk.whole, step.matches))
    for match, after in zip(step.matches, step.opens, strict=True):
        lot = walk.found(match)
        node = split_tree(walk.key, step, match, lot.held())
        lot.moves = [stated(node, after.quantity)]
        lot.quantity = after.quantity
    label = f"cost moved by {title_of(step)}: it changes units alone"
    return StepTrees(parts, given(label, step.cost(walk.side), walk.unit, fact_of(step)))


def returned(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Lower every lot's cost by its part of what was paid; what exceeds it is a gain."""
    del local
    parts = tuple(map(walk.whole, step.matches))
    paid, cash = _paid(walk, step)
    shares = spread_trees(paid, step.matches, "returned on lot")
    lowered: list[Node] = []
    excess: list[Node] = []
    for match, after, part in zip(step.matches, step.opens, shares, strict=True):
        lot = walk.found(match)
        taken, value = part, lot.cost - cost_of(after, walk.side)
        if part.value is not None and part.value != value:
            told = given(f"cost of {lot.label} before", lot.cost, walk.unit)
            beyond = f"returned on {lot.label} beyond its cost"
            excess.append(derived(beyond, walk.unit, Formula.DIFFERENCE, (part, told)))
            taken = derived(f"all that {lot.label} cost", walk.unit, Formula.SUM, (told,))
        lot.lowered(taken, taken, walk.unit, cost_of(after, walk.side))
        lowered.append(taken)
    gain = None
    if step.gain(walk.side) is not None:
        label = f"gain of {title_of(step)}: what exceeds the cost"
        gain = stated(derived(label, walk.unit, Formula.SUM, excess), step.gain(walk.side))
    cost = walk.moved(step, (), lowered)
    return StepTrees(parts, cost, gain, settled=cash if walk.side is Side.LOCAL else None)


def marked(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Let every lot cost what it is worth at a price; the difference is the gain."""
    parts = tuple(map(walk.whole, step.matches))
    before = [part.cost for part in parts]
    after: list[Node] = []
    for match, lot in zip(step.matches, step.opens, strict=True):
        worth = stated(_worth(walk, step, walk.found(match)), cost_of(lot, walk.side))
        walk.found(match).becomes(worth, cost_of(lot, walk.side))
        after.append(worth)
    if walk.side is Side.BASE:
        gain = in_base(walk, step, local)
    else:
        below = (
            derived("worth after it", walk.unit, Formula.SUM, after),
            derived("cost before it", walk.unit, Formula.SUM, before),
        )
        node = derived(f"gain of {title_of(step)}", walk.unit, Formula.DIFFERENCE, below)
        gain = stated(node, step.gain(walk.side))
    settled = settled_tree(step, gain) if walk.side is Side.LOCAL else None
    return StepTrees(parts, walk.moved(step, after, before), gain, settled=settled)


def _worth(walk: Walk, step: Step, lot: Running) -> Node:
    """Return what a lot is worth at the price of a mark, in the currency of the walk."""
    known, effect = step.transaction, step.effect
    label = f"{lot.label} at the price of {title_of(step)}"
    if known is None or effect is None:
        return given(f"{label}, {AS_BOOKED}", lot.cost, walk.unit)
    price = given("price", known.price, known.trade_currency, fact_of(step))
    if step.contract != ONE:
        times = given(f"multiplier of {known.security_id}", step.contract, "")
        told = "price with the multiplier"
        price = derived(told, known.trade_currency, Formula.PRODUCT, (price, times))
    price = converted_tree(price, step.rates.trade_to_local, step.currency)
    held = given(f"held in {lot.label}", lot.quantity, lot.units)
    worth = derived(label, step.currency, Formula.CONVERTED, (held, price))
    if walk.side is Side.LOCAL:
        return worth
    return converted_tree(worth, step.rates.to_base, walk.unit)


def carried(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Take everything, or only a part of the cost, and put it on its way to another key."""
    del local
    effect = step.effect
    if effect is not None and effect.stays:
        return _cost_leaves(walk, step)
    parts = [walk.match(step, match, "all of it leaves") for match in step.matches]
    costs = [part.cost for part in parts]
    sent = [
        Carried(match, _fraction(walk, step, cost))
        for match, cost in zip(step.matches, costs, strict=True)
    ]
    gain = settled = None
    if step.gain(walk.side) is not None:
        gain = _carried_gain(walk, step, costs, [one.cost for one in sent])
    if effect is not None and effect.per_unit and walk.side is Side.LOCAL:
        settled = _cash(step)
    return StepTrees(tuple(parts), walk.moved(step, (), costs), gain, tuple(sent), settled)


def _cost_leaves(walk: Walk, step: Step) -> StepTrees:
    """Let a part of every lot's cost go, and its units stay."""
    parts = tuple(map(walk.whole, step.matches))
    sent: list[Carried] = []
    for match, after in zip(step.matches, step.opens, strict=True):
        lot = walk.found(match)
        moved = _fraction(walk, step, lot.before(walk.unit))
        told = _fraction(walk, step, given(f"{lot.label} before", lot.cost, walk.unit))
        lot.lowered(moved, told, walk.unit, cost_of(after, walk.side))
        sent.append(Carried(match, moved))
    cost = walk.moved(step, (), [one.cost for one in sent])
    return StepTrees(parts, cost, carried=tuple(sent))


def _fraction(walk: Walk, step: Step, cost: Node) -> Node:
    """Return the part of a cost that is carried."""
    part = ONE if step.effect is None else step.effect.fraction
    leaf = given("part of the cost that is carried", part, "", fact_of(step))
    label = f"carried by {title_of(step)}"
    return derived(label, walk.unit, Formula.CONVERTED, (cost, leaf))


def _carried_gain(walk: Walk, step: Step, costs: Sequence[Node], sent: Sequence[Node]) -> Node:
    """Return what cash brought beyond the cost that was not carried."""
    cash = _in_side(walk, step, _cash(step))
    kept = (
        derived("cost of what left", walk.unit, Formula.SUM, costs),
        derived("cost that was carried", walk.unit, Formula.SUM, sent),
    )
    below = (cash, derived("cost of what was paid for", walk.unit, Formula.DIFFERENCE, kept))
    node = derived(f"gain of {title_of(step)}", walk.unit, Formula.DIFFERENCE, below)
    return stated(node, step.gain(walk.side))


def _paid(walk: Walk, step: Step) -> tuple[Node, Node | None]:
    """Return what was paid back, and the cash that it settles if the holding determined it."""
    effect = step.effect
    if effect is None or not effect.per_unit:
        return value_tree(walk.key, step, walk.side), None
    cash = _cash(step)
    return _in_side(walk, step, cash), cash


def _cash(step: Step) -> Node:
    """Return the cash of a corporate action: so much for every unit that was held."""
    per_unit = ZERO if step.effect is None else step.effect.per_unit
    held = sum((match.quantity for match in step.matches), ZERO)
    unit = step.currency
    if step.action is not None:
        unit = step.action.cash_currency or step.currency
    below = (
        given("cash for one unit", per_unit, unit, fact_of(step)),
        given("held when it took effect", held, ""),
    )
    return derived(f"cash of {title_of(step)}", unit, Formula.CONVERTED, below)


def _in_side(walk: Walk, step: Step, cash: Node) -> Node:
    rates = step.rates
    rate = rates.trade_to_local if walk.side is Side.LOCAL else rates.trade_to_base
    return converted_tree(cash, rate, walk.unit)


def arrived(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Open what was carried here, with the lots and the key that it came from."""
    del local
    brought, title = step.brought, title_of(step)
    parts = () if brought is None else brought.parts(walk.side)
    rate = step.rates.from_local if walk.side is Side.LOCAL else step.rates.from_base
    units = arriving_units(walk.key, step)
    costs: list[Node] = []
    for index, lot in enumerate(step.opens):
        value = cost_of(lot, walk.side)
        if len(parts) == len(step.opens) and brought is not None:
            sent = parts[index]
            label = (
                f"lot {sent.lot.lot_id} of {sent.lot.opened_on} carried here from "
                f"{brought.place} by {title}"
            )
            came = converted_tree(sent.cost, rate, walk.unit, value)
            node = stated(derived(label, walk.unit, Formula.SUM, (came,)), value)
        else:
            label = f"lot {lot.lot_id} carried here by {title}, {AS_BOOKED}"
            node = given(label, value, walk.unit, fact_of(step))
        moved = given(title, lot.quantity, walk.key.security_id, fact_of(step))
        walk.add(lot, node, units[index] if units else moved, merges=True)
        costs.append(node)
    return StepTrees((), walk.moved(step, costs, ()))


def pooled(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Make one pool of a key's lots, because its cost method changed."""
    del local
    title = f"one pool of all lots from {step.on} on"
    parts = tuple(map(walk.whole, step.matches))
    lots = [walk.found(match) for match in step.matches]
    taken = [lot.trees(walk.unit) for lot in lots]
    for lot in lots:
        if lot in walk.lots:
            walk.lots.remove(lot)
    costs = [lot.cost for lot in taken]
    opened: list[Node] = []
    for lot in step.opens:
        whole = derived(title, walk.unit, Formula.SUM, costs)
        node = stated(whole, cost_of(lot, walk.side))
        units = derived(title, walk.key.security_id, Formula.SUM, [one.quantity for one in taken])
        walk.add(lot, node, units)
        opened.append(node)
    return StepTrees(parts, walk.moved(step, opened, costs))


def levelled(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Move cost between the keys of a taxpayer's pool, so that every unit costs the same."""
    del local
    label = f"cost that levels the taxpayer's pool before {title_of(step)}"
    node = given(label, step.cost(walk.side), walk.unit, fact_of(step))
    parts = tuple(map(walk.whole, step.matches))
    for match in step.matches[:1]:
        lot = walk.found(match)
        lot.cost += step.cost(walk.side)
        lot.opened.append(node)
        lot.since.append(node)
    cost = derived(f"cost moved by {title_of(step)}", walk.unit, Formula.SUM, (node,))
    return StepTrees(parts, stated(cost, step.cost(walk.side)))


def as_booked(walk: Walk, step: Step, local: Trees) -> StepTrees:
    """Put lots in the place of others, as they were booked, where no fact known now says why."""
    del local
    parts = [walk.match(step, match, reason_of(walk.key, step, match)) for match in step.matches]
    opened: list[Node] = []
    for lot in step.opens:
        label = f"lot {lot.lot_id} opened by {title_of(step)}, {AS_BOOKED}"
        node = given(label, cost_of(lot, walk.side), walk.unit, fact_of(step))
        moved = given(title_of(step), lot.quantity, walk.key.security_id, fact_of(step))
        walk.add(lot, node, moved, merges=True)
        opened.append(node)
    gain = step.gain(walk.side)
    told = f"gain of {title_of(step)}, {AS_BOOKED}"
    return StepTrees(
        tuple(parts),
        walk.moved(step, opened, [part.cost for part in parts]),
        None if gain is None else given(told, gain, walk.unit, fact_of(step)),
    )


EFFECTS: Final[Mapping[EffectKind, Callable[[Walk, Step, Trees], StepTrees]]] = {
    EffectKind.SPLIT: split,
    EffectKind.RETURN: returned,
    EffectKind.MARK: marked,
    EffectKind.ARRIVE: arrived,
}
"""By kind, what an effect does that is no trade; a carry of everything is :func:`carried`."""
