"""Time-weighted returns under the rules of a house, from the daily series of what is measured.

Without rules a return takes the series as it is: flows when their transactions say, a position
without a price at its cost, a chain that restarts after a loss of more than everything. Under
rules each of these is decided (:mod:`tidebook.analytics.ruled_returns`), and every day on which a
rule had to decide is told.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import (
    FlowTiming,
    GapPolicy,
    Reason,
    ReturnRules,
    Undefined,
    ruled_returns,
    to_date,
    to_days,
)
from tidebook.engine.measuring.performance import (
    Part,
    PeriodReturn,
    annualised,
    attributes_of,
    coverage_min,
    refuse_doubled_names,
    window_of,
)
from tidebook.model.periods import Breakdown, counted, cut

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from tidebook.analytics import RuledReturns
    from tidebook.engine.measuring.performance import NamedPeriod, Request
    from tidebook.engine.measuring.prepared import Series
    from tidebook.model.periods import Span


class Unpriced(StrEnum):
    """What a day is on which a position has no price or no rate."""

    AT_COST = "AT_COST"
    """A day like any other, the position at its cost."""
    GAP = "GAP"
    """A day without a value: the return spans it, or the policy for gaps decides."""


class HouseRules(NamedTuple):
    """How a house measures; see ``ReturnRules``. ``capital_min`` is in the currency measured."""

    timing: FlowTiming = FlowTiming.AS_RECORDED
    large_flow_share: float | None = None
    gaps: GapPolicy = GapPolicy.UNDEFINED
    capital_min: float = 0.0
    unpriced: Unpriced = Unpriced.AT_COST


class RuledPeriod(NamedTuple):
    """The return of one period, and the days on which a rule decided.

    ``valued_to`` is the last day of the period with a value, to which the return is told; None
    without any. ``spanned`` end a gap, ``approximated`` have the return of Dietz.
    """

    told: PeriodReturn
    valued_to: date | None
    without_capital: tuple[date, ...] = ()
    spanned: tuple[date, ...] = ()
    approximated: tuple[date, ...] = ()
    indebted: tuple[date, ...] = ()


def ruled_performance(
    series: Series, request: Request, rules: HouseRules
) -> tuple[RuledPeriod, ...]:
    """Return the time-weighted return of each period under rules, in the order asked for.

    A period that opens on a day without a value has no return: what it began with is not known.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
        UnusableParameterError: If a limit is negative.
    """
    refuse_doubled_names(request.periods)
    measured = _Measured(series, _valued(series, rules), request, _return_rules(rules, request))
    return tuple(_period(measured, named) for named in request.periods)


class _Measured(NamedTuple):
    series: Series
    valued: NDArray[np.bool_]
    request: Request
    rules: ReturnRules


def _return_rules(rules: HouseRules, request: Request) -> ReturnRules:
    return ReturnRules(
        rules.timing, rules.large_flow_share, rules.gaps, rules.capital_min, request.basis
    )


def _valued(series: Series, rules: HouseRules) -> NDArray[np.bool_]:
    dates = series.values.dates
    if rules.unpriced is Unpriced.AT_COST or not series.unpriced:
        return np.ones(len(dates), np.bool_)
    return ~np.isin(dates, to_days([day.on for day in series.unpriced]))


def _period(measured: _Measured, named: NamedPeriod) -> RuledPeriod:
    request = measured.request
    window = window_of(measured.series, named.period, request.as_of)
    if window.span is None or not window.days:
        nothing = Undefined(window.why)
        told = PeriodReturn(
            named.name, window.start, window.end, nothing, nothing, None, None, (), None, ()
        )
        return RuledPeriod(told, None)
    span = window.span
    found = _over(measured, span)
    total = found if isinstance(found, Undefined) else found.total
    valued = window.counted(span)
    if not isinstance(found, Undefined) and len(found.dates):
        valued = counted(span, to_date(found.dates[-1]))
    told = PeriodReturn(
        name=named.name,
        start=window.start,
        end=window.end,
        cumulative=total,
        annualised=annualised(total, valued),
        attributes=attributes_of(window),
        coverage_min=coverage_min(window),
        warnings=(),
        breakdown=named.breakdown,
        parts=_parts(measured, span, named.breakdown),
        counted_to=valued.end,
        n=0 if isinstance(found, Undefined) else len(found.dates),
    )
    if isinstance(found, Undefined):
        return RuledPeriod(told, None)
    return RuledPeriod(
        told,
        to_date(found.dates[-1]) if len(found.dates) else None,
        found.without_capital,
        found.spanned,
        found.approximated,
        found.indebted,
    )


def _over(measured: _Measured, span: Span) -> RuledReturns | Undefined:
    """Return the returns of the days inside a span; undefined where its opening value is not known.

    The series begins with nothing, so that its first day always opens on a known value.
    """
    dates = measured.series.values.dates
    first, last = to_days((span.start, span.end))
    inside = (dates >= first) & (dates <= last)
    place = bisect_left(measured.series.days, span.start, key=lambda day: day.on)
    if place and not measured.valued[place - 1]:
        return Undefined(Reason.NO_OPENING_VALUE)
    values = measured.series.values.within(span)
    return ruled_returns(values, measured.rules, measured.valued[inside])


def _parts(measured: _Measured, span: Span, breakdown: Breakdown | None) -> tuple[Part, ...]:
    """Return the parts that hold a valued day; one that ends a gap begins with the gap."""
    if breakdown is None:
        return ()
    if breakdown is Breakdown.DAILY:
        whole = _over(measured, span)
        if isinstance(whole, Undefined):
            return ()
        days: list[date] = whole.dates.tolist()
        gaps = set(whole.spanned)
        begins = [span.start, *(day + timedelta(days=1) for day in days)]
        return tuple(
            Part(begin if day in gaps else day, day, earned)
            for begin, day, earned in zip(begins, days, whole.daily, strict=False)
        )
    found = ((part, _over(measured, part)) for part in cut(span, breakdown))
    return tuple(
        Part(part.start, part.end, one if isinstance(one, Undefined) else one.total)
        for part, one in found
        if isinstance(one, Undefined) or len(one.dates)
    )
