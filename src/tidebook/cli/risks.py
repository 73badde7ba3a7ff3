"""``tidebook risk``: every measure of a portfolio's returns, per period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.output import Answer, Column, Record, write
from tidebook.cli.reading import AsOf, KnownAt, Portfolio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.analytics import Frequency, Measure
    from tidebook.engine.measuring.measured import Measured, Scope
    from tidebook.engine.measuring.performance import NamedPeriod
    from tidebook.engine.measuring.risk import PeriodRisk, RiskTerms

PERIODS = ("1Y", "3Y", "5Y", "SI")
"""The periods that are shown when none is asked for."""


@app.command()
def risk(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    period: Annotated[
        list[str] | None,
        typer.Option(help="MTD, YTD, 1Y, 3Y, SI, 18M, a year, or FROM:TO; may be repeated."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="The id of a measure, such as volatility; all if absent."),
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="SPY, a security id, or a blend: '60% SPY + 40% AGG'.")
    ] = None,
    frequency: Annotated[
        str, typer.Option(help="DAILY, CALENDAR_DAILY, WEEKLY or MONTHLY.")
    ] = "DAILY",
    risk_free: Annotated[
        float, typer.Option(help="The yearly rate without risk, as a fraction.")
    ] = 0.0,
    target: Annotated[
        float, typer.Option(help="The yearly return not to be missed, as a fraction.")
    ] = 0.0,
    confidence: Annotated[float, typer.Option(help="Of the value at risk.")] = 0.99,
    log: Annotated[bool, typer.Option("--log", help="Log returns instead of simple ones.")] = False,
    population: Annotated[
        bool, typer.Option("--population", help="Deviations over n instead of n - 1.")
    ] = False,
    window: Annotated[
        int | None,
        typer.Option(min=2, help="The metrics of every so many returns in a row, by day."),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(min=100, max=10_000, help="Intervals of 95 %, of so many drawn histories."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where chance begins, with --draws.")] = 1,
    currency: Annotated[
        str | None, typer.Option(help="Measured in this currency; the portfolio's if absent.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Show volatility, drawdown, value at risk and every other measure over periods."""
    from tidebook.analytics import Estimator, ReturnKind
    from tidebook.cli.returns import period_named
    from tidebook.cli.risk_tables import intervals_answer, rolling_answer
    from tidebook.engine.measuring.measured import Scope
    from tidebook.engine.measuring.risk import RiskTerms

    if window is not None and (draws is not None or not metric):
        raise typer.BadParameter("--window tells chosen metrics alone: name --metric, no --draws")
    measures = _measures(metric or (), with_benchmark=benchmark is not None)
    periods = tuple(period_named(word) for word in dict.fromkeys(period or PERIODS))
    terms = RiskTerms(
        frequency=_frequency(frequency),
        kind=ReturnKind.LOG if log else ReturnKind.SIMPLE,
        risk_free_annual=risk_free,
        target_annual=target,
        confidence=confidence,
        estimator=Estimator.POPULATION if population else Estimator.SAMPLE,
    )
    scope = Scope((portfolio,), currency=currency, known_at=known_at)
    found, told, last = _found(ctx.obj, scope, periods, terms, (benchmark, as_of))
    answer = risk_answer(found, told, terms, measures, last)
    if window is not None:
        answer = rolling_answer(answer, told, measures, window)
    elif draws is not None:
        answer = intervals_answer(answer, told, measures, (draws, seed))
    write(answer, ctx.obj.output)


def _frequency(word: str) -> Frequency:
    from tidebook.analytics import Frequency

    try:
        return Frequency(word.upper())
    except ValueError:
        known = ", ".join(Frequency)
        raise typer.BadParameter(f"{word} is none of {known}") from None


