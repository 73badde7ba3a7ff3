"""Where lots come from: a key's steps walked once more, lots opened and taken from on the way.

Each part that a step took is formed from the lot as it stood before, and beside every node stands
the figure that the book holds for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import Formula, Node, derived, given, stated
from tidebook.book.lots import LotRule
from tidebook.book.step_trees import Side, fact_of, title_of, unit_of, value_tree
from tidebook.errors import BookMovedError
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tidebook.book.lots import Match
    from tidebook.book.postings import Leg
    from tidebook.book.step_trees import Key, Step


class LotTrees(NamedTuple):
    """An open lot: what it holds and what it costs."""

    lot_id: str
    quantity: Node
    cost: Node


class Part(NamedTuple):
    """What one step took from one lot: the units and their cost."""

    lot_id: str
    quantity: Node
    cost: Node


class StepTrees(NamedTuple):
    """What one step did: the parts it took, its change of cost, and its gain if any."""

    parts: tuple[Part, ...]
    cost: Node
    gain: Node | None


class Replayed(NamedTuple):
    """A key's open lots in the order of opening, and its steps by transaction and leg."""

    lots: tuple[LotTrees, ...]
    steps: dict[tuple[str, Leg], StepTrees]


def replay(key: Key, steps: Iterable[Step], side: Side) -> Replayed:
    """Walk a key's steps in their order and return where its lots and gains come from.

    Cash of the base currency, whose every unit costs one, has no lots; its steps are told by what
    they moved.

    Raises:
        BookMovedError: If a step took from a lot that no step before it opened.
    """
    walk = _Walk(key, side)
    with exact():
        found = {step.name: walk.take(step) for step in sorted(steps, key=lambda one: one.order)}
        return Replayed(tuple(lot.trees(walk.unit) for lot in walk.lots), found)


@dataclass(slots=True, eq=False)
class _Running:
    """A lot on its way: what it holds and costs, and the nodes that say why.

    ``opened`` and ``parts`` explain what it costs now from its beginning; ``since`` explains it
    from the last part that was taken, so that the trees of many sales grow with their number only.
    """

    lot_id: str
    label: str
    units: str
    quantity: Decimal
    cost: Decimal
    opened: list[Node]
    since: list[Node]
    moves: list[Node]
    parts: list[Node] = field(default_factory=list[Node])

    def before(self, unit: str) -> Node:
        """Return what the lot costs now, for the next part to be taken from."""
        label = f"cost of {self.label} before"
        if len(self.since) == 1:
            return replace(self.since[0], label=f"{label}: {self.since[0].label}")
        return derived(label, unit, Formula.SUM, self.since)

    def trees(self, unit: str) -> LotTrees:
        """Return the lot as it stands."""
        opened = self.opened[0]
        if len(self.opened) > 1:
            opened = derived("what was bought into the pool", unit, Formula.SUM, self.opened)
        label = f"{self.label}: {decimal_text(self.quantity)} held"
        cost = Node(label, self.cost, unit, Formula.DIFFERENCE, (opened, *self.parts))
        quantity = derived(f"quantity of {self.label}", self.units, Formula.SUM, self.moves)
        return LotTrees(self.lot_id, stated(quantity, self.quantity), cost)


