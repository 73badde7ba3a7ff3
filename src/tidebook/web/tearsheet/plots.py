"""Drawings of a tear sheet: lines over time, columns, counts and boxes, all of fractions.

As on the pages, a drawing is as wide as its place: rules and labels are set in percent of the
width, lines are stretched with strokes that are not.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.web import figures, svg
from tidebook.web.scales import along, keep_extremes, place, time_ticks, value_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from markupsafe import Markup

COLUMNS: Final = 320
_SIDE: Final = 1000.0
_LABEL_EDGE: Final = 0.07
_LOG_STEPS: Final = (Decimal(1), Decimal(2), Decimal(5))
_LOG_TICKS_MAX: Final = 7
_BAR_SHARE: Final = 0.72
_FLAT: Final = 1e-12


class Panel(NamedTuple):
    """A drawing, the labels of its value axis, and those beneath it."""

    plot: Markup
    axis: Markup
    beneath: Markup


class Curve(NamedTuple):
    """One line over the days of a plot; what is not finite is left out."""

    name: str
    values: Sequence[float]


class Scale(NamedTuple):
    """How heights are read: their labels, and the height that is always on the axis.

    The first line is filled down to ``base``. Where ``is_log``, equal steps stand for equal
    factors, and every height is above zero.
    """

    label: Callable[[Decimal, Sequence[Decimal]], str]
    base: float | None = None
    is_log: bool = False


class Titled(NamedTuple):
    """What a drawing is called, by its id, and the sentence that says what it shows."""

    id: str
    title: str
    sentence: str


class _Axis(NamedTuple):
    ticks: tuple[Decimal, ...]
    is_log: bool = False

    def down(self, value: float) -> float:
        low, high = self._bent(float(self.ticks[0])), self._bent(float(self.ticks[-1]))
        return (high - self._bent(value)) / (high - low)

    def _bent(self, value: float) -> float:
        return math.log(value) if self.is_log else value


def percent_label(tick: Decimal, ticks: Sequence[Decimal]) -> str:
    """Return a fraction on an axis as percent, with the places that its neighbours need."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else Decimal(1)
    return figures.percent(tick, decimal_places=figures.places(step.scaleb(2))) if tick else "0"


def growth_label(tick: Decimal, ticks: Sequence[Decimal]) -> str:
    """Return wealth on an axis as the percent that it grew by."""
    return percent_label(tick - 1, ticks)


