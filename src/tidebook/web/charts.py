"""The value and drawdown of a portfolio, drawn over one time axis.

Each drawing is an SVG as wide as its place in the page. Text, dots and rules are set in percent of
the width, so that they keep their size on any screen; the lines live in an inner SVG that is
stretched, with strokes that are not. The axes are drawings of their own beside and beneath.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from tidebook.web import figures, svg
from tidebook.web.scales import along, keep_extremes, place, time_ticks, value_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from markupsafe import Markup

    from tidebook.web.pages import CurvePoint, DrawdownPoint, PortfolioPage

COLUMNS = 400
_SIDE = 1000.0
_SHALLOWEST = Decimal("-0.01")
_ZOOM_FROM = Decimal("0.6")
_LABEL_EDGE = 0.07


class Panel(NamedTuple):
    """A drawing and the labels of its value axis."""

    plot: Markup
    axis: Markup


class Readout(TypedDict):
    """The exact numbers of the days that are drawn, for the crosshair."""

    start: str
    span: int
    low: float
    high: float
    floor: float
    offsets: list[int]
    value: list[str]
    contributed: list[str]
    drawdown: list[str | None]


class TimeFigure(NamedTuple):
    """Both drawings, the time axis they share, and the numbers under the crosshair."""

    value: Panel
    drawdown: Panel | None
    time_axis: Markup
    starts_at_zero: bool
    readout: Readout


class _Frame(NamedTuple):
    """The axes of one drawing: labelled values, lowest first, and the first and last day."""

    ticks: tuple[Decimal, ...]
    start: date
    end: date

    def across(self, day: date) -> float:
        return place(day, self.start, self.end)

    def down(self, value: Decimal) -> float:
        return float((self.ticks[-1] - value) / (self.ticks[-1] - self.ticks[0]))

    def point(self, day: date, value: Decimal) -> tuple[float, float]:
        return self.across(day) * _SIDE, self.down(value) * _SIDE


class _Falls(NamedTuple):
    """What is drawn of the drawdown, and what is said of it."""

    kept: tuple[DrawdownPoint, ...]
    deepest: DrawdownPoint
    last: DrawdownPoint
    frame: _Frame


def time_figure(page: PortfolioPage) -> TimeFigure | None:
    """Return the drawings of a portfolio, or nothing if it has no day to draw.

    A portfolio whose lowest value is within 60% of its highest is drawn without the zero line, to
    show its movement; it then has no filled area, since an area is read from zero.
    """
    if not page.curve:
        return None
    drawdown = [point for point in page.drawdown if figures.is_number(point.fraction)]
    start = min(day for day, *_ in (page.curve[0], *drawdown[:1]))
    end = max(day for day, *_ in (page.curve[-1], *drawdown[-1:]))
    kept = _kept_curve(page.curve, start, end)
    contributed = _changes(page.curve, start, end)
    frame = _Frame(_curve_ticks(kept, contributed), start, end)
    falls = _falls(drawdown, start, end) if drawdown else None
    return TimeFigure(
        value=Panel(
            _value_plot(page, kept, contributed, frame),
            _value_axis(frame, figures.axis_labels(frame.ticks), page.base_currency),
        ),
        drawdown=_drawdown_panel(page.name, falls) if falls else None,
        time_axis=_time_axis(start, end),
        starts_at_zero=_has_zero(frame),
        readout=_readout(page, kept, falls, frame),
    )


def _curve_ticks(
    kept: Sequence[CurvePoint], contributed: Sequence[CurvePoint]
) -> tuple[Decimal, ...]:
    """Return the axis for what is drawn; thinning has kept the extremes of all days."""
    heights = [point.value for point in kept] + [point.contributed for point in contributed]
    low, high = min(heights), max(heights)
    if low < high * _ZOOM_FROM or low == high:
        low = min(low, Decimal(0))
    return value_ticks(low, max(high, Decimal(0)))


def _has_zero(frame: _Frame) -> bool:
    return frame.ticks[0] <= 0


def _kept_curve(curve: Sequence[CurvePoint], start: date, end: date) -> tuple[CurvePoint, ...]:
    places = along((point.day for point in curve), start, end)
    values = [float(point.value) for point in curve]
    return tuple(curve[index] for index in keep_extremes(places, values, columns=COLUMNS))


def _changes(curve: Sequence[CurvePoint], start: date, end: date) -> tuple[CurvePoint, ...]:
    """Return the days on which the contributed capital changed, the first included."""
    changed = [curve[0]]
    for point in curve:
        if point.contributed != changed[-1].contributed:
            changed.append(point)
    places = along((point.day for point in changed), start, end)
    values = [float(point.contributed) for point in changed]
    return tuple(changed[index] for index in keep_extremes(places, values, columns=COLUMNS))


def _falls(drawdown: Sequence[DrawdownPoint], start: date, end: date) -> _Falls:
    depths = [-abs(point.fraction) for point in drawdown]
    places = along((point.day for point in drawdown), start, end)
    kept = tuple(drawdown[index] for index in keep_extremes(places, depths, columns=COLUMNS))
    deepest = drawdown[depths.index(min(depths))]
    ticks = _drawdown_ticks(_exact_depth(deepest))
    return _Falls(kept, deepest, drawdown[-1], _Frame(ticks, start, end))


def _drawdown_ticks(depth: Decimal) -> tuple[Decimal, ...]:
    return value_ticks(min(depth, _SHALLOWEST), Decimal(0), steps_max=3)


def _exact_depth(point: DrawdownPoint) -> Decimal:
    return Decimal(repr(-abs(float(point.fraction))))


def _value_plot(
    page: PortfolioPage,
    kept: Sequence[CurvePoint],
    contributed: Sequence[CurvePoint],
    frame: _Frame,
) -> Markup:
    points = [frame.point(point.day, point.value) for point in kept]
    steps = [frame.point(point.day, point.contributed) for point in contributed]
    line, last = svg.line_path(points), kept[-1]
    area = (
        (_stretched("area", svg.area_path(line, points, frame.down(Decimal(0)) * _SIDE)),)
        if _has_zero(frame)
        else ()
    )
    return _plot(
        "value",
        f"Value of {page.name} and capital contributed to it, in {page.base_currency}",
        _value_sentence(kept, page.base_currency),
        *_rules(frame),
        _canvas(
            *area,
            _stretched("contributed", svg.step_path(steps, points[-1][0])),
            _stretched("line", line),
        ),
        _dot("last", frame.across(last.day), frame.down(last.value)),
    )


def _value_sentence(kept: Sequence[CurvePoint], currency: str) -> str:
    first, last = kept[0], kept[-1]
    highest = max(kept, key=lambda point: point.value)
    lowest = min(kept, key=lambda point: point.value)

    def said(point: CurvePoint) -> str:
        return f"{figures.amount(point.value, currency)} on {figures.day(point.day)}"

    return (
        f"From {said(first)} to {said(last)}; lowest {said(lowest)}, highest {said(highest)}. "
        f"Contributed by the last day: {figures.amount(last.contributed, currency)}."
    )


def _drawdown_panel(name: str, falls: _Falls) -> Panel:
    frame, depth = falls.frame, _exact_depth(falls.deepest)
    points = [frame.point(point.day, _exact_depth(point)) for point in falls.kept]
    line = svg.line_path(points)
    trough = (_dot("trough", frame.across(falls.deepest.day), frame.down(depth)),) if depth else ()
    step_places = figures.places((frame.ticks[1] - frame.ticks[0]).scaleb(2))
    labels = tuple(
        figures.percent(tick, decimal_places=step_places) if tick else "0" for tick in frame.ticks
    )
    plot = _plot(
        "drawdown",
        f"Drawdown of {name} from its highest point so far",
        f"Deepest {figures.percent(depth)} on {figures.day(falls.deepest.day)}; "
        f"{figures.percent(_exact_depth(falls.last))} on the last day.",
        *_rules(frame),
        _canvas(
            _stretched("area", svg.area_path(line, points, 0.0)),
            _stretched("line", line),
        ),
        *trough,
    )
    return Panel(plot, _value_axis(frame, labels, None))


def _plot(name: str, title: str, sentence: str, *drawn: Markup) -> Markup:
    cross = svg.element("line", class_="cross", y1="0%", y2="100%", x1="0%", x2="0%")
    return svg.element(
        "svg",
        svg.element("title", title, id=f"{name}-title"),
        svg.element("desc", sentence, id=f"{name}-desc"),
        *drawn,
        cross,
        _dot("reading", 0.0, 0.0),
        class_=f"plot {name}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
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


def _dot(class_name: str, x: float, y: float) -> Markup:
    return svg.element("circle", class_=class_name, cx=svg.share(x), cy=svg.share(y), r="3.5")


def _rules(frame: _Frame) -> tuple[Markup, ...]:
    across = (
        svg.element(
            "line",
            class_="rule" if tick else "rule zero",
            x1="0%",
            x2="100%",
            y1=svg.share(frame.down(tick)),
            y2=svg.share(frame.down(tick)),
        )
        for tick in frame.ticks
    )
    down = (
        svg.element("line", class_="rule time", x1=at, x2=at, y1="0%", y2="100%")
        for at in (svg.share(frame.across(tick.day)) for tick in time_ticks(frame.start, frame.end))
    )
    return (*across, *down)


def _value_axis(frame: _Frame, labels: Sequence[str], unit: str | None) -> Markup:
    named = [*labels[:-1], f"{unit} {labels[-1]}" if unit else labels[-1]]
    drawn = (
        svg.element("text", label, x="0", y=svg.share(frame.down(tick)), dy="0.32em")
        for tick, label in zip(frame.ticks, named, strict=True)
    )
    return svg.element("svg", *drawn, class_="axis", aria_hidden="true")


def _time_axis(start: date, end: date) -> Markup:
    ticks = time_ticks(start, end)
    drawn: list[Markup] = []
    for index, tick in enumerate(ticks):
        at = place(tick.day, start, end)
        anchor = "start" if at < _LABEL_EDGE else "end" if at > 1 - _LABEL_EDGE else "middle"
        drawn.append(
            svg.element(
                "text",
                tick.label,
                class_="every-other" if index % 2 else None,
                x=svg.share(at),
                y="1em",
                text_anchor=anchor,
            )
        )
    return svg.element("svg", *drawn, class_="axis time", aria_hidden="true")


def _readout(
    page: PortfolioPage, kept: Sequence[CurvePoint], falls: _Falls | None, frame: _Frame
) -> Readout:
    by_day = {point.day: point for point in page.curve}
    wanted = {point.day for point in kept}
    if falls is not None:
        wanted.update(point.day for point in falls.kept if point.day in by_day)
    points = [by_day[day] for day in sorted(wanted)]
    depths = {
        point.day: _exact_depth(point)
        for point in page.drawdown
        if point.day in wanted and figures.is_number(point.fraction)
    }
    ticks = falls.frame.ticks if falls else _drawdown_ticks(_SHALLOWEST)
    places = figures.minor_units(page.base_currency)
    return {
        "start": frame.start.isoformat(),
        "span": (frame.end - frame.start).days,
        "low": float(frame.ticks[0]),
        "high": float(frame.ticks[-1]),
        "floor": float(ticks[0]),
        "offsets": [(point.day - frame.start).days for point in points],
        "value": [f"{figures.rounded(point.value, places):f}" for point in points],
        "contributed": [f"{figures.rounded(point.contributed, places):f}" for point in points],
        "drawdown": [
            f"{figures.rounded(depths[point.day].scaleb(2), 2):f}" if point.day in depths else None
            for point in points
        ],
    }
