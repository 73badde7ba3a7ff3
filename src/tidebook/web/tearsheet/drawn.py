"""Which drawings a tear sheet has, and what each of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import Frequency, Undefined
from tidebook.web import figures
from tidebook.web.tearsheet.plots import (
    Box,
    Column,
    Curve,
    Scale,
    Titled,
    binned,
    boxes,
    columns,
    counts,
    growth_label,
    lines,
    number_label,
    percent_label,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.outcomes import Outcome, Outcomes
    from tidebook.engine.measuring.tearsheet import TearSheet
    from tidebook.web.tearsheet.plots import (
        Panel,
    )

_LABELLED_YEARS: Final = 12
_QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_BOXED: Final = (
    (Frequency.WEEKLY, "Weekly"),
    (Frequency.MONTHLY, "Monthly"),
    (Frequency.QUARTERLY, "Quarterly"),
    (Frequency.YEARLY, "Yearly"),
)


class Drawing(NamedTuple):
    """A drawing with its caption; ``keys`` name its lines, by the class that colours them."""

    id: str
    title: str
    sentence: str
    panel: Panel
    keys: tuple[tuple[str, str], ...] = ()


def drawings(sheet: TearSheet) -> dict[str, Drawing]:
    """Return the drawings of a tear sheet by their ids, without those that have nothing to show."""
    return {drawing.id: drawing for drawing in _all(sheet) if drawing is not None}


def _all(sheet: TearSheet) -> Iterator[Drawing | None]:
    found = sheet.outcomes
    yield from _growths(sheet)
    yield _years(sheet)
    yield _under(found)
    yield _daily(found.own)
    yield _spread(found.own)
    yield _boxes(found.own)
    yield from _rolled(sheet)


def _days(outcome: Outcome) -> list[date]:
    return outcome.returns.dates.tolist()


def _names(sheet: TearSheet) -> tuple[tuple[str, str], ...]:
    own = ("own", sheet.portfolio.name or sheet.portfolio.portfolio_id)
    if sheet.comparison is None:
        return (own,)
    return own, ("market", sheet.comparison.line.blend.symbol)


def _told(
    titled: Titled,
    days: Sequence[date],
    columns_drawn: Sequence[Floats],
    scale: Scale,
    keys: tuple[tuple[str, str], ...],
) -> Drawing | None:
    if not days:
        return None
    curves = [
        Curve(key[0], values.tolist()) for key, values in zip(keys, columns_drawn, strict=False)
    ]
    panel = lines(titled, days, curves, scale)
    if panel is None:
        return None
    return Drawing(titled.id, titled.title, titled.sentence, panel, keys[: len(curves)])


def _growths(sheet: TearSheet) -> Iterator[Drawing | None]:
    found, keys, days = sheet.outcomes, _names(sheet), _days(sheet.outcomes.own)
    wealth = [found.own.wealth, *([found.benchmark.wealth] if found.benchmark else [])]
    last = ", ".join(
        f"{name} {figures.percent(float(values[-1]) - 1.0, signed=True)}"
        for (_, name), values in zip(keys, wealth, strict=True)
        if len(values)
    )
    growth = Titled("growth", "Cumulative return", f"What 1 became, less 1: {last}.")
    earned = [values - 1.0 for values in wealth]
    yield _told(growth, days, earned, Scale(percent_label, 0.0), keys)
    if all(bool((values > 0).all()) for values in wealth):
        logs = Titled(
            "growth-log",
            "Cumulative return, on a scale of factors",
            "Equal heights are equal factors, so that early and late gains compare.",
        )
        yield _told(logs, days, wealth, Scale(growth_label, is_log=True), keys)
    if found.matched is not None:
        matched = Titled(
            "matched",
            "Cumulative return at one volatility",
            "The benchmark held at the size at which it scatters as the portfolio did.",
        )
        yield _told(
            matched, days, [earned[0], found.matched - 1.0], Scale(percent_label, 0.0), keys
        )


def _years(sheet: TearSheet) -> Drawing | None:
    places = [
        Column(
            line.twr.name,
            (
                _number(line.twr.cumulative),
                *((_number(line.benchmark),) if sheet.comparison else ()),
            ),
        )
        for line in sheet.years
    ]
    names = [name for name, _ in _names(sheet)]
    every = 1 + (len(places) - 1) // _LABELLED_YEARS
    titled = Titled(
        "years", "Return by calendar year", "The first and the last year may be cut off."
    )
    panel = columns(titled, names, places, every=every)
    return panel and Drawing(titled.id, titled.title, titled.sentence, panel, _names(sheet))


def _number(figure: float | Undefined | None) -> float | None:
    return None if isinstance(figure, Undefined) else figure


def _under(found: Outcomes) -> Drawing | None:
    if isinstance(found.own.drawdown, Undefined):
        return None
    under = found.own.drawdown
    deepest = under.deepest
    sentence = "It never fell below an earlier high."
    if deepest is not None:
        sentence = f"Deepest {figures.percent(-deepest.depth)} on {figures.day(deepest.trough_on)}."
    titled = Titled("underwater", "Under water: below the highest wealth so far", sentence)
    keys = (("under", ""),)
    drawn = _told(titled, under.dates.tolist(), [under.underwater], Scale(percent_label, 0.0), keys)
    return drawn and drawn._replace(keys=())


def _daily(own: Outcome) -> Drawing | None:
    titled = Titled("daily", "Return of each day", "Every return that the figures rest on.")
    keys = (("day", ""),)
    values = [own.returns.returns]
    drawn = _told(titled, _days(own), values, Scale(percent_label, 0.0), keys)
    return drawn and drawn._replace(keys=())


def _spread(own: Outcome) -> Drawing | None:
    months = own.by_period[Frequency.MONTHLY].returns
    if months.size == 0:
        return None
    mean = float(months.mean())
    sentence = f"{months.size} months; their mean, {figures.percent(mean)}, is marked."
    titled = Titled("months-spread", "How monthly returns are spread", sentence)
    panel = counts(titled, binned(months.tolist()), mean)
    return panel and Drawing(titled.id, titled.title, titled.sentence, panel)


def _boxes(own: Outcome) -> Drawing | None:
    series = [("Daily", own.returns), *((name, own.by_period[one]) for one, name in _BOXED)]
    found = [
        Box(name, *np.quantile(one.returns, _QUARTERS).tolist()) for name, one in series if len(one)
    ]
    titled = Titled(
        "quantiles",
        "Returns by length of period",
        "Boxes hold the middle half, with the median; whiskers reach the extremes.",
    )
    panel = boxes(titled, found)
    return panel and Drawing(titled.id, titled.title, titled.sentence, panel)


def _rolled(sheet: TearSheet) -> Iterator[Drawing | None]:
    found, keys = sheet.outcomes, _names(sheet)
    window = found.window
    told = (
        ("volatility", "Rolling volatility, per year", Scale(percent_label, 0.0)),
        ("sharpe_arithmetic", "Rolling Sharpe ratio", Scale(number_label, 0.0)),
        ("sortino", "Rolling Sortino ratio", Scale(number_label, 0.0)),
    )
    days = found.rolling.dates.tolist()
    for measure, title, scale in told:
        values = [found.rolling.figures[measure]]
        if found.rolling_benchmark is not None:
            values.append(found.rolling_benchmark.figures[measure])
        titled = Titled(f"rolling-{measure}", title, f"Of the last {window} returns.")
        yield _told(titled, days, values, scale, keys)
    if "beta" in found.rolling.figures:
        beta = Titled("rolling-beta", "Rolling beta", f"Of the last {window} returns.")
        yield _told(beta, days, [found.rolling.figures["beta"]], Scale(number_label, 1.0), keys)
