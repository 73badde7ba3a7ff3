"""Contribution: what each group of holdings added to a return, so that all add up to it.

On a day a group contributes its gain over the capital of the whole. The contributions of the days
are linked so that they sum to the time-weighted return of the period. Each is split into what the
rate of the group's currency did to its capital, and the rest: what was gained in local currency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import (
    FeeBasis,
    Linking,
    Reason,
    Undefined,
    linked_contributions,
    time_weighted,
)
from tidebook.engine.measuring.broken_down import UNALLOCATED
from tidebook.engine.measuring.performance import coverage_min, refuse_doubled_names, window_of
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from numpy.typing import NDArray

    from tidebook.analytics import DailyValues, Figure
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.engine.measuring.broken_down import BrokenDown, Sleeve
    from tidebook.engine.measuring.performance import NamedPeriod, Request, Window
    from tidebook.model.periods import Span

# Of the capital at work: below it, what no key accounts for is the noise of float64.
_UNALLOCATED_NOISE = 1e-11
_NOISE = 1e-12


class Contribution(NamedTuple):
    """What one group added to the return of a period, as fractions of capital.

    ``gain`` is the profit or loss in the currency of the whole, flows taken out, exact; of a gross
    return it is before fees. ``weight_average`` is the mean over the days of the capital at work
    in the group over that of the whole. ``own_return`` is the group's own time-weighted return.
    """

    group: str
    contribution: Figure
    local: Figure
    currency: Figure
    own_return: Figure
    weight_average: Figure
    begin_market_value: Decimal
    end_market_value: Decimal
    gain: Decimal | None


class PeriodContribution(NamedTuple):
    """The contributions of one period, which sum to ``total``."""

    name: str
    start: date | None
    end: date
    total: Figure
    groups: tuple[Contribution, ...]
    days: int
    coverage_min: Decimal | None


class DailyParts(NamedTuple):
    """Capital and gains by day (rows) and sleeve (columns), and those of the whole.

    The last column is what no sleeve accounts for. Days without capital are left out.
    """

    dates: Days
    capital: Floats
    gains: Floats
    currency_gains: Floats
    whole_capital: Floats


def contribution(
    found: BrokenDown, request: Request, linking: Linking = Linking.CARINO
) -> tuple[PeriodContribution, ...]:
    """Return what each group contributed over each period, in the order asked for.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
    """
    refuse_doubled_names(request.periods)
    return tuple(_period(found, named, request, linking) for named in request.periods)


def _period(
    found: BrokenDown, named: NamedPeriod, request: Request, linking: Linking
) -> PeriodContribution:
    window = window_of(found.whole.series, named.period, request.as_of)
    if window.span is None or not window.days:
        return PeriodContribution(
            named.name, window.start, window.end, Undefined(window.why), (), 0, None
        )
    return over_window(found, named.name, window, request.basis, linking)


def over_window(
    found: BrokenDown, name: str, window: Window, basis: FeeBasis, linking: Linking
) -> PeriodContribution:
    """Return the contributions over the days of a window; without a span there are none."""
    if window.span is None:
        nothing = Undefined(window.why)
        return PeriodContribution(name, window.start, window.end, nothing, (), 0, None)
    linked = time_weighted(found.whole.series.values, window.span, basis)
    parts = daily_parts(found, window.span, basis)
    rows = _rows(found, parts, window, basis, linking)
    return PeriodContribution(
        name,
        window.start,
        window.end,
        linked.total,
        rows,
        len(parts.whole_capital),
        coverage_min(window),
    )


def daily_parts(found: BrokenDown, span: Span, basis: FeeBasis) -> DailyParts:
    """Return the capital and the gains of every sleeve on each day with capital."""
    whole = found.whole.series.values.within(span)
    capital, gain = capital_and_gain(whole, basis)
    at_work = np.abs(capital) > _NOISE * (np.abs(whole.bmv) + np.abs(whole.bcf))
    inside = _inside(found.whole.series.values, span)
    columns = [capital_and_gain(each.values.within(span), basis) for each in found.sleeves]
    capitals = _columns([one for one, _ in columns], len(capital))
    gains = _columns([two for _, two in columns], len(capital))
    rates = _columns([each.rate_returns[inside] for each in found.sleeves], len(capital))
    by_rate = capitals * rates
    scale = np.abs(whole.bmv) + np.abs(whole.bcf) + np.abs(whole.emv)
    return DailyParts(
        whole.dates[at_work],
        _with_rest(capitals, capital, scale)[at_work],
        _with_rest(gains, gain, scale)[at_work],
        np.column_stack([by_rate, np.zeros(len(capital))])[at_work],
        capital[at_work],
    )


def capital_and_gain(values: DailyValues, basis: FeeBasis) -> tuple[Floats, Floats]:
    """Return each day's capital at work, and what it gained before or after fees."""
    capital = values.bmv + values.bcf
    gain = values.emv - values.ecf - capital
    return capital, gain + values.fees if basis is FeeBasis.GROSS else gain