def _found(
    invocation: Invocation,
    scope: Scope,
    periods: tuple[NamedPeriod, ...],
    terms: RiskTerms,
    beside: tuple[str | None, date | None],
) -> tuple[Measured, tuple[PeriodRisk, ...], date]:
    """Return what was measured, the risk of its periods, and the day it is as of."""
    from tidebook.analytics import FeeBasis, Rebalancing
    from tidebook.engine.measuring.benchmark_returns import index_line
    from tidebook.engine.measuring.measured import measured
    from tidebook.engine.measuring.performance import Request
    from tidebook.engine.measuring.risk import risk as risk_of

    benchmark, as_of = beside
    with invocation.opened(run=False) as system:
        found = measured(system.reader, scope, periods)
        last = as_of or found.freshness.as_of or system.clock.now().date()
        index = None
        if benchmark is not None:
            levels = index_line(
                found,
                (benchmark, Rebalancing.MONTHLY),
                system.benchmarks.levels,
                (system.reader, scope.known_at),
                last,
            )
            index = levels.returns(last)
    told = risk_of(found.series, Request(last, periods, FeeBasis.NET), terms, index)
    return found, told, last


def _measures(names: Sequence[str], *, with_benchmark: bool) -> list[Measure]:
    from tidebook.analytics import MEASURES, measure_of

    if names:
        return [measure_of(name.lower()) for name in dict.fromkeys(names)]
    return [each for each in MEASURES if with_benchmark or not each.needs_benchmark]


def risk_answer(
    found: Measured,
    periods: Sequence[PeriodRisk],
    terms: RiskTerms,
    measures: Sequence[Measure],
    last: date,
) -> Answer:
    """Return one row a measure, one column a period."""
    from tidebook.cli.answers import freshness_note, freshness_record
    from tidebook.engine.measuring.conventions import risk_conventions

    records = [_row(measure, periods) for measure in measures]
    names = [period.name for period in periods]
    convention = (
        "returns are time-weighted and net of costs; fractions, and a loss at risk is positive; "
        f"{terms.frequency.lower()}, {terms.k:g} periods a year"
    )
    return Answer(
        f"risk of {', '.join(found.portfolio_ids)} in {found.currency}",
        (
            Column("measure", "measure"),
            Column("unit", "unit"),
            *(Column(name, name, "exact") for name in names),
        ),
        records,
        {
            "portfolio_id": ", ".join(found.portfolio_ids),
            "currency": found.currency,
            "freshness": {**freshness_record(found.freshness), "as_of": last},
            "frequency": terms.frequency.value,
            "periods_per_year": terms.k,
            "return_type": terms.kind.value,
            "risk_free_annual": terms.risk_free_annual,
            "target_annual": terms.target_annual,
            "confidence": terms.confidence,
            "periods": [_period(period, measures) for period in periods],
            "conventions": {
                **risk_conventions(terms),
                "drawdown": "compounded, from the start of the period on; positive",
            },
        },
        None,
        (
            convention,
            freshness_note(found.freshness._replace(as_of=last)),
            *_reasons(periods, measures),
        ),
    )


def _row(measure: Measure, periods: Sequence[PeriodRisk]) -> Record:
    from tidebook.cli.risk_tables import shown

    told = {period.name: shown(period.figure(measure.id)) for period in periods}
    return {"measure": measure.id, "unit": measure.unit.value, **told}


def _period(period: PeriodRisk, measures: Sequence[Measure]) -> dict[str, object]:
    from tidebook.analytics import Undefined, value_of

    figures = {measure.id: period.figure(measure.id) for measure in measures}
    return {
        "period": period.name,
        "start_date": period.start,
        "end_date": period.end,
        "n": 0 if period.own is None else period.own.n,
        "n_without_capital": period.left_out,
        "n_benchmark": None if period.beside is None else period.beside.n,
        "coverage_min": period.coverage_min,
        "measures": {name: value_of(figure) for name, figure in figures.items()},
        "reasons": {
            name: figure.sentence
            for name, figure in figures.items()
            if isinstance(figure, Undefined)
        },
    }


def _reasons(periods: Sequence[PeriodRisk], measures: Sequence[Measure]) -> list[str]:
    """Return why figures are missing, each reason of a period once."""
    from tidebook.analytics import Undefined

    return list(
        dict.fromkeys(
            f"{period.name}: {figure.sentence}"
            for period in periods
            for measure in measures
            if isinstance(figure := period.figure(measure.id), Undefined)
        )
    )
