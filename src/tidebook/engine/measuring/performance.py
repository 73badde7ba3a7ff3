"""Returns of a portfolio over named periods, from its daily series.

A day's capital is the closing value of the valued day before plus what flowed in at its start. A
position without a price or a rate is carried at its cost; ``coverage`` says how much of the value
that concerns. Flows are those across the portfolio's border. Fees are no flows: they are kept
apart, and a gross return adds them back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import (
    DatedAmounts,
    FeeBasis,
    Reason,
    Undefined,
    annualise,
    money_weighted,
    time_weighted,
    to_days,
    to_float64,
)
from tidebook.book.valuation import coverage
from tidebook.engine.measuring.prepared import series_from, value_at_cost
from tidebook.errors import InvalidPeriodError
from tidebook.model.money import ZERO, exact
from tidebook.model.periods import (
    Breakdown,
    NoSpan,
    NoSpanReason,
    PeriodType,
    counted,
    cut,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import (
        Figure,
        Linked,
        MoneyWeighted,
        ReturnWarning,
    )
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.views import SeriesView
    from tidebook.model.periods import (
        PeriodRequest,
        Span,
    )


class NamedPeriod(NamedTuple):
    """A period, the name its figures are given under, and how it is to be cut up."""

    name: str
    period: PeriodRequest
    breakdown: Breakdown | None = None


class Request(NamedTuple):
    """Which returns are asked for; ``basis`` concerns time-weighted returns only."""

    as_of: date
    periods: tuple[NamedPeriod, ...]
    basis: FeeBasis = FeeBasis.NET


class Attributes(NamedTuple):
    """What a period began and ended with and what flowed in between, in base currency, exact.

    Flows are positive into the portfolio and contain no fees; ``fees`` are positive.
    """

    begin_market_value: Decimal
    end_market_value: Decimal
    bod_cashflow: Decimal
    eod_cashflow: Decimal
    fees: Decimal
    contributions: Decimal
    withdrawals: Decimal
    cashflow_count: int

    @property
    def total_cashflow(self) -> Decimal:
        """All flows of the period."""
        with exact():
            return self.bod_cashflow + self.eod_cashflow


class Part(NamedTuple):
    """One part of a period and its time-weighted return, as a fraction."""

    start: date
    end: date
    cumulative: Figure


class PeriodReturn(NamedTuple):
    """The time-weighted return of one period, as fractions.

    ``annualised`` is by the days up to the last valued one, as ``model.periods.counted`` says.
    ``coverage_min`` is the lowest part of a day's value that was priced; None without any value.
    """

    name: str
    start: date | None
    end: date
    cumulative: Figure
    annualised: Figure
    attributes: Attributes | None
    coverage_min: Decimal | None
    warnings: tuple[ReturnWarning, ...]
    breakdown: Breakdown | None
    parts: tuple[Part, ...]
    counted_to: date | None = None
    """The last day that counts for ``annualised``."""
    n: int = 0
    """How many valued days it is linked of."""


class PeriodRate(NamedTuple):
    """The money-weighted return of one period, as fractions; see ``MoneyWeighted``."""

    name: str
    start: date | None
    end: date
    rate_annual: Figure
    rate_annualised: Figure
    rate_period: Figure
    attributes: Attributes | None
    coverage_min: Decimal | None
    n: int = 0
    """How many amounts the rate explains: flows, and the values at both ends that are not 0."""


class Window(NamedTuple):
    """The days of a period, those with flows or unpriced positions, and its opening value."""

    start: date | None
    end: date
    span: Span | None = None
    days: tuple[PortfolioDay, ...] = ()
    moved: tuple[PortfolioDay, ...] = ()
    unpriced: tuple[PortfolioDay, ...] = ()
    opening: Decimal = ZERO
    why: Reason = Reason.NO_DATA
    """Why there is nothing to tell of a period that holds no day."""

    def counted(self, span: Span) -> Span:
        """Return the days by which a return over the span is brought to a year."""
        return counted(span, self.days[-1].on) if self.days else span


def series_of(view: SeriesView) -> Series:
    """Return what returns are computed from; the view must begin at the portfolio's first day."""
    return view.prepared or series_from(view.days, view.inception)


def performance(series: Series, request: Request) -> tuple[PeriodReturn, ...]:
    """Return the time-weighted return of each period, in the order asked for.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
    """
    refuse_doubled_names(request.periods)
    return tuple(_period_return(series, period, request) for period in request.periods)


def money_weighted_performance(series: Series, request: Request) -> tuple[PeriodRate, ...]:
    """Return the money-weighted return of each period, in the order asked for.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
    """
    refuse_doubled_names(request.periods)
    return tuple(_period_rate(series, period, request.as_of) for period in request.periods)


def day_coverage(day: PortfolioDay) -> Decimal | None:
    """Return how much of a day's value was priced; None when there was none."""
    return coverage(day.eod_market_value, day.unpriced_cost)


def refuse_doubled_names(periods: Sequence[NamedPeriod]) -> None:
    """Refuse periods of one name; one would hide the other.

    Raises:
        InvalidPeriodError: If there are any.
    """
    seen: set[str] = set()
    for period in periods:
        if period.name in seen:
            raise InvalidPeriodError(period.name, "is the name of two periods; name them apart")
        seen.add(period.name)


