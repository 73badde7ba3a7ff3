"""How a portfolio's value is divided: by holding, by currency and by asset class."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tidebook.web import figures, svg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from tidebook.web.pages import PortfolioPage, PositionRow

CASH = "Cash"
OTHER = "Other"
UNCLASSIFIED = "Unclassified"
_SHADES = 8


class Slice(NamedTuple):
    """One part: its name, its share of the whole as printed, and which shade it is drawn in."""

    name: str
    share: str
    shade: int


class Split(NamedTuple):
    """A division of the value into parts, largest first, drawn as one bar."""

    title: str
    bar: Markup
    slices: tuple[Slice, ...]


def splits(page: PortfolioPage) -> tuple[Split, ...]:
    """Return the divisions worth showing; one of a single part tells nothing and is left out.

    Shares are of the sum of what is drawn: every holding of positive value, and cash if it is
    positive. Holdings without a value, and short ones, cannot be parts of a whole.
    """
    held = [row for row in page.positions if _is_drawn(row.market_value)]
    cash = page.cash if _is_drawn(page.cash) else None
    by_holding = {row.security_id: _value(row) for row in held}
    divisions = (
        ("By holding", by_holding),
        ("By currency", _sums([(row.currency, _value(row)) for row in held])),
        ("By asset class", _sums([(row.asset_class or UNCLASSIFIED, _value(row)) for row in held])),
    )
    wanted = [
        (title, {**parts, **({CASH: cash} if cash is not None else {})})
        for title, parts in divisions
        if title == "By holding" or len(parts) > 1
    ]
    return tuple(_split(title, parts) for title, parts in wanted if len(parts) > 1)


def undrawn_count(page: PortfolioPage) -> int:
    """Return how many holdings are in no bar, because they are short or have no value."""
    return sum(not _is_drawn(row.market_value) for row in page.positions)


def _is_drawn(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0


def _value(row: PositionRow) -> Decimal:
    return row.market_value or Decimal(0)


def _sums(pairs: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, value in pairs:
        sums[name] = sums.get(name, Decimal(0)) + value
    return sums


def _split(title: str, parts: Mapping[str, Decimal]) -> Split:
    total = sum(parts.values(), Decimal(0))
    ranked = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    shown = ranked if len(ranked) <= _SHADES else ranked[: _SHADES - 1]
    rest = sum((value for _, value in ranked[len(shown) :]), Decimal(0))
    if rest:
        shown = [*shown, (f"{OTHER} ({len(ranked) - len(shown)})", rest)]
    fractions = [(name, value / total) for name, value in shown]
    sentence = "; ".join(
        f"{name} {figures.percent(part, decimal_places=1)}" for name, part in fractions
    )
    return Split(
        title,
        _bar(title, sentence, [float(part) for _, part in fractions]),
        tuple(
            Slice(name, figures.percent(part, decimal_places=1), shade)
            for shade, (name, part) in enumerate(fractions)
        ),
    )


def _bar(title: str, sentence: str, fractions: list[float]) -> Markup:
    drawn: list[Markup] = []
    at = 0.0
    for shade, fraction in enumerate(fractions):
        drawn.append(
            svg.element(
                "rect",
                class_=f"shade-{shade}",
                x=svg.share(at),
                width=svg.share(fraction),
                height="100%",
            )
        )
        at += fraction
    name = title.lower().replace(" ", "-")
    return svg.element(
        "svg",
        svg.element("title", title, id=f"{name}-title"),
        svg.element("desc", sentence, id=f"{name}-desc"),
        *drawn,
        class_="bar",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
