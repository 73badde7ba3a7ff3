"""Where the lines of realised gains come from: each lot's part of what a disposal brought.

The figures are those of ``tidebook.book.gains``, formed here as trees over the step that realised
them: proceeds divided by units, the last line taking what rounding leaves of the others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import Formula, derived, given, stated, undefined
from tidebook.book.gains import NO_RATES, NOTHING_PAID, GainKind
from tidebook.book.holding_periods import Term
from tidebook.book.trades import Side as Held
from tidebook.book.trees.lots import replay
from tidebook.book.trees.moves import spread_trees
from tidebook.book.trees.positions import gain_splits
from tidebook.book.trees.steps import AS_BOOKED, Side, cost_of, fact_of, fx_rate_tree, unit_of
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.gains import Gain, Terms
    from tidebook.book.postings import Leg
    from tidebook.book.trees.lots import Replayed
    from tidebook.book.trees.positions import GainSplit
    from tidebook.book.trees.steps import Key, Step


class GainTrees(NamedTuple):
    """The trees of one line of realised gains."""

    quantity: Node
    proceeds: Node
    proceeds_local: Node
    cost: Node
    cost_local: Node
    realised: Node
    realised_local: Node
    realised_price: Node
    realised_currency: Node
    tax: Node


class _Part(NamedTuple):
    """One lot's part in one currency, signed as the lot is; value less cost is the gain."""

    gain: Node
    value: Node | None = None
    cost: Node | None = None


class KeyGains:
    """Draws the gains of one key; its steps are walked once for all of them."""

    def __init__(self, key: Key, steps: Sequence[Step], terms: Terms) -> None:
        """Walk the steps of a key in both currencies."""
        self._key = key
        self._terms = terms
        self._steps = {step.name: step for step in steps}
        self._walked: Mapping[Side, Replayed] = {side: replay(key, steps, side) for side in Side}
        self._splits: Mapping[tuple[str, Leg], GainSplit] = gain_splits(key, steps)

    def trees(self, name: tuple[str, Leg], gains: Sequence[Gain]) -> tuple[GainTrees, ...]:
        """Return the trees of what one step gained, line by line.

        Args:
            name: The step.
            gains: What ``gains_of`` tells of it.
        """
        step = self._steps[name]
        with exact():
            local = self._parts(step, gains, Side.LOCAL, ())
            base = self._parts(step, gains, Side.BASE, local)
        prices = self._prices(step, gains, local)
        return tuple(
            self._line(step, gain, (one, other, price))
            for gain, one, other, price in zip(gains, local, base, prices, strict=True)
        )

    def _parts(
        self, step: Step, gains: Sequence[Gain], side: Side, local: Sequence[_Part]
    ) -> list[_Part]:
        """Return every line's part; ``local`` are those in the key's own currency."""
        whole, costs = self._whole(step, side), self._costs(step, side)
        kind = gains[0].kind
        if kind is GainKind.COST:
            return [_Part(whole)]
        if kind is GainKind.CAPITAL_RETURN:
            return self._returned(whole, gains, side)
        if gains[0].proceeds_base is None and side is Side.BASE:
            return self._on_margin(step, whole, gains, local)
        if kind is GainKind.SETTLEMENT:
            return _settled(whole, step, costs)
        if kind is GainKind.MERGER:
            fraction = self._terms.fractions[step.name[0]]
            costs = [_kept(cost, given("carried", fraction, "", fact_of(step))) for cost in costs]
        received = _received(whole, costs)
        values = [received]
        if len(costs) > 1:
            values = spread_trees(received, step.matches, "brought by lot")
        unit = unit_of(self._key, side)
        return [
            _Part(derived("gain", unit, Formula.DIFFERENCE, (value, cost)), value, cost)
            for value, cost in zip(values, costs, strict=True)
        ]

    def _whole(self, step: Step, side: Side) -> Node:
        """Return what a step gained on all its lots together."""
        found = self._walked[side].steps[step.name].gain
        value = step.gain(side) or ZERO
        if found is None:
            return given(f"gain, {AS_BOOKED}", value, unit_of(self._key, side), fact_of(step))
        return stated(found, value)

    def _costs(self, step: Step, side: Side) -> list[Node]:
        """Return what each consumed lot had cost."""
        parts = self._walked[side].steps[step.name].parts
        if len(parts) == len(step.matches):
            return [part.cost for part in parts]
        unit = unit_of(self._key, side)
        return [
            given(f"cost of lot {lot.lot_id}, {AS_BOOKED}", cost_of(lot, side), unit, fact_of(step))
            for lot in step.matches
        ]

    def _returned(self, whole: Node, gains: Sequence[Gain], side: Side) -> list[_Part]:
        """Return what each lot was paid beyond its cost; the gain is the sum of just these."""
        unit, found = unit_of(self._key, side), iter(whole.children)
        parts: list[_Part] = []
        for gain in gains:
            value = gain.gain_local if side is Side.LOCAL else gain.gain_base
            beyond = next(found, None) if value else None
            if beyond is None:
                told = AS_BOOKED if value else "not more than it had cost"
                beyond = given(f"returned on lot {gain.lot_id}: {told}", value, unit)
            nothing = given("its cost was paid back before", ZERO, unit)
            parts.append(_Part(beyond, beyond, nothing))
        return parts

    def _on_margin(
        self, step: Step, whole: Node, gains: Sequence[Gain], local: Sequence[_Part]
    ) -> list[_Part]:
        """Return gains on margin in base currency: the local ones at the rate of the day."""
        unit, rate = self._key.base_currency, fx_rate_tree(self._key, step)
        parts = [
            derived(f"gain in {unit}", unit, Formula.CONVERTED, (part.gain, rate))
            for part in local[:-1]
        ]
        others = [given(f"gain on lot {gain.lot_id}", gain.gain_base, unit) for gain in gains[:-1]]
        last = derived("what the others leave", unit, Formula.DIFFERENCE, (whole, *others))
        return [_Part(node) for node in (*parts, last)]

    def _prices(self, step: Step, gains: Sequence[Gain], local: Sequence[_Part]) -> list[Node]:
        """Return what each line gained by price: its local gain at the rate of the step."""
        unit, rate = self._key.base_currency, fx_rate_tree(self._key, step)
        parts = [
            derived("gain by price", unit, Formula.CONVERTED, (part.gain, rate))
            for part in local[:-1]
        ]
        split = self._splits.get(step.name)
        if split is None:
            whole = given(f"gain by price, {AS_BOOKED}", step.realised_price or ZERO, unit)
        else:
            whole = split.price
        others = [
            given(f"gain by price on lot {gain.lot_id}", gain.price_base, unit)
            for gain in gains[:-1]
        ]
        formula = Formula.DIFFERENCE if others else Formula.SUM
        return [*parts, derived("gain by price", unit, formula, (whole, *others))]

    def _line(self, step: Step, gain: Gain, parts: tuple[_Part, _Part, Node]) -> GainTrees:
        local, base, price = parts
        key, told = self._key, f"of lot {gain.lot_id} closed by {gain.closed_by}"
        sold, paid = ("value", "cost") if gain.side is Held.LONG else ("cost", "value")
        held = given(f"units {told}", gain.quantity, key.security_id, fact_of(step))
        realised = stated(_named(base.gain, f"gain {told}"), gain.gain_base)
        by_price = stated(_named(price, f"gain by price {told}"), gain.price_base)
        below = (realised, by_price)
        by_rate = derived(f"gain by currency {told}", key.base_currency, Formula.DIFFERENCE, below)
        return GainTrees(
            held,
            _amount(base, sold, f"proceeds {told}", gain.proceeds_base),
            _amount(local, sold, f"proceeds {told}", gain.proceeds_local),
            _amount(base, paid, f"cost {told}", gain.cost_base),
            _amount(local, paid, f"cost {told}", gain.cost_local),
            realised,
            stated(_named(local.gain, f"gain {told}"), gain.gain_local),
            by_price,
            stated(by_rate, gain.currency_base),
            stated(self._tax(gain, realised, told), gain.tax_base),
        )

    def _tax(self, gain: Gain, realised: Node, told: str) -> Node:
        unit, rates = self._key.base_currency, self._terms.tax
        if self._terms.tax_reason is not None:
            return undefined(f"tax {told}: {NO_RATES}", unit)
        is_long = gain.term is Term.LONG
        label = f"the portfolio's rate for {'long' if is_long else 'short'} term, held "
        label += f"{gain.days_held} days"
        rate = given(label, rates.long_term if is_long else rates.short_term, "")
        return derived(f"tax {told}", unit, Formula.CONVERTED, (realised, rate))


