"""The page of an explanation: one figure, its formula, and the tree below it.

The tree is drawn as nested disclosure elements, open at the top; it needs no script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlencode

from tidebook.engine.explaining import SIGNS, Limits, explain, shown
from tidebook.web.pages import portfolio_path
from tidebook.web.policy import content_security_policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tidebook.engine.explaining import Explanation, Question, Shown
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import Freshness

EXPLAIN_PATH: Final = "/explain"
_LIMITS: Final = Limits(depth=12, width=60)
_LEVELS_OPEN: Final = 2


class TreeLine(NamedTuple):
    """One figure of the tree, printed; ``href`` leads on from a leaf of the daily series."""

    value: str
    unit: str
    label: str
    sign: str
    source: str
    href: str | None
    is_open: bool
    children: tuple[TreeLine, ...]
    folded: str


@dataclass(frozen=True, slots=True)
class ExplainPage:
    """One figure with its tree, and what both rest on.

    Attributes:
        title: The full name of the figure.
        definition: What it is, in one line.
        subject: What it is a figure of: portfolio, security, period.
        faults: What does not follow from what is below it; empty if all does.
        text_path: Where the same is to be had as text.
    """

    title: str
    definition: str
    subject: str
    value: str
    unit: str
    tree: TreeLine
    freshness: Freshness | None
    unvalued: Sequence[str]
    faults: Sequence[str]
    text_path: str
    back_path: str
    root_path: str = ""

    def csp(self, nonce: str) -> str:
        """Return the Content-Security-Policy header this page was written for."""
        return content_security_policy(nonce)


class Asked(NamedTuple):
    """What the page was asked for, as it stands in the address."""

    figure: str
    portfolio_id: str
    security_id: str = ""
    day: str = ""
    period: str = ""
    as_of: str = ""
    known_at: str = ""


def explain_path(asked: Asked, *, root_path: str = "") -> str:
    """Return the address of an explanation; what is empty is left out."""
    named = {name: value for name, value in asked._asdict().items() if value}
    return f"{root_path}{EXPLAIN_PATH}?{urlencode(named, quote_via=quote, safe='')}"


def explain_page(reader: Reader, question: Question, asked: Asked, root_path: str) -> ExplainPage:
    """Return the page of an explanation."""
    found = explain(reader, question)
    tree = shown(reader, found, _LIMITS)
    portfolio = found.portfolio
    about = [portfolio.name or portfolio.portfolio_id if portfolio is not None else ""]
    about += [asked.security_id, asked.day, asked.period]
    named = {name: value for name, value in asked._asdict().items() if value}
    return ExplainPage(
        title=found.figure.full_name,
        definition=found.figure.definition,
        subject=", ".join(part for part in about if part),
        value=tree.value or "undefined",
        unit=tree.unit,
        tree=_line(tree, asked, root_path, _LEVELS_OPEN),
        freshness=found.freshness,
        unvalued=found.unvalued,
        faults=_faults(found),
        text_path=f"{EXPLAIN_PATH}?{urlencode({**named, 'format': 'text'}, quote_via=quote)}",
        back_path=portfolio_path(asked.portfolio_id, root_path=root_path),
        root_path=root_path,
    )


def _faults(found: Explanation) -> list[str]:
    return [node.label for node in found.disagreements]


def _line(tree: Shown, asked: Asked, root_path: str, levels: int) -> TreeLine:
    source, folded = tree.source, tree.folded
    href = None
    if source is not None and source.kind == "day" and source.figure and source.on is not None:
        day = asked._replace(
            figure=source.figure, day=source.on.isoformat(), security_id="", period="", as_of=""
        )
        href = explain_path(day, root_path=root_path)
    return TreeLine(
        tree.value or "undefined",
        tree.unit,
        tree.label,
        SIGNS.get(tree.formula, tree.formula),
        "" if source is None else _origin(source.text, source.recorded_at, source.row),
        href,
        levels > 0,
        tuple(_line(child, asked, root_path, levels - 1) for child in tree.children),
        "" if folded is None else f"{folded.children} more",
    )


def _origin(text: str, recorded_at: datetime | None, row: str | None) -> str:
    parts = [
        text,
        "" if row is None else f"from {row}",
        "" if recorded_at is None else f"recorded {recorded_at:%Y-%m-%d %H:%M} UTC",
    ]
    return ", ".join(part for part in parts if part)
