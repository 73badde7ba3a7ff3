"""What a measure is: one pure function of a summary, with its unit, direction and formula."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.analytics.figures import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.analytics.figures import Figure
    from tidebook.analytics.summary import Summary


class Unit(StrEnum):
    """What a figure counts."""

    FRACTION = "fraction"
    """Of capital over the stated time: 0.05 is five percent."""
    FRACTION_PER_YEAR = "fraction per year"
    FRACTION_PER_PERIOD = "fraction per period"
    RATIO = "ratio"
    """A pure number."""
    COUNT = "count"


class Direction(StrEnum):
    """Which of two figures a reader would rather have."""

    HIGHER = "higher is better"
    LOWER = "lower is better"
    NEITHER = "neither"


class Measure(NamedTuple):
    """One entry of the catalogue."""

    id: str
    """Stable; also its key in a suite."""
    title: str
    unit: Unit
    direction: Direction
    formula: str
    """In plain characters, in the letters of the page that lists them."""
    undefined: str
    """When there is no figure, besides a series without returns."""
    source: str
    of: Callable[[Summary], Figure]
    needs_benchmark: bool = False
    needs_all: bool = False
    """Whether the returns themselves are needed, so that no running state can give it."""


TOO_FEW = Undefined(Reason.TOO_FEW_RETURNS)
ZERO_VARIANCE = Undefined(Reason.ZERO_VARIANCE)
NO_DOWNSIDE = Undefined(Reason.NO_DOWNSIDE)
BELOW_TOTAL_LOSS = Undefined(Reason.BELOW_TOTAL_LOSS)
NOT_KEPT = Undefined(Reason.NOT_KEPT)
NO_BENCHMARK = Undefined(Reason.NO_BENCHMARK)