def _columns(parts: Sequence[Floats], rows: int) -> Floats:
    return np.column_stack(parts) if parts else np.zeros((rows, 0))


def _inside(values: DailyValues, span: Span) -> NDArray[np.bool_]:
    first, last = np.datetime64(span.start), np.datetime64(span.end)
    return (values.dates >= first) & (values.dates <= last)


def _with_rest(columns: Floats, whole: Floats, scale: Floats) -> Floats:
    """Return the columns with one more: what of the whole they leave."""
    rest = whole - columns.sum(axis=1)
    rest[np.abs(rest) <= _UNALLOCATED_NOISE * scale] = 0.0
    return np.column_stack([columns, rest])


def _rows(
    found: BrokenDown, parts: DailyParts, window: Window, basis: FeeBasis, linking: Linking
) -> tuple[Contribution, ...]:
    groups = [*(each.group for each in found.sleeves), UNALLOCATED]
    told, by_rate = _linked(parts, linking)
    share = parts.capital / parts.whole_capital[:, None]
    rows: list[Contribution] = []
    for group in (*found.groups, UNALLOCATED):
        chosen = [place for place, one in enumerate(groups) if one == group]
        if group == UNALLOCATED and not parts.gains[:, chosen].any():
            continue
        whole, currency = _sum(told, chosen), _sum(by_rate, chosen)
        weight = share[:, chosen].sum(axis=1).mean() if len(share) else None
        rows.append(
            _row(
                (group, [each for each in found.sleeves if each.group == group]),
                (whole, currency),
                Undefined(Reason.NO_DATA) if weight is None else float(weight),
                window,
                basis,
            )
        )
    return tuple(rows)


def _linked(parts: DailyParts, linking: Linking) -> tuple[Floats | Undefined, Floats | Undefined]:
    """Return the linked contribution of each sleeve, and the part of it that is of its rate."""
    if (parts.whole_capital < 0).any():
        # A short sleeve does not compound, so that nothing that is linked adds up to it.
        nothing = Undefined(Reason.NEGATIVE_CAPITAL)
        return nothing, nothing
    capital = parts.whole_capital[:, None]
    by_day, by_rate = parts.gains / capital, parts.currency_gains / capital
    both = linked_contributions(np.hstack([by_day - by_rate, by_rate]), linking)
    if isinstance(both, Undefined):
        return both, both
    local, currency = np.split(both, 2)
    return local + currency, currency


def _sum(told: Floats | Undefined, chosen: list[int]) -> Figure:
    return told if isinstance(told, Undefined) else float(told[chosen].sum())


def _row(
    named: tuple[str, list[Sleeve]],
    figures: tuple[Figure, Figure],
    weight: Figure,
    window: Window,
    basis: FeeBasis,
) -> Contribution:
    group, sleeves = named
    whole, currency = figures
    local = whole
    if not isinstance(whole, Undefined) and not isinstance(currency, Undefined):
        local = whole - currency
    if not sleeves or window.span is None:
        nothing = Undefined(Reason.NO_VALUE)
        return Contribution(group, whole, local, currency, nothing, weight, ZERO, ZERO, None)
    opening, closing, gain = _amounts(sleeves, window.span, basis)
    own = _own_return(sleeves, window.span, basis)
    return Contribution(group, whole, local, currency, own, weight, opening, closing, gain)


def _own_return(sleeves: list[Sleeve], span: Span, basis: FeeBasis) -> Figure:
    first, *others = (sleeve.values for sleeve in sleeves)
    together = first
    for other in others:
        together = type(first)(
            first.dates,
            together.bmv + other.bmv,
            together.bcf + other.bcf,
            together.ecf + other.ecf,
            together.emv + other.emv,
            together.fees + other.fees,
        )
    return time_weighted(together, span, basis).total


def _amounts(
    sleeves: list[Sleeve], span: Span, basis: FeeBasis
) -> tuple[Decimal, Decimal, Decimal]:
    """Return the value at both ends and the gain between, unpriced positions at their cost."""
    opening = closing = flows = ZERO
    with exact():
        for sleeve in sleeves:
            before = [day for day in sleeve.days if day.on < span.start][-1:]
            inside = [day for day in sleeve.days if span.start <= day.on <= span.end]
            opening += sum((day.eod_market_value + day.unpriced_cost for day in before), ZERO)
            closing += sum((day.eod_market_value + day.unpriced_cost for day in inside[-1:]), ZERO)
            flows += sum((day.bod_cashflow + day.eod_cashflow for day in inside), ZERO)
            if basis is FeeBasis.NET:
                flows += sum((day.fees for day in inside), ZERO)
        return opening, closing, closing - opening - flows
