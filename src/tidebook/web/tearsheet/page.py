"""A tear sheet as a page: one HTML file that asks for nothing else."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import Frequency, Undefined, measure_of
from tidebook.analytics.catalogue import MEASURES, suite
from tidebook.analytics.figures import Reason
from tidebook.analytics.measures import Unit
from tidebook.analytics.traits import TRAITS
from tidebook.model.money import exact
from tidebook.web import figures
from tidebook.web.cells import Cell, Notes
from tidebook.web.rendering import rendered
from tidebook.web.tearsheet.drawn import drawings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.analytics import DatedReturns, Fall, Figure, Interval, Measure
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.outcomes import Outcome
    from tidebook.analytics.traits import Trait
    from tidebook.engine.measuring.bridging import Bridge
    from tidebook.engine.measuring.comparing import Comparison
    from tidebook.engine.measuring.tearsheet import PeriodLine, TearSheet
    from tidebook.web.tearsheet.drawn import Drawing

_HEADLINE: Final = (
    "cumulative_return",
    "annual_return",
    "volatility",
    "sharpe_arithmetic",
    "sortino",
    "max_drawdown",
)
_MONTHS: Final = 12
_SHADES: Final = 4
_SHADED_QUANTILE: Final = 0.9
_LENGTHS: Final = (
    ("Day", None),
    ("Week", Frequency.WEEKLY),
    ("Month", Frequency.MONTHLY),
    ("Quarter", Frequency.QUARTERLY),
    ("Year", Frequency.YEARLY),
)
_NO_BENCHMARK: Final = Undefined(Reason.NO_BENCHMARK).sentence
_NO_CAPITAL: Final = Undefined(Reason.NO_DATA).sentence


class Row(NamedTuple):
    """A line of a table: its name, what it means, and its cells."""

    name: str
    meaning: str
    cells: tuple[Cell, ...]


class Shaded(NamedTuple):
    """A month of the table of months: its return, and how deep it is shaded."""

    cell: Cell | None
    shade: str


class Year(NamedTuple):
    """A row of the table of months."""

    name: str
    months: tuple[Shaded, ...]
    whole: Cell


class TearSheetView(NamedTuple):
    """All that the template prints."""

    title: str
    portfolio_id: str
    benchmark: str | None
    currency: str
    provenance: tuple[tuple[str, str], ...]
    headline: tuple[Row, ...]
    drawings: dict[str, Drawing]
    measures: tuple[Row, ...]
    traits: tuple[Row, ...]
    certainty: tuple[Row, ...]
    fallen: tuple[Row, ...]
    periods: tuple[Row, ...]
    years: tuple[Row, ...]
    lengths: tuple[Row, ...]
    falls: tuple[Row, ...]
    months: tuple[Year, ...]
    money: tuple[Row, ...]
    bridge: tuple[Row, ...]
    same_flows: tuple[Row, ...]
    conventions: tuple[tuple[str, str], ...]
    notes: tuple[tuple[int, str], ...]


def render_tear_sheet(sheet: TearSheet, *, nonce: str) -> str:
    """Return a tear sheet as one HTML file, the same bytes for the same figures.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    view = tear_sheet_view(sheet)
    return rendered("tearsheet.html.j2", nonce, styles=("page.css", "tearsheet.css"), view=view)


def tear_sheet_view(sheet: TearSheet) -> TearSheetView:
    """Return what is printed of a tear sheet."""
    notes, portfolio = Notes(), sheet.portfolio
    comparison, found = sheet.comparison, sheet.outcomes
    view = TearSheetView(
        title=portfolio.name or portfolio.portfolio_id,
        portfolio_id=portfolio.portfolio_id,
        benchmark=None if comparison is None else comparison.line.blend.symbol,
        currency=portfolio.base_currency,
        provenance=_provenance(sheet),
        headline=tuple(_measured(measure_of(name), sheet, notes) for name in _HEADLINE),
        drawings=drawings(sheet),
        measures=tuple(_measured(measure, sheet, notes) for measure in _told_measures(sheet)),
        traits=tuple(_trait(trait, sheet, notes) for trait in TRAITS),
        certainty=tuple(
            _certainty(measure_of(name), interval, notes)
            for name, interval in found.intervals.items()
        ),
        fallen=_fallen(sheet, notes),
        periods=tuple(_period(line, sheet, notes) for line in sheet.periods),
        years=tuple(_period(line, sheet, notes) for line in sheet.years),
        lengths=tuple(_length(name, one, sheet, notes) for name, one in _LENGTHS),
        falls=tuple(
            _fall(index, fall, sheet.span.start) for index, fall in enumerate(found.own.worst, 1)
        ),
        months=_months(sheet, notes),
        money=tuple(_money(line, sheet, notes) for line in (*sheet.years, sheet.whole)),
        bridge=_bridge(sheet.bridge, notes),
        same_flows=() if comparison is None else _same_flows(comparison, sheet, notes),
        conventions=_conventions(sheet),
        notes=(),
    )
    return view._replace(notes=notes.listed())


