"""The tree of a traced number: what it was computed from, down to the leaves that were marked.

Sums of sums are told as one sum. A figure that is used in several places is drawn where it comes
first and is a leaf where it comes again, so that a tree is no longer than the computation was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tidebook.book.derivation import Formula, Node, Source, derived, given
from tidebook.model.traced import LEAF, Traced, untraced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

DEPTH_MAX: Final = 100
"""How many computations lie one below the other in a tree; what comes before is a leaf."""
_WORDS: Final = {
    "sum": "sum",
    "difference": "difference",
    "product": "product",
    "negative": "the opposite",
    "converted": "amount at the rate",
    "share": "part",
    "quotient": "quotient",
    "absolute": "size",
    "whole_quotient": "whole units",
    "half_even": "to 18 places",
    "maximum": "the greater",
}
_ADDED: Final = frozenset({"sum", "difference"})
_KEEPS_UNIT: Final = frozenset(
    {"sum", "difference", "negative", "share", "absolute", "half_even", "converted", "maximum"}
)


def tree_of(value: Decimal, label: str, unit: str) -> Node:
    """Return the tree of a number; a number that nothing is remembered of is a leaf.

    Args:
        value: What was computed.
        label: What it is, in words.
        unit: The currency or security that it counts.
    """
    if type(value) is not Traced:
        return given(label, value, unit)
    top = _Drawing(value).node(value, unit, 0)
    if top.formula is Formula.GIVEN:
        return derived(label, unit, Formula.SUM, (top,))
    return replace(top, label=label, unit=unit)


class _Drawing:
    """One tree while it is drawn: what was drawn already, and how often each number is used."""

    def __init__(self, top: Traced) -> None:
        self.drawn: set[int] = set()
        self.uses = _uses(top)

    def node(self, value: Decimal, unit: str, depth: int) -> Node:
        number = untraced(value)
        if not isinstance(value, Traced):
            return given("number", number, "")
        if value.rule == LEAF:
            source = value.fact if isinstance(value.fact, Source) else None
            return given(value.label, number, value.unit, source)
        unit = value.unit or (unit if value.rule in _KEEPS_UNIT else "")
        label = value.label or _WORDS[value.rule]
        if id(value) in self.drawn:
            return given(f"{label}, as above", number, unit)
        if depth == DEPTH_MAX:
            return given(f"{label} of what came before", number, unit)
        self.drawn.add(id(value))
        operands = self._operands(value)
        inherits = len(operands) if value.rule in _ADDED else int(value.rule != "converted")
        below = tuple(
            self.node(one, unit if place < inherits else "", depth + 1)
            for place, one in enumerate(operands)
        )
        counted = [one.unit for one in below if one.unit]
        place = -1 if value.rule == "product" else 0
        unit = unit or (counted[place] if counted else "")
        return Node(label, number, unit, Formula(value.rule), below)

    def _operands(self, value: Traced) -> Sequence[Decimal]:
        """Return the operands, those of an unnamed sum inside a sum beside them."""
        if value.rule not in _ADDED:
            return value.operands
        first, *others = value.operands
        rest = others[::-1]
        while isinstance(first, Traced) and self._is_inside(first, value.rule):
            first, *others = first.operands
            rest += reversed(others)
        return [first, *reversed(rest)]

    def _is_inside(self, one: Traced, rule: str) -> bool:
        is_shared = self.uses[id(one)] > 1 or id(one) in self.drawn
        return one.rule == rule and not one.label and not is_shared


def _uses(top: Traced) -> Counter[int]:
    """Return how often each number is an operand, by identity."""
    found: Counter[int] = Counter()
    pending: list[Traced] = [top]
    while pending:
        for one in pending.pop().operands:
            if isinstance(one, Traced):
                found[id(one)] += 1
                if found[id(one)] == 1:
                    pending.append(one)
    return found
