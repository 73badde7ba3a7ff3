"""The catalogue as a page: what the reference says of every measure is said by its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics.measures import EARNED, LOSSES, SCATTER, VERSUS
from tidebook.analytics.traits import TRAITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidebook.analytics.measures import Measure
    from tidebook.analytics.traits import Trait

_GROUPS: Final = (
    ("Earned", EARNED),
    ("Scatter", SCATTER),
    ("Falls and tails", LOSSES),
    ("Against a benchmark", VERSUS),
    ("On a tear sheet only", TRAITS),
)
_HEAD: Final = """\
| id | measure | definition | unit | direction | undefined | source |
|---|---|---|---|---|---|---|"""


def catalogue_page() -> str:
    """Return the tables of all measures in Markdown, one under each heading."""
    return "\n\n".join(f"### {title}\n\n{_table(group)}" for title, group in _GROUPS)


def _table(measures: Iterable[Measure | Trait]) -> str:
    return "\n".join([_HEAD, *map(_line, measures)])


def _line(measure: Measure | Trait) -> str:
    # A bar would end the cell, two stars begin bold letters.
    formula = measure.formula.replace("|", "\\|").replace("*", "\\*")
    cells = (
        f"`{measure.id}`",
        measure.title,
        formula,
        measure.unit.value,
        measure.direction.value,
        measure.undefined,
        measure.source,
    )
    return f"| {' | '.join(cells)} |"
