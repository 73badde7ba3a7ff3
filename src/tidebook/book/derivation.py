"""Derivations: a figure, the formula it came by and the figures below it, down to facts.

Every node states the figure that the book holds; :func:`evaluate` computes it again from the
leaves alone. Where the two agree the explanation is the figure's own, not a story about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.valuation import coverage
from tidebook.model.money import ONE, ZERO, converted, exact, quotient, rounded, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date


_HUNDRED: Final = Decimal(100)
_TEN_PLACES: Final = Decimal(1).scaleb(-10)
_WIDE: Final = Context(prec=600, rounding=ROUND_HALF_EVEN)


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
    QUOTIENT = "quotient"
    """The first child by the second, half even to 18 places."""
    COVERAGE = "coverage"
    """Valued / (valued + cost of what was not), without signs, half even to 18 places."""
    ABSOLUTE = "absolute"
    """The only child without its sign."""
    WHOLE_QUOTIENT = "whole_quotient"
    """How many times the second child is in the first as a whole."""
    HALF_EVEN = "half_even"
    """The only child, half even to 18 places."""
    HUNDREDFOLD = "hundredfold"
    """One hundred times the only child, half even to 10 places."""
    MAXIMUM = "maximum"
    """The greater of two."""
    MINIMUM = "minimum"
    COUNT = "count"
    """How many children there are."""


class SourceKind(StrEnum):
    """What kind of thing a leaf rests on."""

    TRANSACTION = "transaction"
    ACTION = "action"
    """A corporate action."""
    PRICE = "price"
    RATE = "rate"
    DAY = "day"
    """A row of the daily series, whose own figures can be explained one by one."""
    ENTRY = "entry"
    """What a transaction or a corporate action did to a key, with figures of its own."""
    POSITION = "position"
    """A position on a day, with figures of its own."""
    PORTFOLIO = "portfolio"
    """A total of a portfolio on a day, a figure by itself."""
    GAIN = "gain"
    """What one disposal gained on one lot, with figures of its own."""
    LEVEL = "level"
    """The level of a benchmark on a day, as others publish it."""
    RULE = "rule"
    """A parameter of a rule, or of the policy of an account."""


class Source(NamedTuple):
    """The fact that a leaf rests on.

    ``id`` is the transaction, the corporate action, the security of a price or a position, the
    pair of a rate as it was quoted, the benchmark, the rule, or the portfolio of a day; ``on`` is
    the day of it, ``column`` the figure that goes on from here, and ``portfolio_id`` whose.
    """

    kind: SourceKind
    id: str
    on: date | None = None
    version: int | None = None
    column: str = ""
    portfolio_id: str = ""

    @property
    def figure(self) -> str | None:
        """The name of the figure that goes on from here, where there is one."""
        return f"{self.kind}.{self.column}" if self.column else None

    @property
    def text(self) -> str:
        """The source in words."""
        dated = "" if self.on is None else f" of {self.on}"
        numbered = "" if self.version is None else f" version {self.version}"
        return f"{self.kind} {self.id}{dated}{numbered}"


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
    source: Source | None = None


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


def given(label: str, value: Decimal, unit: str, source: Source | None = None) -> Node:
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


def stated(node: Node, value: Decimal | None) -> Node:
    """Return a node that states the figure that the book holds, whatever its children come to."""
    return replace(node, value=value)


def _evaluate(node: Node) -> Decimal | None:
    return _combined(node, [_evaluate(child) for child in node.children])


def _combined(node: Node, values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    compute = _COMPUTES.get(node.formula)
    return node.value if compute is None else compute(known)


_COMPUTES: Final[Mapping[Formula, Callable[[Sequence[Decimal]], Decimal | None]]] = {
    Formula.SUM: lambda values: sum(values, ZERO),
    Formula.DIFFERENCE: lambda values: values[0] - sum(values[1:], ZERO),
    Formula.PRODUCT: lambda values: prod(values, start=ONE),
    Formula.NEGATIVE: lambda values: -values[0],
    Formula.CONVERTED: lambda values: converted(values[0], values[1]),
    Formula.SHARE: lambda values: share(values[0], values[1], values[2]),
    Formula.QUOTIENT: lambda values: quotient(values[0], values[1]) if values[1] else None,
    Formula.COVERAGE: lambda values: coverage(values[0], values[1]),
    Formula.ABSOLUTE: lambda values: abs(values[0]),
    Formula.WHOLE_QUOTIENT: lambda values: values[0] // values[1],
    Formula.HALF_EVEN: lambda values: rounded(values[0]),
    Formula.HUNDREDFOLD: lambda values: _WIDE.quantize(values[0] * _HUNDRED, _TEN_PLACES),
    Formula.MAXIMUM: max,
    Formula.MINIMUM: min,
    Formula.COUNT: lambda values: Decimal(len(values)),
}