def number_label(tick: Decimal, ticks: Sequence[Decimal]) -> str:
    """Return a plain number on an axis."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else Decimal(1)
    return f"{figures.rounded(tick, figures.places(step)):f}".replace("-", figures.MINUS)


def lines(
    titled: Titled, days: Sequence[date], curves: Sequence[Curve], scale: Scale
) -> Panel | None:
    """Return lines over one time axis; None where there is no point to draw.

    Args:
        titled: What it is called, and what it shows.
        days: The days, rising.
        curves: The lines; each has a value for each day, and the first lies on top.
        scale: How heights are read.
    """
    heights = [value for curve in curves for value in curve.values if math.isfinite(value)]
    if not heights:
        return None
    low, high, base = min(heights), max(heights), scale.base
    if base is not None:
        low, high = min(low, base), max(high, base)
    ticks = _log_ticks(low, high) if scale.is_log else _ticks(low, high, steps_max=7)
    axis = _Axis(ticks, scale.is_log)
    drawn = [
        _drawn(curve, days, axis, None if index or scale.is_log else base)
        for index, curve in enumerate(curves)
    ]
    plot = _plot(
        titled,
        *_rules(axis, base),
        *_time_rules(days[0], days[-1]),
        _canvas(*(one for group in reversed(drawn) for one in group)),
    )
    return Panel(plot, _value_axis(axis, scale.label), _time_axis(days[0], days[-1]))


def _drawn(
    curve: Curve, days: Sequence[date], axis: _Axis, base: float | None
) -> tuple[Markup, ...]:
    across = along(days, days[0], days[-1])
    found: list[Markup] = []
    for run in _runs(curve.values):
        places = [across[index] for index in run]
        values = [curve.values[index] for index in run]
        kept = keep_extremes(places, values, columns=COLUMNS)
        points = [(places[at] * _SIDE, axis.down(values[at]) * _SIDE) for at in kept]
        line = svg.line_path(points)
        if base is not None:
            area = svg.area_path(line, points, axis.down(base) * _SIDE)
            found.append(_stretched(f"area {curve.name}", area))
        found.append(_stretched(f"line {curve.name}", line))
    return tuple(found)


def _runs(values: Sequence[float]) -> list[range]:
    """Return the runs of finite values; a line is broken where there is none."""
    runs: list[range] = []
    start: int | None = None
    for index, value in enumerate(values):
        if math.isfinite(value):
            start = index if start is None else start
        elif start is not None:
            runs.append(range(start, index))
            start = None
    if start is not None:
        runs.append(range(start, len(values)))
    return runs


class Column(NamedTuple):
    """One place of a column drawing: its label, and a height for each series or nothing."""

    label: str
    heights: Sequence[float | None]


def columns(
    titled: Titled, names: Sequence[str], places: Sequence[Column], *, every: int = 1
) -> Panel | None:
    """Return columns that rise from zero, those of each place side by side.

    Args:
        titled: What it is called, and what it shows.
        names: The series, in the order of the heights; they become classes.
        places: What stands at each place, from left to right.
        every: How many places go to one label.
    """
    heights = [height for one in places for height in one.heights if height is not None]
    if not heights:
        return None
    axis = _Axis(_ticks(min(0.0, *heights), max(0.0, *heights)))
    width = 1.0 / len(places)
    bar = width * _BAR_SHARE / len(names)
    drawn = [
        _bar(
            f"column {name} {'minus' if height < 0 else 'plus'}",
            (index + 0.5) * width + (at - len(names) / 2) * bar,
            bar,
            axis,
            height,
        )
        for index, one in enumerate(places)
        for at, (name, height) in enumerate(zip(names, one.heights, strict=True))
        if height is not None
    ]
    beneath = [
        (one.label, (index + 0.5) * width) for index, one in enumerate(places) if index % every == 0
    ]
    plot = _plot(titled, *_rules(axis, 0.0), *drawn)
    return Panel(plot, _value_axis(axis, percent_label), _labels(beneath))


def _bar(class_name: str, left: float, width: float, axis: _Axis, height: float) -> Markup:
    top, bottom = sorted((axis.down(height), axis.down(0.0)))
    return svg.element(
        "rect",
        class_=class_name,
        x=svg.share(left),
        width=svg.share(width),
        y=svg.share(top),
        height=svg.share(max(bottom - top, 0.001)),
    )


class Bin(NamedTuple):
    """How many values lie from one edge up to the next."""

    low: float
    high: float
    held: int


def binned(values: Sequence[float], bins_max: int = 24) -> tuple[Bin, ...]:
    """Return how values are spread over bins of one round width, which zero divides.

    The width is the one with which they fill at most ``bins_max`` bins; the highest value belongs
    to the last.
    """
    if not values:
        return ()
    edges = [float(tick) for tick in _ticks(min(values), max(values), steps_max=bins_max)]
    counts = [0] * (len(edges) - 1)
    width = edges[1] - edges[0]
    for value in values:
        counts[min(int((value - edges[0]) / width), len(counts) - 1)] += 1
    return tuple(
        Bin(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False)
    )


def counts(titled: Titled, bins: Sequence[Bin], mean: float | None) -> Panel | None:
    """Return a histogram, with the mean marked."""
    if not bins:
        return None
    low, high = bins[0].low, bins[-1].high
    most = max(one.held for one in bins)
    axis = _Axis(_whole(value_ticks(Decimal(0), Decimal(most), steps_max=4)))

    def across(value: float) -> float:
        return (value - low) / (high - low)

    drawn = [
        _bar(
            "column own " + ("minus" if one.high <= _FLAT else "plus"),
            across(one.low) + 0.001,
            across(one.high) - across(one.low) - 0.002,
            axis,
            one.held,
        )
        for one in bins
        if one.held
    ]
    marked = () if mean is None else (_upright("mean", across(mean)),)
    ticks = _ticks(low, high, steps_max=6)
    beneath = [
        (percent_label(tick, ticks), across(float(tick)))
        for tick in ticks
        if low - _FLAT <= float(tick) <= high + _FLAT
    ]
    plot = _plot(titled, *_rules(axis, 0.0), *drawn, *marked)
    return Panel(plot, _value_axis(axis, number_label), _labels(beneath))


class Box(NamedTuple):
    """The lowest value, the quartiles, and the highest."""

    label: str
    low: float
    first: float
    middle: float
    third: float
    high: float


def boxes(titled: Titled, found: Sequence[Box]) -> Panel | None:
    """Return boxes from the first to the third quartile, with whiskers to the extremes."""
    if not found:
        return None
    axis = _Axis(_ticks(min(0.0, *(one.low for one in found)), max(0.0, *(b.high for b in found))))
    width = 1.0 / len(found)
    drawn: list[Markup] = []
    for index, one in enumerate(found):
        middle = (index + 0.5) * width
        drawn += [
            _between(middle, axis.down(one.high), axis.down(one.third)),
            _between(middle, axis.down(one.first), axis.down(one.low)),
            svg.element(
                "rect",
                class_="box",
                x=svg.share(middle - width * 0.2),
                width=svg.share(width * 0.4),
                y=svg.share(axis.down(one.third)),
                height=svg.share(max(axis.down(one.first) - axis.down(one.third), 0.001)),
            ),
            svg.element(
                "line",
                class_="median",
                x1=svg.share(middle - width * 0.2),
                x2=svg.share(middle + width * 0.2),
                y1=svg.share(axis.down(one.middle)),
                y2=svg.share(axis.down(one.middle)),
            ),
        ]
    plot = _plot(titled, *_rules(axis, 0.0), *drawn)
    labels = [(one.label, (index + 0.5) * width) for index, one in enumerate(found)]
    return Panel(plot, _value_axis(axis, percent_label), _labels(labels))


def _between(x: float, top: float, bottom: float) -> Markup:
    at = svg.share(x)
    return svg.element(
        "line", class_="whisker", x1=at, x2=at, y1=svg.share(top), y2=svg.share(bottom)
    )


def _upright(class_name: str, x: float) -> Markup:
    at = svg.share(x)
    return svg.element("line", class_=class_name, x1=at, x2=at, y1="0%", y2="100%")


def _ticks(low: float, high: float, *, steps_max: int = 5) -> tuple[Decimal, ...]:
    return value_ticks(Decimal(repr(low)), Decimal(repr(high)), steps_max=steps_max)


def _whole(ticks: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    """Return the ticks of something that is counted: at least one apart."""
    if ticks[1] - ticks[0] >= 1:
        return ticks
    return tuple(Decimal(number) for number in range(math.ceil(ticks[-1]) + 1))


def _log_ticks(low: float, high: float) -> tuple[Decimal, ...]:
    """Return heights that enclose two others and read well on a scale of factors."""
    if high / low < 1 + _FLAT or high / low <= float(_LOG_STEPS[1]):
        ticks = _ticks(low, high)
        return ticks if ticks[0] > 0 else ticks[1:]
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    nice = [step.scaleb(power) for power in range(first, last + 1) for step in _LOG_STEPS]
    begin = max(index for index, tick in enumerate(nice) if float(tick) <= low)
    end = min(index for index, tick in enumerate(nice) if float(tick) >= high)
    chosen = nice[begin : end + 1]
    if len(chosen) > _LOG_TICKS_MAX:
        chosen = [tick for tick in chosen if tick.normalize().as_tuple().digits == (1,)]
        chosen = [nice[begin], *chosen, nice[end]]
    return tuple(sorted(set(chosen)))


def _plot(titled: Titled, *drawn: Markup) -> Markup:
    return svg.element(
        "svg",
        svg.element("title", titled.title, id=f"{titled.id}-title"),
        svg.element("desc", titled.sentence, id=f"{titled.id}-desc"),
        *drawn,
        class_=f"plot {titled.id}",
        role="img",
        aria_labelledby=f"{titled.id}-title {titled.id}-desc",
    )


def _canvas(*drawn: Markup) -> Markup:
    return svg.element(
        "svg",
        *drawn,
        viewBox=f"0 0 {_SIDE:.0f} {_SIDE:.0f}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def _stretched(class_name: str, data: str) -> Markup:
    return svg.element("path", class_=class_name, d=data, vector_effect="non-scaling-stroke")


def _rules(axis: _Axis, base: float | None) -> tuple[Markup, ...]:
    return tuple(
        svg.element(
            "line",
            class_="rule zero" if base is not None and float(tick) == base else "rule",
            x1="0%",
            x2="100%",
            y1=svg.share(axis.down(float(tick))),
            y2=svg.share(axis.down(float(tick))),
        )
        for tick in axis.ticks
    )


def _time_rules(start: date, end: date) -> tuple[Markup, ...]:
    return tuple(
        _upright("rule time", place(tick.day, start, end)) for tick in time_ticks(start, end)
    )


def _value_axis(axis: _Axis, label: Callable[[Decimal, Sequence[Decimal]], str]) -> Markup:
    drawn = (
        svg.element(
            "text",
            label(tick, axis.ticks),
            x="0",
            y=svg.share(axis.down(float(tick))),
            dy="0.32em",
        )
        for tick in axis.ticks
    )
    return svg.element("svg", *drawn, class_="axis", aria_hidden="true")


def _time_axis(start: date, end: date) -> Markup:
    ticks = time_ticks(start, end)
    return _labels([(tick.label, place(tick.day, start, end)) for tick in ticks])


def _labels(found: Sequence[tuple[str, float]]) -> Markup:
    drawn = (
        svg.element(
            "text",
            label,
            class_="every-other" if index % 2 else None,
            x=svg.share(at),
            y="1em",
            text_anchor="start" if at < _LABEL_EDGE / 2 else _anchor(at),
        )
        for index, (label, at) in enumerate(found)
    )
    return svg.element("svg", *drawn, class_="axis time", aria_hidden="true")


def _anchor(at: float) -> str:
    return "end" if at > 1 - _LABEL_EDGE / 2 else "middle"
