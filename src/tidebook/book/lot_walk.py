"""The lots of one key while its steps are walked, each with the nodes that say why it is so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import Formula, Node, derived, given, stated
from tidebook.book.lots import LotRule
from tidebook.book.trees.steps import AS_BOOKED, cost_of, fact_of, title_of, unit_of
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Lot, Match
    from tidebook.book.trees.steps import Carried, Key, Side, Step


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
    """What one step did: the parts it took, its change of cost, and its gain if any.

    ``carried`` is what it put on its way to another key, ``settled`` the cash that it determined.
    """

    parts: tuple[Part, ...]
    cost: Node
    gain: Node | None = None
    carried: tuple[Carried, ...] = ()
    settled: Node | None = None


@dataclass(slots=True, eq=False)
class Running:
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
        label = f"{self.label}: {decimal_text(self.quantity)} held"
        cost = Node(label, self.cost, unit, Formula.DIFFERENCE, (self._opening(unit), *self.parts))
        return LotTrees(self.lot_id, self.held(), cost)

    def held(self) -> Node:
        """Return what the lot holds."""
        quantity = derived(f"quantity of {self.label}", self.units, Formula.SUM, self.moves)
        return stated(quantity, self.quantity)

    def becomes(self, cost: Node, value: Decimal) -> None:
        """Let the lot cost something else altogether."""
        self.opened, self.parts, self.since = [cost], [], [cost]
        self.cost = value

    def lowered(self, part: Node, told: Node, unit: str, after: Decimal) -> None:
        """Let a part of the cost go; ``told`` is the part with the lot before it as a leaf."""
        whole = given(f"cost of {self.label} before", self.cost, unit)
        leaf = given(part.label, part.value, unit) if part.value is not None else part
        self.parts.append(told)
        label = f"less {part.label}"
        self.since = [stated(derived(label, unit, Formula.DIFFERENCE, (whole, leaf)), after)]
        self.cost = after

    def _opening(self, unit: str) -> Node:
        if len(self.opened) == 1:
            return self.opened[0]
        return derived("what came into the lot", unit, Formula.SUM, self.opened)


class Walk:
    """The lots of one key while its steps are walked, in one currency."""

    def __init__(self, key: Key, side: Side) -> None:
        """Begin with nothing."""
        self.key = key
        self.side = side
        self.unit = unit_of(key, side)
        # A list, not a dictionary: both legs of one transaction may open a lot of its name.
        self.lots: list[Running] = []

    def find(self, lot_id: str) -> Running | None:
        """Return the oldest open lot of a name."""
        return next((lot for lot in self.lots if lot.lot_id == lot_id), None)

    def found(self, lot: Lot) -> Running:
        """Return a lot that a step names; one that no step opened is taken as it was booked."""
        running = self.find(lot.lot_id)
        if running is not None:
            return running
        cost = given(f"lot {lot.lot_id}, {AS_BOOKED}", cost_of(lot, self.side), self.unit)
        held = given(f"lot {lot.lot_id}, {AS_BOOKED}", lot.quantity, self.key.security_id)
        return self.add(lot, cost, held)

    def match(self, step: Step, match: Match, reason: str) -> Part:
        """Take a part of a lot: its cost by the units, all of it with the last one."""
        lot, cost, title = self.found(match), cost_of(match, self.side), title_of(step)
        size, held = decimal_text(abs(match.quantity)), decimal_text(abs(lot.quantity))
        label = f"{size} of {held} matched by {title} ({reason})"
        whole = given(f"cost of {lot.label} before", lot.cost, self.unit)
        sizes = (
            given("matched", match.quantity, self.key.security_id),
            given("held in the lot before", lot.quantity, self.key.security_id),
        )
        below = (lot.before(self.unit), *sizes)
        part = Node(label, cost, self.unit, Formula.SHARE, below, fact_of(step))
        lot.parts.append(replace(part, children=(whole, *sizes)))
        taken = given(f"taken by {title}", cost, self.unit)
        lot.since = [derived(f"less {title}", self.unit, Formula.DIFFERENCE, (whole, taken))]
        moved = given(title, -match.quantity, lot.units, fact_of(step))
        lot.moves.append(moved)
        lot.quantity -= match.quantity
        lot.cost -= cost
        if not lot.quantity:
            self.lots.remove(lot)
        units = given(f"taken by {title}", match.quantity, lot.units, fact_of(step))
        return Part(match.lot_id, units, part)

    def whole(self, match: Match) -> Part:
        """Return all of a lot as it stands, before a step puts something in its place."""
        lot = self.found(match)
        units = given(f"held in {lot.label}", match.quantity, lot.units)
        return Part(match.lot_id, units, lot.before(self.unit))

    def add(self, lot: Lot, cost: Node, moved: Node, *, merges: bool = False) -> Running:
        """Open a lot, or add to the one of its name where units are added to it."""
        value = cost_of(lot, self.side)
        known = self.find(lot.lot_id) if merges else None
        if known is not None:
            known.quantity += lot.quantity
            known.cost += value
            known.opened.append(cost)
            known.since.append(cost)
            known.moves.append(moved)
            return known
        security_id = self.key.security_id
        label = f"{self.noun(lot.opened_on)} {lot.lot_id} of {lot.opened_on}"
        running = Running(
            lot.lot_id, label, security_id, lot.quantity, value, [cost], [cost], [moved]
        )
        self.lots.append(running)
        return running

    def noun(self, on: date) -> str:
        """Return what a lot is called under the rule of a day."""
        return "pool" if self.key.rule_on(on) is LotRule.AVCO else "lot"

    def moved(self, step: Step, opened: Sequence[Node], taken: Sequence[Node]) -> Node:
        """Return a step's change of cost: what it opened less what it took."""
        label, total = f"cost moved by {title_of(step)}", step.cost(self.side)
        if not opened and not taken:
            return given(f"{label}: it moves no units", total, self.unit, fact_of(step))
        if len(opened) == 1:
            node = derived(label, self.unit, Formula.DIFFERENCE, (opened[0], *taken))
        elif opened:
            whole = derived("cost of what was opened", self.unit, Formula.SUM, opened)
            node = derived(label, self.unit, Formula.DIFFERENCE, (whole, *taken))
        else:
            whole = derived("cost of what was matched", self.unit, Formula.SUM, taken)
            node = derived(label, self.unit, Formula.NEGATIVE, (whole,))
        return stated(node, total)
