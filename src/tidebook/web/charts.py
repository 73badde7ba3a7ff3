"""The value and drawdown of a portfolio, drawn over one time axis.

Each drawing is an SVG as wide as its place in the page. Text, dots and rules are set in percent of
the width, so that they keep their size on any screen; the lines live in an inner SVG that is
stretched, with strokes that are not. The axes are drawings of their own beside and beneath.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypedDict

from markupsafe import Markup

from tidebook.web import figures, svg
from tidebook.web.pages import CurvePoint, DrawdownPoint, PortfolioPage
from tidebook.web.scales import keep_extremes, place, time_ticks, value_ticks

COLUMNS = 400
_SIDE = 1000.0
_SHALLOWEST = Decimal("-0.01")
_ZOOM_FROM = Decimal("0.6")
_LABEL_EDGE = 0.04


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


class _Scale(NamedTuple):
    """Where values lie, from the top (0) to the bottom (1) of a drawing."""

    low: Decimal
    high: Decimal

    def of(self, value: Decimal) -> float:
        return float((self.high - value) / (self.high - self.low))


def time_figure(page: PortfolioPage) -> TimeFigure | None:
    """Return the drawings of a portfolio, or nothing if it has no day to draw.

    A portfolio whose lowest value is within 60% of its highest is drawn without the zero line, to
    show its movement; it then has no filled area, since an area is read from zero.
    """
    if not page.curve:
        return None
    start = min(day for day, *_ in (page.curve[0], *page.drawdown[:1]))
    end = max(day for day, *_ in (page.curve[-1], *page.drawdown[-1:]))
    heights = [point.value for point in page.curve] + [point.contributed for point in page.curve]
    low, high = min(heights), max(heights)
    starts_at_zero = low < high * _ZOOM_FROM or low == high
    ticks = value_ticks(min(low, Decimal(0)) if starts_at_zero else low, max(high, Decimal(0)))
    scale = _Scale(ticks[0], ticks[-1])
    kept = _kept_curve(page.curve, start, end)
    return TimeFigure(
        value=Panel(
            _value_plot(page, kept, scale, ticks, (start, end), filled=starts_at_zero),
            _value_axis(ticks, figures.axis_labels(ticks), scale, page.base_currency),
        ),
        drawdown=_drawdown_panel(page, start, end),
        time_axis=_time_axis(start, end),
        starts_at_zero=starts_at_zero,
        readout=_readout(page, kept, scale, (start, end)),
    )


def _kept_curve(curve: Sequence[CurvePoint], start: date, end: date) -> tuple[CurvePoint, ...]:
    return tuple(
        curve[index]
        for index in keep_extremes(
            [place(point.day, start, end) for point in curve],
            [float(point.value) for point in curve],
            columns=COLUMNS,
        )
    )


def _kept_drawdown(
    points: Sequence[DrawdownPoint], start: date, end: date
) -> tuple[DrawdownPoint, ...]:
    return tuple(
        points[index]
        for index in keep_extremes(
            [place(point.day, start, end) for point in points],
            [_depth(point.fraction) for point in points],
            columns=COLUMNS,
        )
    )


def _depth(fraction: float) -> float:
    return -abs(fraction)


def _value_plot(  # noqa: PLR0913  (one drawing, six things to draw)
    page: PortfolioPage,
    kept: Sequence[CurvePoint],
    scale: _Scale,
    ticks: Sequence[Decimal],
    span: tuple[date, date],
    *,
    filled: bool,
) -> Markup:
    line = [(place(p.day, *span) * _SIDE, scale.of(p.value) * _SIDE) for p in kept]
    base = scale.of(Decimal(0)) * _SIDE if filled else 0.0
    contributed = [
        (place(p.day, *span) * _SIDE, scale.of(p.contributed) * _SIDE)
        for p in _changes(page.curve, span)
    ]
    last = kept[-1]
    drawn = [
        _stretched("area", svg.area_path(line, base)) if filled else Markup(""),
        _stretched("contributed", svg.step_path(contributed, line[-1][0])),
        _stretched("line", svg.line_path(line)),
    ]
    return _plot(
        "value",
        f"Value of {page.name} and capital contributed to it, in {page.base_currency}",
        _value_sentence(page),
        *_rules(ticks, scale, span),
        _canvas(*drawn),
        _dot("last", place(last.day, *span), scale.of(last.value)),
    )


def _value_sentence(page: PortfolioPage) -> str:
    first, last = page.curve[0], page.curve[-1]
    highest = max(page.curve, key=lambda point: point.value)
    lowest = min(page.curve, key=lambda point: point.value)

    def said(point: CurvePoint) -> str:
        return f"{figures.amount(point.value, page.base_currency)} on {figures.day(point.day)}"

    return (
        f"From {said(first)} to {said(last)}; lowest {said(lowest)}, highest {said(highest)}. "
        f"Contributed by the last day: {figures.amount(last.contributed, page.base_currency)}."
    )


def _changes(curve: Sequence[CurvePoint], span: tuple[date, date]) -> list[CurvePoint]:
    changed = [
        point
        for before, point in zip((None, *curve), curve, strict=False)
        if before is None or before.contributed != point.contributed
    ]
    kept = keep_extremes(
        [place(point.day, *span) for point in changed],
        [float(point.contributed) for point in changed],
        columns=COLUMNS,
    )
    return [changed[index] for index in kept]


def _drawdown_panel(page: PortfolioPage, start: date, end: date) -> Panel | None:
    if not page.drawdown:
        return None
    deepest = min(page.drawdown, key=lambda point: _depth(point.fraction))
    depth = Decimal(repr(_depth(deepest.fraction)))
    ticks = _drawdown_ticks(page.drawdown)
    scale = _Scale(ticks[0], ticks[-1])
    line = [
        (
            place(point.day, start, end) * _SIDE,
            scale.of(Decimal(repr(_depth(point.fraction)))) * _SIDE,
        )
        for point in _kept_drawdown(page.drawdown, start, end)
    ]
    trough = (
        _dot("trough", place(deepest.day, start, end), scale.of(depth)) if depth else Markup("")
    )
    step_places = figures.places((ticks[1] - ticks[0]).scaleb(2))
    labels = tuple(
        figures.percent(tick, decimal_places=step_places) if tick else "0" for tick in ticks
    )
    plot = _plot(
        "drawdown",
        f"Drawdown of {page.name} from its highest point so far",
        f"Deepest {figures.percent(depth)} on {figures.day(deepest.day)}; "
        f"{figures.percent(_depth(page.drawdown[-1].fraction))} on the last day.",
        *_rules(ticks, scale, (start, end)),
        _canvas(_stretched("area", svg.area_path(line, 0.0)), _stretched("line", svg.line_path(line))),
        trough,
    )
    return Panel(plot, _value_axis(ticks, labels, scale, None))


def _drawdown_ticks(points: Sequence[DrawdownPoint]) -> tuple[Decimal, ...]:
    deepest = min((_depth(point.fraction) for point in points), default=0.0)
    return value_ticks(min(Decimal(repr(deepest)), _SHALLOWEST), Decimal(0), steps_max=3)


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


def _rules(
    ticks: Sequence[Decimal], scale: _Scale, span: tuple[date, date]
) -> tuple[Markup, ...]:
    across = (
        svg.element(
            "line",
            class_="rule" if tick else "rule zero",
            x1="0%",
            x2="100%",
            y1=svg.share(scale.of(tick)),
            y2=svg.share(scale.of(tick)),
        )
        for tick in ticks
    )
    down = (
        svg.element("line", class_="rule time", x1=at, x2=at, y1="0%", y2="100%")
        for at in (svg.share(place(tick.day, *span)) for tick in time_ticks(*span))
    )
    return (*across, *down)


def _value_axis(
    ticks: Sequence[Decimal], labels: Sequence[str], scale: _Scale, unit: str | None
) -> Markup:
    named = [*labels[:-1], f"{unit} {labels[-1]}" if unit else labels[-1]]
    drawn = (
        svg.element("text", label, x="0", y=svg.share(scale.of(tick)), dy="0.32em")
        for tick, label in zip(ticks, named, strict=True)
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
    page: PortfolioPage, kept: Sequence[CurvePoint], scale: _Scale, span: tuple[date, date]
) -> Readout:
    """Return the exact numbers of the days that are drawn, small enough to travel in the page."""
    depths = {point.day: _depth(point.fraction) for point in page.drawdown}
    by_day = {point.day: point for point in page.curve}
    wanted = {point.day for point in kept}
    wanted.update(p.day for p in _kept_drawdown(page.drawdown, *span) if p.day in by_day)
    days = sorted(wanted)
    places = figures.minor_units(page.base_currency)
    return {
        "start": span[0].isoformat(),
        "span": (span[1] - span[0]).days,
        "low": float(scale.low),
        "high": float(scale.high),
        "floor": float(_drawdown_ticks(page.drawdown)[0]),
        "offsets": [(day - span[0]).days for day in days],
        "value": [f"{figures.rounded(by_day[day].value, places):f}" for day in days],
        "contributed": [f"{figures.rounded(by_day[day].contributed, places):f}" for day in days],
        "drawdown": [
            f"{figures.rounded(Decimal(repr(depths[day])).scaleb(2), 2):f}" if day in depths else None
            for day in days
        ],
    }

