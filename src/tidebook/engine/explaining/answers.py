"""What an explanation is: a tree, what it rests on, and whether its leaves come to the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.analytics.derivation import reckon, unfounded

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.analytics.derivation import Tree
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.views import Freshness
    from tidebook.model.portfolios import Portfolio


class Drawn(NamedTuple):
    """A tree and what it rests on; a price or a rate is no portfolio's."""

    portfolio: Portfolio | None
    freshness: Freshness | None
    node: Tree
    unvalued: tuple[str, ...] = ()


class Explanation(NamedTuple):
    """The tree under a figure, and what the figure rests on.

    ``unvalued`` are the securities that a total leaves out, because they have no value.
    """

    question: Question
    figure: Figure
    portfolio: Portfolio | None
    freshness: Freshness | None
    node: Tree
    unvalued: tuple[str, ...] = ()

    @property
    def recomputed(self) -> Decimal | float | None:
        """The figure computed from the leaves of the tree alone."""
        return reckon(self.node)

    @property
    def disagreements(self) -> tuple[Tree, ...]:
        """The nodes whose stated figure is not what their leaves come to; none if all is well."""
        return unfounded(self.node)
