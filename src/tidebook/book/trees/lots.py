"""Where lots come from: a key's steps walked once more, lots opened and taken from on the way.

Each part that a step took is formed from the lot as it stood before, and beside every node stands
the figure that the book holds for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.lot_effects import EFFECTS, as_booked, carried, levelled, pooled
from tidebook.book.lot_trades import trade, unit_step
from tidebook.book.lot_walk import LotTrees, Part, StepTrees, Walk
from tidebook.book.lots import LotRule
from tidebook.book.postings import EffectKind, Leg
from tidebook.book.trees.steps import Side
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.book.trees.steps import Key, Step

__all__ = ["LotTrees", "Part", "Replayed", "StepTrees", "replay"]


class Replayed(NamedTuple):
    """A key's open lots in the order of opening, and its steps by fact and leg."""

    lots: tuple[LotTrees, ...]
    steps: dict[tuple[str, Leg], StepTrees]


def replay(key: Key, steps: Sequence[Step], side: Side) -> Replayed:
    """Walk a key's steps in their order and return where its lots and gains come from.

    Cash of the base currency, whose every unit costs one, has no lots; its steps are told by what
    they moved.
    """
    ordered = sorted(steps, key=lambda one: one.order)
    local: dict[tuple[str, Leg], StepTrees] = {}
    if side is Side.BASE and any(step.on_margin for step in ordered):
        local = replay(key, ordered, Side.LOCAL).steps
    walk = Walk(key, side)
    with exact():
        found = {step.name: _take(walk, step, local) for step in ordered}
        return Replayed(tuple(lot.trees(walk.unit) for lot in walk.lots), found)


def _take(walk: Walk, step: Step, local: dict[tuple[str, Leg], StepTrees]) -> StepTrees:
    """Return where one step's cost and gain come from, and let it change the lots."""
    if walk.key.rule is LotRule.UNIT:
        return unit_step(walk, step)
    if step.leg in _LEGS:
        return _LEGS[step.leg](walk, step, local)
    effect = step.effect
    if effect is None:
        return as_booked(walk, step, local) if _exchanges(step) else trade(walk, step, local)
    if effect.kind is EffectKind.CARRY and effect.everything:
        return carried(walk, step, local)
    return EFFECTS.get(effect.kind, trade)(walk, step, local)


_LEGS: Final = {Leg.METHOD: pooled, Leg.POOL: levelled}


def _exchanges(step: Step) -> bool:
    """Tell whether a step put lots in the place of others, or opened several, as no trade does."""
    if step.action is not None or len(step.opens) > 1:
        return True
    replaced = {match.lot_id for match in step.matches}
    return any(lot.lot_id in replaced for lot in step.opens)
