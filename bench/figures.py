"""What a measurement comes to, and how it is told: a table to read and a file to compare."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Side = Literal["at least", "at most"]


class Bar(NamedTuple):
    """What a figure has to reach; ``ratio`` bounds its ratio to the baseline as well."""

    side: Side
    value: float
    ratio: float | None = None


class Baseline(NamedTuple):
    """Something comparable that was measured in the same run, in the unit of the figure."""

    what: str
    value: float


class Figure(NamedTuple):
    """One row of the table: the median of ``runs`` beside its baseline and its bar."""

    row: str
    unit: str
    runs: tuple[float, ...]
    baseline: Baseline
    bar: Bar
    size: str
    """How much was worked on, in words."""
    value: float | None = None
    """Given where the figure is not the median of the runs, such as a p99 of them."""

    @property
    def reached(self) -> float:
        """The figure itself."""
        return median(self.runs) if self.value is None else self.value

    @property
    def ratio(self) -> float:
        """The figure divided by its baseline."""
        return self.reached / self.baseline.value

    @property
    def meets(self) -> bool:
        """Whether the figure, and its ratio where that is bounded, lie on the right side."""
        side, value, ratio = self.bar
        good = self.reached >= value if side == "at least" else self.reached <= value
        if ratio is None:
            return good
        return good and (self.ratio >= ratio if side == "at least" else self.ratio <= ratio)


def record(figure: Figure, *, quick: bool) -> dict[str, object]:
    """Return a figure as it stands in the file.

    A quick run works on less than the bar was set for, so it meets nothing: ``meets`` is null.
    """
    return {
        "row": figure.row,
        "value": figure.reached,
        "unit": figure.unit,
        "baseline": figure.baseline.what,
        "baseline_value": figure.baseline.value,
        "ratio": figure.ratio,
        "bar": figure.bar.value,
        "meets": None if quick else figure.meets,
        "bar_side": figure.bar.side,
        "bar_ratio": figure.bar.ratio,
        "size": figure.size,
        "quick": quick,
        "runs": list(figure.runs),
    }


def write_file(path: Path, figures: Sequence[Figure], *, quick: bool) -> None:
    """Write the figures as a JSON list; the folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [record(figure, quick=quick) for figure in figures]
    path.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


_HEADINGS = ("row", "value", "unit", "bar", "meets", "baseline", "ratio", "what the baseline is")
_RIGHT = frozenset({"value", "bar", "baseline", "ratio"})


def table(figures: Sequence[Figure], *, quick: bool) -> str:
    """Return the figures as lines of aligned columns."""
    rows = [_HEADINGS, *(_cells(figure, quick=quick) for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _cells(figure: Figure, *, quick: bool) -> tuple[str, ...]:
    sign = ">=" if figure.bar.side == "at least" else "<="
    return (
        figure.row,
        number(figure.reached),
        figure.unit,
        f"{sign} {number(figure.bar.value)}",
        "quick" if quick else "yes" if figure.meets else "no",
        number(figure.baseline.value),
        number(figure.ratio),
        figure.baseline.what,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
        for cell, width, heading in zip(cells, widths, _HEADINGS, strict=True)
    )
    return "  ".join(padded).rstrip()


def number(value: float) -> str:
    """Return a number with three significant digits, or whole and grouped from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - as said
