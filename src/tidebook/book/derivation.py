"""Derivations: a figure, the formula it came by and the figures below it, down to facts.

Every node states the figure that the book holds; :func:`evaluate` computes it again from the
leaves alone. Where the two agree the explanation is the figure's own, not a story about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from typing import TYPE_CHECKING, Final

from tidebook.model.money import ONE, ZERO, converted, exact, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal


class Formula(StrEnum):
    """How a node's figure follows from its children."""

    GIVEN = "given"
    """It follows from nothing: a fact, or a figure that another part of the tree explains."""
    UNDEFINED = "undefined"
    """There is no figure; the label says why."""
    SUM = "sum"
    DIFFERENCE = "difference"
    """The first child less all the others."""
    PRODUCT = "product"
    NEGATIVE = "negative"
    """The only child with the other sign."""
    CONVERTED = "converted"
    """Amount x rate, half even to 18 places."""
    SHARE = "share"
    """Whole x part / of, half even to 18 places."""


@dataclass(frozen=True, slots=True)
class Node:
    """One figure of an explanation.

    Attributes:
        label: What the figure is, in words.
        value: The figure as the book holds it; None where it is undefined.
        unit: The currency or security it is counted in; empty for a pure number such as a rate.
        formula: How it follows from the children.
        children: The figures below it, in the order that the formula takes them.
        source: The fact it rests on, where it is one.
    """

    label: str
    value: Decimal | None
    unit: str
    formula: Formula
    children: tuple[Node, ...] = ()
    source: str | None = None


def evaluate(node: Node) -> Decimal | None:
    """Return a node's figure computed from its leaves; None where one of them is undefined.

    The stated figures of all but the leaves are left out of account.
    """
    with exact():
        return _evaluate(node)


def disagreements(node: Node) -> tuple[Node, ...]:
    """Return the nodes whose stated figure is not what their leaves come to, deepest first."""
    found: list[Node] = []

    def walk(part: Node) -> Decimal | None:
        values = [walk(child) for child in part.children]
        value = _combined(part, values)
        if value != part.value:
            found.append(part)
        return value

    with exact():
        walk(node)
    return tuple(found)


def given(label: str, value: Decimal, unit: str, source: str | None = None) -> Node:
    """Return a leaf: a figure that the tree takes as it is."""
    return Node(label, value, unit, Formula.GIVEN, source=source)


def undefined(label: str, unit: str) -> Node:
    """Return the leaf of a figure that does not exist; the label says why."""
    return Node(label, None, unit, Formula.UNDEFINED)


def derived(label: str, unit: str, formula: Formula, children: Sequence[Node]) -> Node:
    """Return a node that states what its children's stated figures come to."""
    node = Node(label, None, unit, formula, tuple(children))
    with exact():
        return replace(node, value=_combined(node, [child.value for child in children]))


def _evaluate(node: Node) -> Decimal | None:
    return _combined(node, [_evaluate(child) for child in node.children])


def _combined(node: Node, values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    compute = _COMPUTES.get(node.formula)
    return node.value if compute is None else compute(known)


_COMPUTES: Final[Mapping[Formula, Callable[[Sequence[Decimal]], Decimal]]] = {
    Formula.SUM: lambda values: sum(values, ZERO),
    Formula.DIFFERENCE: lambda values: values[0] - sum(values[1:], ZERO),
    Formula.PRODUCT: lambda values: prod(values, start=ONE),
    Formula.NEGATIVE: lambda values: -values[0],
    Formula.CONVERTED: lambda values: converted(values[0], values[1]),
    Formula.SHARE: lambda values: share(values[0], values[1], values[2]),
}