def _told_measures(sheet: TearSheet) -> Sequence[Measure]:
    if sheet.comparison is not None:
        return MEASURES
    return tuple(measure for measure in MEASURES if not measure.needs_benchmark)


def _measured(measure: Measure, sheet: TearSheet, notes: Notes) -> Row:
    found = sheet.outcomes
    cells = [_figure(found.own.suite.figures[measure.id], measure.unit, notes)]
    if found.benchmark is not None:
        other = found.benchmark.suite.figures.get(measure.id)
        cells.append(Cell("") if other is None else _figure(other, measure.unit, notes))
    return Row(measure.title, measure.formula, tuple(cells))


def _trait(trait: Trait, sheet: TearSheet, notes: Notes) -> Row:
    cells = [_figure(one.traits[trait.id], trait.unit, notes) for one in _sides(sheet)]
    return Row(trait.title, trait.formula, tuple(cells))


def _certainty(measure: Measure, interval: Interval, notes: Notes) -> Row:
    told = (interval.figure, interval.low, interval.high)
    cells = tuple(_figure(figure, measure.unit, notes) for figure in told)
    return Row(measure.title, "", (*cells, Cell(f"{interval.draws:,}")))


def _fallen(sheet: TearSheet, notes: Notes) -> tuple[Row, ...]:
    sides = [one.falls for one in _sides(sheet)]
    named = (
        ("How many", "", Unit.COUNT, [float(one.fall_count) for one in sides]),
        ("Mean depth", "", Unit.FRACTION, [one.depth_mean for one in sides]),
        ("Mean length", "calendar days", Unit.RATIO, [one.days_mean for one in sides]),
        ("Longest", "calendar days", Unit.COUNT, [one.days_longest for one in sides]),
    )
    return tuple(
        Row(name, meaning, tuple(_figure(figure, unit, notes) for figure in told))
        for name, meaning, unit, told in named
    )


def _sides(sheet: TearSheet) -> Sequence[Outcome]:
    found = sheet.outcomes
    return (found.own,) if found.benchmark is None else (found.own, found.benchmark)


def _figure(figure: Figure, unit: Unit, notes: Notes) -> Cell:
    if isinstance(figure, Undefined):
        return notes.missing(figure.sentence)
    if unit in {Unit.FRACTION, Unit.FRACTION_PER_YEAR, Unit.FRACTION_PER_PERIOD}:
        return notes.percent(figure, _NO_CAPITAL)
    text = f"{figure:,.0f}" if unit is Unit.COUNT else f"{figure:,.2f}"
    return Cell(text.replace("-", figures.MINUS), exact=repr(figure))


def _percent(figure: Figure | None, notes: Notes) -> Cell:
    if isinstance(figure, Undefined):
        return notes.missing(figure.sentence)
    return notes.percent(figure, _NO_BENCHMARK, signed=True)


def _period(line: PeriodLine, sheet: TearSheet, notes: Notes) -> Row:
    start, end = line.twr.start, line.twr.end
    days = f"{figures.day(start)} to {figures.day(end)}" if start else ""
    cells = [_percent(line.twr.cumulative, notes), _percent(line.mwr.rate_period, notes)]
    if sheet.comparison is not None:
        cells.append(_percent(line.benchmark, notes))
        cells.append(_percent(_less(line.twr.cumulative, line.benchmark), notes))
    return Row(line.twr.name, days, tuple(cells))


def _less(one: Figure, other: Figure | None) -> Figure | None:
    if other is None or isinstance(other, Undefined):
        return other
    return one if isinstance(one, Undefined) else one - other