class _Walk:
    """The lots of one key while its steps are walked."""

    def __init__(self, key: Key, side: Side) -> None:
        self.key = key
        self.side = side
        self.unit = unit_of(key, side)
        # A list, not a dictionary: both legs of one transaction may open a lot of its name.
        self.lots: list[_Running] = []

    def take(self, step: Step) -> StepTrees:
        """Return where one step's cost and gain come from, and let it change the lots."""
        if self.key.rule is LotRule.UNIT:
            return self._unit_step(step)
        parts = tuple(self._match(step, match) for match in step.matches)
        costs = [part.cost for part in parts]
        opened = step.quantity + sum((match.quantity for match in step.matches), ZERO)
        opening = self._open(step, opened) if opened else None
        gain = None
        stated_gain = step.gain(self.side)
        if stated_gain is not None:
            gain = self._gain(step, costs, opened)
        return StepTrees(parts, self._cost(step, opening, costs), gain)

    def _unit_step(self, step: Step) -> StepTrees:
        label = f"cost moved by {title_of(step)}: one per unit"
        cost = given(label, step.cost(self.side), self.unit, fact_of(step))
        gain = step.gain(self.side)
        told = "cash of the base currency gains nothing"
        return StepTrees((), cost, None if gain is None else given(told, gain, self.unit))

    def _cost(self, step: Step, opening: Node | None, parts: list[Node]) -> Node:
        """Return a step's change of cost: what it opened less what it took."""
        label, total = f"cost moved by {title_of(step)}", step.cost(self.side)
        if opening is None and not parts:
            return given(f"{label}: it moves no units", total, self.unit, fact_of(step))
        if opening is not None:
            node = derived(label, self.unit, Formula.DIFFERENCE, (opening, *parts))
        else:
            taken = derived("cost of what was matched", self.unit, Formula.SUM, parts)
            node = derived(label, self.unit, Formula.NEGATIVE, (taken,))
        return stated(node, total)

    def _match(self, step: Step, match: Match) -> Part:
        lot = next((lot for lot in self.lots if lot.lot_id == match.lot_id), None)
        if lot is None:
            raise BookMovedError(self.key.portfolio_id, self.key.security_id)
        cost = match.cost_local if self.side is Side.LOCAL else match.cost_base
        label = (
            f"{decimal_text(abs(match.quantity))} of {decimal_text(abs(lot.quantity))} matched by "
            f"{title_of(step)}"
        )
        whole = given(f"cost of {lot.label} before", lot.cost, self.unit)
        sizes = (
            given("matched", match.quantity, self.key.security_id),
            given("held in the lot before", lot.quantity, self.key.security_id),
        )
        below = (lot.before(self.unit), *sizes)
        part = Node(label, cost, self.unit, Formula.SHARE, below, fact_of(step))
        lot.parts.append(replace(part, children=(whole, *sizes)))
        taken = given(f"taken by {title_of(step)}", cost, self.unit)
        lot.since = [
            derived(f"less {title_of(step)}", self.unit, Formula.DIFFERENCE, (whole, taken))
        ]
        lot.moves.append(given(title_of(step), -match.quantity, lot.units, fact_of(step)))
        lot.quantity -= match.quantity
        lot.cost -= cost
        if not lot.quantity:
            self.lots.remove(lot)
        size = given(f"taken by {title_of(step)}", match.quantity, lot.units, fact_of(step))
        return Part(match.lot_id, size, part)

    def _open(self, step: Step, quantity: Decimal) -> Node:
        taken = sum(
            (m.cost_local if self.side is Side.LOCAL else m.cost_base for m in step.matches), ZERO
        )
        cost = step.cost(self.side) + taken
        node = stated(self._opening(step, quantity), cost)
        moved = given(title_of(step), quantity, self.key.security_id, fact_of(step))
        is_pooled = self.key.rule is LotRule.AVCO
        pool = self.lots[0] if is_pooled and self.lots else None
        if pool is not None:
            pool.quantity += quantity
            pool.cost += cost
            pool.opened.append(node)
            pool.since.append(node)
            pool.moves.append(moved)
            return node
        lot_id = step.transaction.transaction_id
        label = f"{'pool' if is_pooled else 'lot'} {lot_id} of {step.on}"
        self.lots.append(
            _Running(lot_id, label, self.key.security_id, quantity, cost, [node], [node], [moved])
        )
        return node

    def _opening(self, step: Step, quantity: Decimal) -> Node:
        """Return what a new lot cost: the amount, or the rest of it beyond what it closed."""
        label = f"{decimal_text(quantity)} opened by {title_of(step)}"
        if step.matches:
            closing, whole = self._closing(step, quantity)
            return derived(label, self.unit, Formula.DIFFERENCE, (closing, whole))
        value = value_tree(self.key, step, self.side)
        if quantity < 0:
            value = derived("proceeds of the short sale", self.unit, Formula.NEGATIVE, (value,))
        return derived(label, self.unit, Formula.SUM, (value,))

    def _gain(self, step: Step, parts: list[Node], opened: Decimal) -> Node:
        closing, _ = self._closing(step, opened)
        matched = derived("cost of what was matched", self.unit, Formula.SUM, parts)
        label = f"gain of {title_of(step)}"
        node = Node(label, None, self.unit, Formula.DIFFERENCE, (closing, matched))
        return stated(node, step.gain(self.side))

    def _closing(self, step: Step, opened: Decimal) -> tuple[Node, Node]:
        """Return what the closed units brought, and what the whole transaction brought."""
        whole = value_tree(self.key, step, self.side)
        if step.quantity > 0:
            whole = derived("paid to close", self.unit, Formula.NEGATIVE, (whole,))
        if not opened:
            return whole, whole
        children = (
            whole,
            given("closed", step.quantity - opened, self.key.security_id),
            given("traded", step.quantity, self.key.security_id),
        )
        return derived("part of the closed units", self.unit, Formula.SHARE, children), whole
