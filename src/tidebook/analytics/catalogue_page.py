"""The catalogue as a page: what the reference says of every measure is said by its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics.measures import EARNED, LOSSES, SCATTER, VERSUS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidebook.analytics.measures import Measure

_GROUPS: Final = (
    ("Earned", EARNED),
    ("Scatter", SCATTER),
    ("Falls and tails", LOSSES),
    ("Against a benchmark", VERSUS),
)
_HEAD: Final = """\
| id | measure | definition | unit | direction | undefined | source |
|---|---|---|---|---|---|---|"""


def catalogue_page() -> str:
    """Return the tables of all measures in Markdown, one under each heading."""
    return "\n\n".join(f"### {title}\n\n{_table(group)}" for title, group in _GROUPS)


def _table(measures: Iterable[Measure]) -> str:
    return "\n".join([_HEAD, *map(_line, measures)])


def _line(measure: Measure) -> str:
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
