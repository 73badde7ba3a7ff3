"""A tree as it is shown: every figure as text, wide and deep parts folded away and counted.

Folding concerns what is shown. What a figure comes to is always computed over the whole tree.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, Node
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from tidebook.analytics.derivation import Tree
    from tidebook.book.derivation import Source
    from tidebook.engine.explaining.answers import Explanation
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import Origin

FIGURES_MAX: Final = 5000
"""The most figures that one answer shows unless told otherwise."""
SIGNS: Final[Mapping[str, str]] = {
    "sum": "Σ",
    "difference": "−",
    "product": "×",
    "negative": "±",
    "converted": "× rate",
    "share": "share",
    "quotient": "÷",
    "coverage": "coverage",
    "absolute": "size",
    "whole_quotient": "÷ whole",
    "half_even": "18 places",
    "hundredfold": "× 100 exact",
    "maximum": "max",
    "minimum": "min",
    "count": "count",
    "given": "",
    "undefined": "?",
    "net_return": "return net",
    "gross_return": "return gross",
    "linked": "linked",
    "annualised": "a year",
    "flow": "flow",
    "internal_rate": "rate",
    "period_rate": "rate of the period",
    "yearly_rate": "rate a year",
    "percent": "× 100",
    "rounded": "10 places",
    "opposite": "∓",
    "dated": "on",
    "row": "",
    "rows": "rows",
    "computed": "all rows",
    "measure": "measure",
}


class Limits(NamedTuple):
    """How many levels and how many children of one figure are shown; None for all.

    A tree of more than ``figures`` is made narrower until it has no more.
    """

    depth: int | None = None
    width: int | None = None
    figures: int = FIGURES_MAX


class Folded(NamedTuple):
    """What is not shown below a figure: children, all figures beneath, and their sum if one."""

    children: int
    figures: int
    value: str | None


class ShownSource(NamedTuple):
    """The fact under a leaf, and how it came into the book as far as that is kept.

    ``figure`` names the figure that explains a leaf further: a column of the daily series.
    """

    kind: str
    id: str
    on: date | None
    version: int | None
    recorded_at: datetime | None
    correlation_id: str | None
    row: str | None
    figure: str | None
    portfolio_id: str | None
    text: str


class Shown(NamedTuple):
    """One figure as it is shown; the value has all its digits, and none where it is undefined."""

    label: str
    value: str | None
    unit: str
    formula: str
    source: ShownSource | None
    children: tuple[Shown, ...]
    folded: Folded | None


def shown(reader: FigureReader, found: Explanation, limits: Limits) -> Shown:
    """Return a tree as it is shown, its leaves with where their facts came from."""
    tree, limits = found.node, _narrowed(found.node, limits)
    sources = list(dict.fromkeys(_sources(tree, limits)))
    known_at = found.question.known_at
    return _shown(tree, limits, reader.origins(sources, known_at=known_at))


def value_text(value: Decimal | float | None) -> str | None:
    """Return a figure with all its digits."""
    if value is None:
        return None
    return decimal_text(value) if isinstance(value, Decimal) else repr(value)


def lines(tree: Shown) -> Iterator[str]:
    """Yield a tree as lines: figure, unit, what it is, how it follows, and its fact."""
    yield _line(tree)
    yield from _below(tree, "")


def notes(found: Explanation) -> list[str]:
    """Return the lines below a drawn tree: what it rests on, and that its leaves come to it."""
    said: list[str] = []
    freshness = found.freshness
    if freshness is not None:
        known = freshness.known_at
        said.append(
            f"as of {freshness.as_of or 'no day'}, known at "
            f"{known.isoformat() if known else 'now'}, generation {freshness.generation}, "
            f"{freshness.status.lower()}"
        )
    if found.unvalued:
        said.append(f"without a value and not in the total: {', '.join(found.unvalued)}")
    if not found.disagreements:
        said.append("computed again from its leaves: the same to the digit")
    return said


def faults(found: Explanation) -> list[str]:
    """Return a line for each figure that its leaves do not come to; none if all is well."""
    return [f"does not follow from what is below it: {node.label}" for node in found.disagreements]


def _below(tree: Shown, lead: str) -> Iterator[str]:
    rows: list[Shown | Folded] = [*tree.children]
    if tree.folded is not None:
        rows.append(tree.folded)
    for place, row in enumerate(rows):
        is_last = place == len(rows) - 1
        branch, onward = ("└── ", "    ") if is_last else ("├── ", "│   ")
        if isinstance(row, Folded):
            yield f"{lead}{branch}{_folded_line(row)}"
        else:
            yield f"{lead}{branch}{_line(row)}"
            yield from _below(row, lead + onward)


def _line(tree: Shown) -> str:
    sign = SIGNS.get(tree.formula, tree.formula)
    parts = [
        "undefined" if tree.value is None else tree.value,
        f" {tree.unit}" if tree.unit else "",
        f"  {tree.label}",
        f"  [{sign}]" if sign else "",
        f"  ({tree.source.text})" if tree.source else "",
    ]
    return "".join(parts)


def _folded_line(folded: Folded) -> str:
    total = f", together {folded.value}" if folded.value is not None else ""
    beneath = f" with {folded.figures - folded.children} beneath them"
    return f"… {folded.children} more{beneath if folded.figures > folded.children else ''}{total}"


def _narrowed(tree: Tree, limits: Limits) -> Limits:
    """Return limits under which an answer shows no more than it may."""
    while _count(tree, limits) > limits.figures:
        widest = limits.width or _widest(tree)
        if widest <= 1:
            return limits._replace(depth=min(limits.depth or limits.figures, limits.figures))
        limits = limits._replace(width=widest // 2)
    return limits


def _visible(tree: Tree, limits: Limits) -> Sequence[Tree]:
    if limits.depth == 0:
        return ()
    return tree.children if limits.width is None else tree.children[: limits.width]


def _deeper(limits: Limits) -> Limits:
    return limits if limits.depth is None else limits._replace(depth=limits.depth - 1)


def _count(tree: Tree, limits: Limits) -> int:
    deeper = _deeper(limits)
    return 1 + sum(_count(child, deeper) for child in _visible(tree, limits))


def _widest(tree: Tree) -> int:
    return max((len(tree.children), *map(_widest, tree.children)))


def _sources(tree: Tree, limits: Limits) -> Iterator[Source]:
    if tree.source is not None:
        yield tree.source
    deeper = _deeper(limits)
    for child in _visible(tree, limits):
        yield from _sources(child, deeper)


def _shown(tree: Tree, limits: Limits, origins: Mapping[Source, Origin]) -> Shown:
    deeper, children = _deeper(limits), _visible(tree, limits)
    rest = tree.children[len(children) :]
    source = tree.source
    return Shown(
        tree.label,
        value_text(tree.value),
        tree.unit,
        str(tree.formula),
        None if source is None else _shown_source(source, origins.get(source)),
        tuple(_shown(child, deeper, origins) for child in children),
        _folded(tree, rest) if rest else None,
    )


def _folded(tree: Tree, rest: Sequence[Tree]) -> Folded:
    figures = sum(_count(child, Limits()) for child in rest)
    is_added = tree.formula in {Formula.SUM, Formula.DIFFERENCE}
    values = [child.value for child in rest if isinstance(child, Node)]
    known = [value for value in values if value is not None]
    if not is_added or len(known) < len(rest) or len(rest) == len(tree.children):
        return Folded(len(rest), figures, None)
    with exact():
        return Folded(len(rest), figures, decimal_text(sum(known, ZERO)))


def _shown_source(source: Source, origin: Origin | None) -> ShownSource:
    version = source.version if source.version is not None else (origin and origin.version)
    return ShownSource(
        str(source.kind),
        source.id,
        source.on,
        version,
        origin and origin.recorded_at,
        origin and origin.correlation_id,
        origin and origin.row,
        source.figure,
        source.portfolio_id or None,
        ", ".join(filter(None, (source._replace(version=version).text, origin and origin.row))),
    )