def _settled(whole: Node, step: Step, before: Sequence[Node]) -> list[_Part]:
    """Return what a settlement at a price gained: what each lot is worth less what it was."""
    unit, after = whole.unit, whole.children[0].children if whole.children else ()
    if len(after) != len(step.opens):
        after = tuple(
            given(f"lot {lot.lot_id} at the price, {AS_BOOKED}", lot.cost_local, unit)
            for lot in step.opens
        )
    pairs = zip(after, before, strict=True)
    return [_Part(derived("gain", unit, Formula.DIFFERENCE, pair)) for pair in pairs]


def _kept(cost: Node, fraction: Node) -> Node:
    """Return the part of a cost that was not carried on."""
    carried = derived("cost carried on", cost.unit, Formula.CONVERTED, (cost, fraction))
    label = "cost of what was paid for"
    return derived(label, cost.unit, Formula.DIFFERENCE, (cost, carried))


def _received(whole: Node, costs: Sequence[Node]) -> Node:
    """Return what was received for all lots: what the gain is formed from, or cost and gain."""
    first = whole.children[0] if whole.formula is Formula.DIFFERENCE else None
    known = [cost.value for cost in costs if cost.value is not None]
    if first is not None and whole.value is not None and first.value == whole.value + sum(known):
        return first
    return derived("cost and gain", whole.unit, Formula.SUM, (whole, *costs))


def _named(node: Node, label: str) -> Node:
    """Return a figure under the name of its line."""
    if node.source is not None:
        return derived(label, node.unit, Formula.SUM, (node,))
    return replace(node, label=label)


def _amount(part: _Part, name: str, label: str, value: Decimal | None) -> Node:
    """Return proceeds or cost; a short sale is paid for first and costs what covers it."""
    node = part.value if name == "value" else part.cost
    if value is None or node is None:
        return undefined(f"{label}: {NOTHING_PAID}", part.gain.unit)
    turns = node.value == -value and node.value
    formula = Formula.NEGATIVE if turns else Formula.SUM
    return stated(derived(label, node.unit, formula, (node,)), value)