def _length(name: str, frequency: Frequency | None, sheet: TearSheet, notes: Notes) -> Row:
    own = sheet.outcomes.own
    returns = (own.returns if frequency is None else own.by_period[frequency]).returns
    rises, falls = returns[returns > 0], returns[returns < 0]
    moved = rises.size + falls.size
    told = suite(returns).figures
    cells = (
        notes.percent(_of(returns, "mean"), _NO_CAPITAL, signed=True),
        _percent(told["geometric_mean_return"], notes),
        notes.percent(_of(returns, "max"), _NO_CAPITAL, signed=True),
        notes.percent(_of(returns, "min"), _NO_CAPITAL, signed=True),
        notes.percent(_of(rises, "mean"), "No such period rose.", signed=True),
        notes.percent(_of(falls, "mean"), "No such period fell.", signed=True),
        notes.percent(rises.size / moved if moved else None, "No such period rose or fell."),
        _figure(told["gain_to_pain"], Unit.RATIO, notes),
        Cell(f"{returns.size:,}"),
    )
    return Row(name, "", cells)


def _of(returns: Floats, what: str) -> float | None:
    return float(getattr(np, what)(returns)) if returns.size else None


def _fall(index: int, fall: Fall, start: date) -> Row:
    peak = fall.peak_on or start
    end = fall.recovered_on
    cells = (
        Cell(figures.percent(-fall.depth), "minus", exact=repr(-fall.depth)),
        Cell(figures.day(peak)),
        Cell(figures.day(fall.trough_on)),
        Cell("not yet" if end is None else figures.day(end)),
        Cell(f"{(fall.trough_on - peak).days:,}"),
        Cell("open" if fall.recovery_days is None else f"{fall.recovery_days:,}"),
    )
    return Row(str(index), "", cells)


def _months(sheet: TearSheet, notes: Notes) -> tuple[Year, ...]:
    own = sheet.outcomes.own
    months = own.by_period[Frequency.MONTHLY]
    if not len(months):
        return ()
    deepest = float(np.quantile(np.abs(months.returns), _SHADED_QUANTILE)) or 1.0
    wholes = _by_year(own.by_period[Frequency.YEARLY])
    years: list[Year] = []
    pairs = zip(months.dates.tolist(), months.returns.tolist(), strict=True)
    for year, group in groupby(pairs, key=lambda pair: pair[0].year):
        found = {day.month: earned for day, earned in group}
        shaded = tuple(_shaded(found.get(month), deepest, notes) for month in range(1, _MONTHS + 1))
        whole = notes.percent(wholes.get(year), _NO_CAPITAL, signed=True)
        years.append(Year(str(year), shaded, whole))
    return tuple(years)


def _by_year(years: DatedReturns) -> dict[int, float]:
    pairs = zip(years.dates.tolist(), years.returns.tolist(), strict=True)
    return {day.year: earned for day, earned in pairs}


def _shaded(earned: float | None, deepest: float, notes: Notes) -> Shaded:
    if earned is None:
        return Shaded(None, "")
    depth = min(int(abs(earned) / deepest * _SHADES) + 1, _SHADES)
    side = "" if not earned else "rise" if earned > 0 else "fall"
    cell = notes.percent(earned, _NO_CAPITAL, signed=True)
    return Shaded(cell, f"{side}-{depth}" if side else "")


def _money(line: PeriodLine, sheet: TearSheet, notes: Notes) -> Row:
    currency, told = sheet.portfolio.base_currency, line.twr.attributes
    if told is None:
        return Row(line.twr.name, "", tuple(notes.missing(_NO_CAPITAL) for _ in range(6)))
    with exact():
        gain = (
            told.end_market_value - told.begin_market_value - told.contributions + told.withdrawals
        )
    amounts = (
        (told.begin_market_value, False),
        (told.contributions, False),
        (told.withdrawals, False),
        (gain, True),
        (told.end_market_value, False),
    )
    cells = [
        notes.amount(amount, currency, _NO_CAPITAL, signed=signed) for amount, signed in amounts
    ]
    return Row(line.twr.name, "", (*cells, _percent(line.mwr.rate_period, notes)))


def _bridge(found: Bridge, notes: Notes) -> tuple[Row, ...]:
    told = [
        ("At the start", "the close of the day before", found.start, False),
        ("Flows", "what crossed the border", found.flows, True),
        ("Price", "gains by price, realised and not, before costs", found.price, True),
        ("Currency", "gains by exchange rates", found.currency, True),
        ("Income", "dividends and interest, before costs", found.income, True),
        ("Fees", "", -found.fees, True),
        ("Taxes", "", -found.taxes, True),
    ]
    if found.into_unpriced:
        told.append(("Into what has no price", "", -found.into_unpriced, True))
    if found.unexplained:
        told.append(("Not explained", "where cash is booked by hand", found.unexplained, True))
    told.append(("At the end", "the sum of all lines above", found.end, False))
    return tuple(
        Row(name, meaning, (notes.amount(amount, found.base_currency, "", signed=is_change),))
        for name, meaning, amount, is_change in told
    )


