"""The realised gains of a portfolio by the years in which they were realised, and a bar for each.

All bars share one scale and one zero line. A year's long-term and short-term gains stand behind
each other to the right of it, losses to the left.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.web import figures, svg

if TYPE_CHECKING:
    from markupsafe import Markup

    from tidebook.web.cells import Cell, Notes
    from tidebook.web.pages import GainRow, PortfolioPage

_LONG: Final = "shade-0"
_SHORT: Final = "shade-4"
_NONE_OF_TERM: Final = "Nothing was realised in this term."


class GainLine(NamedTuple):
    """One year, or all of them, printed."""

    name: str
    long_term: Cell
    short_term: Cell
    gain: Cell
    tax: Cell
    bar: Markup | None


class GainYears(NamedTuple):
    """The years in which something was realised, oldest first, and their sum."""

    lines: tuple[GainLine, ...]
    total: GainLine
    long_shade: str
    short_shade: str


class _Axis(NamedTuple):
    """The scale of all bars: the furthest losses and gains of one year, neither negative."""

    losses: Decimal
    gains: Decimal

    def width(self, amount: Decimal) -> float:
        return float(abs(amount) / (self.losses + self.gains))

    @property
    def zero(self) -> float:
        return self.width(self.losses)


def gain_years(page: PortfolioPage, notes: Notes) -> GainYears | None:
    """Return what the section prints, or nothing if nothing was realised."""
    if not page.gains or page.gains_total is None:
        return None
    axis = _Axis(
        max(-_side(row, -1) for row in page.gains), max(_side(row, 1) for row in page.gains)
    )
    return GainYears(
        tuple(_line(row, page.base_currency, notes, _bar(row, page, axis)) for row in page.gains),
        _line(page.gains_total, page.base_currency, notes, None),
        _LONG,
        _SHORT,
    )


def _line(row: GainRow, currency: str, notes: Notes, bar: Markup | None) -> GainLine:
    reason = row.tax_reason or ""
    return GainLine(
        row.name,
        notes.amount(row.long_term, currency, _NONE_OF_TERM, signed=True),
        notes.amount(row.short_term, currency, _NONE_OF_TERM, signed=True),
        notes.amount(row.gain, currency, _NONE_OF_TERM, signed=True),
        notes.amount(row.tax, currency, reason),
        bar,
    )


def _parts(row: GainRow) -> tuple[tuple[str, Decimal], ...]:
    return (
        (_LONG, row.long_term or Decimal(0)),
        (_SHORT, row.short_term or Decimal(0)),
    )


def _side(row: GainRow, sign: int) -> Decimal:
    return sum((part for _, part in _parts(row) if part * sign > 0), Decimal(0))


def _bar(row: GainRow, page: PortfolioPage, axis: _Axis) -> Markup | None:
    if not axis.losses + axis.gains:
        return None
    drawn = [*_rects(row, axis, 1), *_rects(row, axis, -1)]
    at = svg.share(axis.zero)
    drawn.append(svg.element("line", class_="rule zero", x1=at, x2=at, y1="0%", y2="100%"))
    name = f"gains-{row.name}"
    return svg.element(
        "svg",
        svg.element("title", f"Gains realised in {row.name}", id=f"{name}-title"),
        svg.element("desc", _sentence(row, page.base_currency), id=f"{name}-desc"),
        *drawn,
        class_="bar gain",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def _rects(row: GainRow, axis: _Axis, sign: int) -> list[Markup]:
    """Return the rectangles on one side of zero, the long term next to it."""
    drawn: list[Markup] = []
    at = axis.zero
    for shade, part in _parts(row):
        if sign == 1 and part > 0:
            drawn.append(_rect(shade, at, axis.width(part)))
            at += axis.width(part)
        if sign == -1 and part < 0:
            at -= axis.width(part)
            drawn.append(_rect(shade, at, axis.width(part)))
    return drawn


def _rect(shade: str, start: float, width: float) -> Markup:
    return svg.element(
        "rect", class_=shade, x=svg.share(start), width=svg.share(width), height="100%"
    )


def _sentence(row: GainRow, currency: str) -> str:
    said = [
        f"{name} {figures.amount(part, currency, signed=True)} {currency}"
        for name, part in (("long term", row.long_term), ("short term", row.short_term))
        if part is not None
    ]
    return "; ".join(said)
