"""What is told once of plain numbers and once of leaves: the tree of the second under the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import stated
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.users import amount_tree
from tidebook.model.traced import untraced

if TYPE_CHECKING:
    from decimal import Decimal


class Told(NamedTuple):
    """A figure, in what it is counted, and why there is none."""

    value: Decimal | None
    unit: str = ""
    why: str = ""


def redrawn(told: Told, again: Told, label: str) -> Drawn:
    """Return the tree under a figure that was told, of the same figure made again of leaves.

    Where either is missing the tree is a leaf, which says why.
    """
    if told.value is None or again.value is None:
        why = told.why or again.why
        reason = f"{label} ({why})" if why else label
        return Drawn(None, None, amount_tree(told.value, reason, told.unit))
    node = amount_tree(again.value, label, told.unit)
    return Drawn(None, None, stated(node, untraced(told.value)))
