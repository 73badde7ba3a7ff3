"""A small writer of SVG elements: names and numbers in, escaped markup out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def element(name: str, *children: Markup | str, **attributes: str | None) -> Markup:
    """Return one element. ``class_`` is ``class``, ``x_y`` is ``x-y``; ``None`` is left out."""
    written = "".join(
        f' {_attribute_name(key)}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")  # noqa: S704  (escaped just above)


def share(fraction: float) -> str:
    """Return a place along an axis as SVG percent: ``0.125`` is ``12.5%``."""
    return f"{_number(fraction * 100)}%"


def line_path(points: Iterable[tuple[float, float]]) -> str:
    """Return the path data of a line through the points."""
    return "M" + " L".join([f"{_number(x)} {_number(y)}" for x, y in points])


def area_path(line: str, points: Sequence[tuple[float, float]], base: float) -> str:
    """Return the path data of what lies between a line and the height ``base``.

    ``line`` is the path data of the line through ``points``.
    """
    return (
        f"{line} L{_number(points[-1][0])} {_number(base)} "
        f"L{_number(points[0][0])} {_number(base)} Z"
    )


def step_path(points: Sequence[tuple[float, float]], end: float) -> str:
    """Return the path data of a line that holds each height until the next point, up to ``end``."""
    x, y = points[0]
    steps = (f"H{_number(x)} V{_number(y)}" for x, y in points[1:])
    return " ".join((f"M{_number(x)} {_number(y)}", *steps, f"H{_number(end)}"))


def _attribute_name(key: str) -> str:
    # SVG keeps some names in camel case, so only the underscore needs translating.
    return key.rstrip("_").replace("_", "-")


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