def _same_flows(found: Comparison, sheet: TearSheet, notes: Notes) -> tuple[Row, ...]:
    user, index = found.user, found.benchmark
    if user is None or index is None:
        return tuple(
            Row(code.replace("-", " ").capitalize(), why, ()) for code, why in found.reasons
        )
    currency = sheet.portfolio.base_currency
    value = f"{index.market.end_value:,.2f}".replace("-", figures.MINUS)
    added = float(user.closing) - index.market.end_value
    rows = [
        Row("Value at the end", "", (notes.amount(user.closing, currency, ""),)),
        Row(
            "The same flows in the benchmark",
            "Every flow bought or sold it at that day's close",
            (Cell(value),),
        ),
        Row("Value added", "The one less the other", (_signed(added),)),
        Row("Money-weighted return", "Over the period", (_percent(user.rates.rate_period, notes),)),
        Row("That of the benchmark", "With the same flows", (_percent(index.rate_period, notes),)),
        Row(
            "Difference", found.status.value.replace("_", " "), (_percent(found.difference, notes),)
        ),
        Row(
            "KS-PME",
            "Above 1 the portfolio did better",
            (_ratio(index.market.kaplan_schoar, notes),),
        ),
        Row("Direct alpha", "Per year", (_percent(index.direct_alpha, notes),)),
    ]
    return tuple(rows)


def _signed(amount: float) -> Cell:
    text = f"{amount:+,.2f}".replace("-", figures.MINUS)
    return Cell(text, "plus" if amount > 0 else "minus" if amount < 0 else "")


def _ratio(figure: Figure, notes: Notes) -> Cell:
    if isinstance(figure, Undefined):
        return notes.missing(figure.sentence)
    return Cell(f"{figure:.4f}", exact=repr(figure))


def _provenance(sheet: TearSheet) -> tuple[tuple[str, str], ...]:
    fresh, found = sheet.freshness, sheet.outcomes
    coverage = sheet.coverage_min
    told = [
        ("Period", f"{figures.day(sheet.span.start)} to {figures.day(sheet.span.end)}"),
        ("Returns", f"{len(found.own.returns):,}"),
        ("Value priced, at least", "–" if coverage is None else figures.percent(coverage)),
        ("Known at", "now" if fresh.known_at is None else figures.instant(fresh.known_at)),
        ("Generation", f"{fresh.generation}"),
        ("Currency", sheet.portfolio.base_currency),
    ]
    if sheet.comparison is not None:
        told += [
            (
                f"Benchmark {part.symbol}",
                f"{part.basis.value.replace('_', ' ')}, {part.source.value}",
            )
            for part in sheet.comparison.line.parts
        ]
    return tuple(told)


def _conventions(sheet: TearSheet) -> tuple[tuple[str, str], ...]:
    terms, found = sheet.terms, sheet.outcomes
    told = [
        ("Returns", "time-weighted, net of fees, simple, in the portfolio's currency"),
        (
            "Frequency",
            f"{terms.frequency.value.lower().replace('_', ' ')}; {terms.k:g} periods a year",
        ),
        (
            "Per year",
            "(1 + R) ^ (365.25 / days) - 1 beyond 366 days; shorter periods are not annualised",
        ),
        (
            "Rate without risk",
            f"{figures.percent(terms.risk_free_annual)} a year, {terms.compounding.value.lower()}",
        ),
        (
            "Target",
            f"{figures.percent(terms.target_annual)} a year, for Sortino, omega and the downside",
        ),
        (
            "Value at risk",
            f"at {terms.confidence:.0%} over {terms.horizon_days:g} day; losses are positive",
        ),
        ("Drawdown", "compounded, from 1 at the start; losses are positive fractions in the table"),
        (
            "How certain",
            "95 of 100 histories drawn from these returns, in blocks of random length, lie between",
        ),
        ("Money-weighted return", "over the period, not per year; every external flow on its day"),
        ("Days without capital", f"{sheet.days_without_capital} left out"),
    ]
    if sheet.comparison is not None:
        told.append(
            (
                "Benchmark",
                f"both over the days that both have, linked between; {found.left_out} days outside",
            )
        )
    if sheet.is_reset:
        told.append(("Chain of returns", "began anew after a day on which everything was lost"))
    return tuple(told)