def window_of(series: Series, period: PeriodRequest, as_of: date) -> Window:
    """Return the days of a period; without a span where it holds none.

    Raises:
        InvalidPeriodError: If it begins with a restatement, and none was looked for.
    """
    if period.type is PeriodType.SINCE_RESTATEMENT and not series.knows_restatements:
        raise InvalidPeriodError(period.type, "is told by the performance and risk routes alone")
    if series.inception is None:
        return Window(period.start, period.end or as_of)
    span = resolve(
        period, as_of=as_of, inception=series.inception, restated_from=series.restated_from
    )
    if isinstance(span, NoSpan):
        never = span.reason is NoSpanReason.NEVER_RESTATED
        why = Reason.NEVER_RESTATED if never else Reason.NO_DATA
        return Window(period.start, span.end, why=why)
    first = bisect_left(series.days, span.start, key=_on)
    days = series.days[first : bisect_right(series.days, span.end, key=_on)]
    if not days:
        return Window(span.start, span.end, span)
    with exact():
        opening = value_at_cost(series.days[first - 1]) if first else days[0].bod_market_value
    moved, unpriced = _within(series.moved, span), _within(series.unpriced, span)
    return Window(span.start, span.end, span, days, moved, unpriced, opening)


def _within(days: Sequence[PortfolioDay], span: Span) -> tuple[PortfolioDay, ...]:
    first = bisect_left(days, span.start, key=_on)
    return tuple(days[first : bisect_right(days, span.end, key=_on)])


def _on(day: PortfolioDay) -> date:
    return day.on


def _period_return(series: Series, named: NamedPeriod, request: Request) -> PeriodReturn:
    window = window_of(series, named.period, request.as_of)
    if window.span is None or not window.days:
        nothing = Undefined(window.why)
        return PeriodReturn(
            named.name, window.start, window.end, nothing, nothing, None, None, (), None, ()
        )
    linked = time_weighted(series.values, window.span, request.basis)
    valued = window.counted(window.span)
    return PeriodReturn(
        name=named.name,
        start=window.start,
        end=window.end,
        cumulative=linked.total,
        annualised=annualised(linked.total, valued),
        attributes=attributes_of(window),
        coverage_min=coverage_min(window),
        warnings=linked.warnings,
        breakdown=named.breakdown,
        parts=_parts(series, window.span, linked, named.breakdown, request.basis),
        counted_to=valued.end,
        n=len(linked.daily),
    )


def annualised(total: Figure, span: Span) -> Figure:
    """Return the yearly rate of a return over the days that count."""
    return total if isinstance(total, Undefined) else annualise(total, span.start, span.end)


def _parts(
    series: Series, span: Span, linked: Linked, breakdown: Breakdown | None, basis: FeeBasis
) -> tuple[Part, ...]:
    """Return the parts that hold a valued day; a weekend is no part of a daily breakdown."""
    if breakdown is None:
        return ()
    if breakdown is Breakdown.DAILY:
        days: list[date] = linked.dates.tolist()
        returns: list[float] = linked.daily.tolist()
        return tuple(Part(day, day, earned) for day, earned in zip(days, returns, strict=True))
    parts = ((part, time_weighted(series.values, part, basis)) for part in cut(span, breakdown))
    return tuple(
        Part(part.start, part.end, found.total) for part, found in parts if len(found.daily)
    )


def _period_rate(series: Series, named: NamedPeriod, as_of: date) -> PeriodRate:
    window = window_of(series, named.period, as_of)
    if window.span is None or not window.days:
        nothing = Undefined(window.why)
        return PeriodRate(
            named.name, window.start, window.end, nothing, nothing, nothing, None, None
        )
    found = _rates(window, window.counted(window.span))
    attributes = attributes_of(window)
    ends = (attributes.begin_market_value, attributes.end_market_value)
    return PeriodRate(
        name=named.name,
        start=window.start,
        end=window.end,
        rate_annual=found.rate_annual,
        rate_annualised=found.rate_annualised,
        rate_period=found.rate_period,
        attributes=attributes,
        coverage_min=coverage_min(window),
        n=attributes.cashflow_count + sum(1 for value in ends if value),
    )


def _rates(window: Window, span: Span) -> MoneyWeighted:
    with exact():
        flows = [
            (day.on, amount)
            for day in window.moved
            for amount in (day.bod_cashflow, day.eod_cashflow + day.fees)
            if amount
        ]
        closing = value_at_cost(window.days[-1])
    dated = DatedAmounts(
        to_days([on for on, _ in flows]) if flows else np.zeros(0, "datetime64[D]"),
        to_float64(amount for _, amount in flows),
    )
    return money_weighted(dated, span, opening=float(window.opening), closing=float(closing))


def attributes_of(window: Window) -> Attributes:
    """Return what a period began and ended with, and what flowed between."""
    with exact():
        starts = [day.bod_cashflow for day in window.moved]
        ends = [day.eod_cashflow + day.fees for day in window.moved]
        flows = [amount for amount in (*starts, *ends) if amount]
        return Attributes(
            begin_market_value=window.opening,
            end_market_value=value_at_cost(window.days[-1]),
            bod_cashflow=sum(starts, ZERO),
            eod_cashflow=sum(ends, ZERO),
            fees=sum((day.fees for day in window.moved), ZERO),
            contributions=sum((amount for amount in flows if amount > 0), ZERO),
            withdrawals=-sum((amount for amount in flows if amount < 0), ZERO),
            cashflow_count=len(flows),
        )


def coverage_min(window: Window) -> Decimal | None:
    """Return the lowest part of a day's value that was priced; None without any value."""
    known = [part for part in map(day_coverage, window.unpriced) if part is not None]
    if known:
        return min(known)
    return next((day_coverage(day) for day in reversed(window.days) if day.eod_market_value), None)
