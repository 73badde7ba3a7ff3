"""Restatements as the page prints them: what, from when, why, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.web import figures
from tidebook.web.cells import Cell, tone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from tidebook.web.pages import PortfolioPage, RestatementRow

_SERIES = "Daily series"
_NOT_KEPT = "not kept"
_SAME = "the same in the end"


class Change(NamedTuple):
    """By how much one figure moved."""

    label: str
    cell: Cell


class RestatementLine(NamedTuple):
    """One restatement, printed; ``remark`` stands where no figure moved."""

    recorded_at: str
    what: str
    from_date: str
    reason: str
    causes: str
    changes: tuple[Change, ...]
    remark: str


def restatement_lines(page: PortfolioPage) -> tuple[RestatementLine, ...]:
    """Return the restatements of a page."""
    return tuple(_line(row, page.base_currency) for row in page.restatements)


def _line(row: RestatementRow, base: str) -> RestatementLine:
    moved = row.value if row.security_id is None else row.quantity
    changes = tuple(_changes(row, base))
    return RestatementLine(
        figures.instant(row.recorded_at),
        _SERIES if row.security_id is None else row.security_id,
        figures.day(row.from_date),
        row.reason,
        "; ".join(row.causes),
        changes,
        "" if changes else (_NOT_KEPT if moved is None else _SAME),
    )


def _changes(row: RestatementRow, base: str) -> Iterator[Change]:
    if row.quantity:
        text = figures.quantity(row.quantity)
        signed = text if row.quantity < 0 else f"+{text}"
        yield Change("quantity", Cell(signed, exact=f"{row.quantity:f}"))
    if row.cost:
        # More units and more cost are neither good nor bad.
        yield Change("cost", _money(row.cost, base)._replace(tone=""))
    if row.realised:
        yield Change("realised gain", _money(row.realised, base))
    if row.value and row.value_on:
        yield Change(f"value of {figures.day(row.value_on)}", _money(row.value, base))


def _money(value: Decimal, base: str) -> Cell:
    text = figures.amount(value, base, signed=True)
    return Cell(text, tone(text), exact=f"{value:f} {base}")
