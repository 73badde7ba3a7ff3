"""Risk of what is measured: every measure of the catalogue over named periods.

The returns are those of :mod:`tidebook.engine.measuring.performance`, day by day, linked into the
periods of a frequency. Days without capital have no return and are left out. Measures of the
portfolio alone are taken from its own returns; those beside a benchmark from the days that both
have, so that a benchmark changes no other figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    Conventions,
    DatedReturns,
    Estimator,
    Frequency,
    Paired,
    Reason,
    ReturnKind,
    TailMethod,
    Undefined,
    drawdown,
    mean_loss_beyond,
    measure_of,
    over_horizon,
    paired,
    resampled,
    suite,
    time_weighted,
    worst_falls,
)
from tidebook.analytics.rates import Compounding
from tidebook.engine.measuring.performance import coverage_min, refuse_doubled_names, window_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import Drawdown, Fall, Figure, Linked, ReturnWarning, Suite
    from tidebook.engine.measuring.performance import NamedPeriod, Request
    from tidebook.engine.measuring.prepared import Series
    from tidebook.model.periods import Span

_WORST_MAX: Final = 10
_DAYS_NOT_ANNUALISED: Final = 366
_DAYS_PER_YEAR: Final = 365.25
_BUSINESS_DAYS: Final = 252
# What is left when amounts cancel is the noise of float64, not capital.
_NOISE: Final = 1e-12

VAR_MEASURES: Final[Mapping[TailMethod, str]] = {
    TailMethod.HISTORICAL: "var_historical",
    TailMethod.LOWER_QUANTILE: "var_lower_quantile",
    TailMethod.GAUSSIAN: "var_gaussian",
    TailMethod.CORNISH_FISHER: "var_cornish_fisher",
}


class RiskTerms(NamedTuple):
    """How risk is measured. Yearly rates are fractions.

    ``periods_per_year`` None is that of the frequency. ``horizon_days`` counts business days, or
    days of the calendar where returns are taken on all of them.
    """

    frequency: Frequency = Frequency.DAILY
    periods_per_year: float | None = None
    kind: ReturnKind = ReturnKind.SIMPLE
    risk_free_annual: float = 0.0
    compounding: Compounding = Compounding.GEOMETRIC
    target_annual: float = 0.0
    method: TailMethod = TailMethod.HISTORICAL
    confidence: float = 0.99
    horizon_days: float = 1.0
    estimator: Estimator = Estimator.SAMPLE

    @property
    def k(self) -> float:
        """How many periods make a year."""
        return self.periods_per_year or float(self.frequency.periods_per_year)

    @property
    def horizon_periods(self) -> float:
        """How many periods a value at risk looks ahead."""
        if self.frequency in {Frequency.DAILY, Frequency.CALENDAR_DAILY}:
            return self.horizon_days
        return self.horizon_days * self.frequency.periods_per_year / _BUSINESS_DAYS

    def conventions(self, span: Span) -> Conventions:
        """Return them as the measures take them, with the length of a span.

        A period of up to 366 days counts as one year, so that nothing is extrapolated to one.
        """
        years = 1.0 if span.days <= _DAYS_NOT_ANNUALISED else span.days / _DAYS_PER_YEAR
        return Conventions(
            periods_per_year=self.k,
            risk_free_annual=self.risk_free_annual,
            target_annual=self.target_annual,
            compounding=self.compounding,
            confidence=self.confidence,
            horizon_periods=self.horizon_periods,
            kind=self.kind,
            years=years,
            estimator=self.estimator,
        )


class Tail(NamedTuple):
    """What stands beside a value at risk; losses are positive fractions over the horizon."""

    expected_shortfall: Figure
    observations: Figure


class Taken(NamedTuple):
    """The returns of a period that measures were taken from, linked to the frequency."""

    own: DatedReturns
    pairs: Paired | None
    """Those of the portfolio and of a benchmark over the same periods; None without one."""
    conventions: Conventions


@dataclass(frozen=True, slots=True, eq=False)
class PeriodRisk:
    """Every measure of one period.

    ``own`` are those of the portfolio alone, ``beside`` all of them over the periods that a
    benchmark has too; None where there is none. ``left_out`` counts days without capital,
    ``unpaired`` those of either series that the other does not reach.
    """

    name: str
    start: date | None
    end: date
    own: Suite | None
    beside: Suite | None
    drawdown: Drawdown | Undefined
    worst: tuple[Fall, ...]
    tail: Tail | None
    left_out: int
    unpaired: int
    coverage_min: Decimal | None
    warnings: tuple[ReturnWarning, ...]
    why: Reason = Reason.NO_DATA
    taken: Taken | None = None

    def figure(self, measure_id: str) -> Figure:
        """Return the figure of a measure, or why there is none."""
        found = self.suite_of(measure_id)
        if found is None:
            return Undefined(self.why if self.own is None else Reason.NO_BENCHMARK)
        return found.figures[measure_id]

    def suite_of(self, measure_id: str) -> Suite | None:
        """Return the figures that a measure is among; None where there are none."""
        if self.own is None:
            return None
        return self.beside if measure_of(measure_id).needs_benchmark else self.own


def risk(
    series: Series, request: Request, terms: RiskTerms, benchmark: DatedReturns | None = None
) -> tuple[PeriodRisk, ...]:
    """Return the risk of each period, in the order asked for.

    Args:
        series: What is measured.
        request: The periods, and whether returns are before or after fees.
        terms: The conventions.
        benchmark: Its returns by day; None without one.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
        UnusableParameterError: If a rate loses everything, or the confidence is not between 0
            and 1.
    """
    refuse_doubled_names(request.periods)
    return tuple(_period(series, named, (request, terms, benchmark)) for named in request.periods)


def _period(
    series: Series,
    named: NamedPeriod,
    asked: tuple[Request, RiskTerms, DatedReturns | None],
) -> PeriodRisk:
    request, terms, benchmark = asked
    window = window_of(series, named.period, request.as_of)
    if window.span is None or not window.days:
        return PeriodRisk(
            named.name,
            window.start,
            window.end,
            None,
            None,
            Undefined(window.why),
            (),
            None,
            0,
            0,
            None,
            (),
            window.why,
        )
    linked = time_weighted(series.values, window.span, request.basis)
    daily = with_capital(series, window.span, linked)
    own = resampled(daily, terms.frequency)
    conventions = terms.conventions(window.counted(window.span))
    found = suite(own.returns, conventions=conventions)
    pairs = _pairs(daily, benchmark, terms, window.span)
    beside = pairs and suite(pairs.returns, pairs.benchmark, conventions)
    fall = _drawdown(own, linked)
    return PeriodRisk(
        name=named.name,
        start=window.start,
        end=window.end,
        own=found,
        beside=beside,
        drawdown=fall,
        worst=_worst(fall),
        tail=_tail(own, found, terms),
        left_out=len(linked.daily) - len(daily),
        unpaired=0 if pairs is None else pairs.left_out,
        coverage_min=coverage_min(window),
        warnings=linked.warnings,
        taken=Taken(own, pairs, conventions),
    )


def with_capital(series: Series, span: Span, linked: Linked) -> DatedReturns:
    """Return the returns of the days on which there was capital to earn them."""
    values = series.values.within(span)
    capital = np.abs(values.bmv + values.bcf)
    at_work = capital > _NOISE * (np.abs(values.bmv) + np.abs(values.bcf))
    return DatedReturns(linked.dates[at_work], linked.daily[at_work])


def _pairs(
    daily: DatedReturns, benchmark: DatedReturns | None, terms: RiskTerms, span: Span
) -> Paired | None:
    if benchmark is None:
        return None
    inside = np.datetime64(span.start), np.datetime64(span.end)
    chosen = (benchmark.dates >= inside[0]) & (benchmark.dates <= inside[1])
    other = DatedReturns(benchmark.dates[chosen], benchmark.returns[chosen])
    pairs = paired(daily, other)
    own = resampled(DatedReturns(pairs.dates, pairs.returns), terms.frequency)
    index = resampled(DatedReturns(pairs.dates, pairs.benchmark), terms.frequency)
    return Paired(own.dates, own.returns, index.returns, pairs.left_out)


def _drawdown(own: DatedReturns, linked: Linked) -> Drawdown | Undefined:
    if linked.resets:
        return Undefined(Reason.CHAIN_RESET)
    return drawdown(own.dates, np.multiply.accumulate(1.0 + own.returns) - 1.0)


def _worst(found: Drawdown | Undefined) -> tuple[Fall, ...]:
    if isinstance(found, Undefined):
        return ()
    return worst_falls(found, _WORST_MAX)


def _tail(own: DatedReturns, found: Suite, terms: RiskTerms) -> Tail:
    count = found.figures["tail_observations"]
    match terms.method:
        case TailMethod.GAUSSIAN:
            return Tail(found.figures["expected_shortfall_gaussian"], count)
        case TailMethod.CORNISH_FISHER:
            return Tail(_beyond(own, found, terms), count)
        case TailMethod.HISTORICAL | TailMethod.LOWER_QUANTILE:
            return Tail(found.figures["expected_shortfall"], count)


def _beyond(own: DatedReturns, found: Suite, terms: RiskTerms) -> Figure:
    """Return the mean of the losses beyond a value at risk that no formula gives."""
    at_risk = found.figures[VAR_MEASURES[terms.method]]
    if isinstance(at_risk, Undefined):
        return at_risk
    returns = np.log1p(own.returns) if terms.kind is ReturnKind.LOG else own.returns
    of_one = at_risk / over_horizon(1.0, terms.horizon_periods)
    beyond = mean_loss_beyond(returns, of_one)
    if isinstance(beyond, Undefined):
        return beyond
    return over_horizon(beyond, terms.horizon_periods)
