"""Attribution of an active return to the groups of a portfolio and of a benchmark.

The benchmark is given by group: a weight, and either an index or the return over the period. With
indices every day is a period of its own: weights are the capital at work in each group that day,
the benchmark is brought back to its weights every day, and the effects of the days are linked to
the active return of the whole. With returns the whole period is one: weights are those of its
first day.

On request the effect of currencies is told apart: returns are split into what the rate did to the
capital and the local rest, allocation and selection are taken of the rest, and each group's
currency effect is what its rate did in the portfolio less what it did in the benchmark. That is
the form of Karnosky and Singer with cash rates of zero: no interest differential is paid.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    AllocationModel,
    Effects,
    Linking,
    Reason,
    Segments,
    Undefined,
    brinson,
    link,
    linked_attribution,
    to_date,
)
from tidebook.book.series import rates_by_day
from tidebook.engine.measuring.broken_down import UNALLOCATED, rate_returns
from tidebook.engine.measuring.contributing import daily_parts
from tidebook.engine.measuring.performance import coverage_min, refuse_doubled_names, window_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import FeeBasis, Figure, LinkedEffects
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.engine.measuring.broken_down import BrokenDown
    from tidebook.engine.measuring.contributing import DailyParts
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.measuring.performance import NamedPeriod, Request, Window
    from tidebook.model.markets import RateTable


# Of the capital of the whole: below it, a weight is what is left when amounts cancel.
_NOISE: Final = 1e-9


class BenchmarkGroup(NamedTuple):
    """One group of the benchmark: its weight, and its index or its return over the period.

    ``local`` is the part of the return that is not of the rate; None where that is not told apart.
    """

    group: str
    weight: float
    line: Line | None = None
    total: float | None = None
    local: float | None = None


class Terms(NamedTuple):
    """How effects are taken and linked."""

    model: AllocationModel = AllocationModel.BRINSON_FACHLER
    linking: Linking = Linking.CARINO
    with_currency: bool = False
    """Whether what rates did is told apart from allocation and selection."""


class GroupEffects(NamedTuple):
    """The effects of one group, as fractions of capital over the period."""

    group: str
    allocation: float
    selection: float
    interaction: float
    currency: float
    weight: float
    benchmark_weight: float

    @property
    def total(self) -> float:
        """All of them together."""
        return self.allocation + self.selection + self.interaction + self.currency


class PeriodAttribution(NamedTuple):
    """The attribution of one period: all effects and ``other`` sum to portfolio less benchmark.

    ``other`` is what no weight accounts for: gains on no capital, as of contracts on margin, and
    where the period is taken as one, what trading inside it changed.
    """

    name: str
    start: date | None
    end: date
    portfolio: Figure
    benchmark: Figure
    other: Figure
    groups: tuple[GroupEffects, ...]
    days: int
    coverage_min: Decimal | None

    @property
    def active(self) -> Figure:
        """The portfolio's return less that of the benchmark."""
        if isinstance(self.portfolio, Undefined) or isinstance(self.benchmark, Undefined):
            return self.portfolio
        return self.portfolio - self.benchmark


def attribution(
    found: BrokenDown, benchmark: Sequence[BenchmarkGroup], request: Request, terms: Terms
) -> tuple[PeriodAttribution, ...]:
    """Return the effects of each group over each period, in the order asked for.

    Args:
        found: What is measured, broken down by the groups that the benchmark names.
        benchmark: Its groups; weights sum to 1, and all have indices or all have returns.
        request: The periods, and whether returns are before or after fees.
        terms: The model, and how days are linked.

    Raises:
        InvalidPeriodError: If two periods have one name; one would hide the other.
        UnusableSeriesError: If the benchmark's weights do not sum to 1.
    """
    refuse_doubled_names(request.periods)
    return tuple(_period(found, benchmark, named, (request, terms)) for named in request.periods)


def _period(
    found: BrokenDown,
    benchmark: Sequence[BenchmarkGroup],
    named: NamedPeriod,
    asked: tuple[Request, Terms],
) -> PeriodAttribution:
    request, terms = asked
    window = window_of(found.whole.series, named.period, request.as_of)
    return over_window(found, benchmark, (named.name, window), request.basis, terms)


def over_window(
    found: BrokenDown,
    benchmark: Sequence[BenchmarkGroup],
    named: tuple[str, Window],
    basis: FeeBasis,
    terms: Terms,
) -> PeriodAttribution:
    """Return the effects over the days of a window, which stands beside its name."""
    name, window = named
    if window.span is None or not window.days:
        return _nothing(name, window, window.why)
    parts = daily_parts(found, window.span, basis)
    if not len(parts.whole_capital):
        return _nothing(name, window, Reason.NO_VALUE)
    if (parts.whole_capital < 0).any():
        return _nothing(name, window, Reason.NEGATIVE_CAPITAL)
    sides = _sides(found, benchmark, parts)
    if all(each.line is not None for each in benchmark):
        earned = _index_returns(found, benchmark, sides, window)
        return _by_day(name, window, sides, earned, terms)
    return _at_once(name, window, sides, benchmark, terms)


class _Sides(NamedTuple):
    """Every group of either side, and the portfolio's capital and gain in it by day."""

    groups: tuple[str, ...]
    dates: Days
    capital: Floats
    gains: Floats
    by_rate: Floats
    """The part of the gains that the rate made of the capital."""
    whole: Floats
    weights: Floats
    """Of the benchmark."""


def _sides(found: BrokenDown, benchmark: Sequence[BenchmarkGroup], parts: DailyParts) -> _Sides:
    own = [*(each.group for each in found.sleeves), UNALLOCATED]
    named = {each.group: each.weight for each in benchmark}
    is_left = bool(parts.capital[:, -1].any() or parts.gains[:, -1].any())
    groups = tuple(sorted({*(own if is_left else own[:-1]), *named}))
    places = [[place for place, one in enumerate(own) if one == group] for group in groups]
    return _Sides(
        groups,
        parts.dates,
        np.column_stack([parts.capital[:, chosen].sum(axis=1) for chosen in places]),
        np.column_stack([parts.gains[:, chosen].sum(axis=1) for chosen in places]),
        np.column_stack([parts.currency_gains[:, chosen].sum(axis=1) for chosen in places]),
        parts.whole_capital,
        np.array([named.get(group, 0.0) for group in groups]),
    )


class _Earned(NamedTuple):
    """What the groups' indices earned each day, and what of that their rates did."""

    returns: Floats
    by_rate: Floats


def _index_returns(
    found: BrokenDown, benchmark: Sequence[BenchmarkGroup], sides: _Sides, window: Window
) -> _Earned | None:
    """Return what each group's index earned from one day to the next; None where a level lacks."""
    lines = {each.group: each.line for each in benchmark}
    opening = window.days[0].on.toordinal() - 1
    days = [to_date(day).toordinal() for day in sides.dates]
    columns: list[tuple[Floats, Floats]] = []
    for group in sides.groups:
        line = lines.get(group)
        if line is None:
            columns.append((np.zeros(len(days)), np.zeros(len(days))))
            continue
        known = [day.toordinal() for day in line.days]
        places = np.array([bisect_right(known, day) - 1 for day in (opening, *days)])
        if (places < 0).any():
            return None
        levels = line.levels[places]
        chosen: list[int] = places.tolist()
        on = [line.days[place] for place in chosen]
        columns.append((levels[1:] / levels[:-1] - 1.0, _rate_moves(line, on, found.rates)))
    earned, by_rate = (np.column_stack(side) for side in zip(*columns, strict=True))
    return _Earned(earned, by_rate)


def _rate_moves(line: Line, on: Sequence[date], rates: RateTable) -> Floats:
    """Return what the rates of an index's parts did between days on which it has a level.

    Its levels are converted at the rates of their own days; a blend is at its weights each day.
    """
    weights = [float(part.weight) for part in line.blend.parts]
    moved = np.zeros(len(on) - 1)
    for part, weight in zip(line.parts, weights, strict=True):
        if part.currency != line.currency:
            told = rates_by_day(rates, part.currency, line.currency, on)
            moved += weight / sum(weights) * rate_returns(told)[1:]
    return moved


def _by_day(
    name: str, window: Window, sides: _Sides, index: _Earned | None, terms: Terms
) -> PeriodAttribution:
    if index is None:
        return _nothing(name, window, Reason.NO_BENCHMARK)
    weights = sides.capital / sides.whole[:, None]
    is_held = np.abs(weights) > _NOISE
    earned, by_rate = (
        np.divide(amounts, sides.capital, out=np.zeros_like(amounts), where=is_held)
        for amounts in (sides.gains, sides.by_rate)
    )
    # A gain on no capital, as of a contract on margin, belongs to no weight.
    unplaced = np.where(is_held, 0.0, sides.gains).sum(axis=1) / sides.whole
    weights = np.where(is_held, weights, 0.0)
    days = [
        _told_apart(
            Segments(_whole(weights[day]), earned[day], sides.weights, index.returns[day]),
            (by_rate[day], index.by_rate[day]),
            float(unplaced[day]),
            terms,
        )
        for day in range(len(weights))
    ]
    linked = linked_attribution(days, terms.linking)
    if isinstance(linked, Undefined):
        return _nothing(name, window, linked.reason)
    groups = _group_effects(linked, sides, weights.mean(axis=0))
    return PeriodAttribution(
        name,
        window.start,
        window.end,
        linked.portfolio,
        linked.benchmark,
        float(linked.selection[-1]),
        groups,
        len(weights),
        coverage_min(window),
    )


def _told_apart(
    segments: Segments, rates: tuple[Floats, Floats], unplaced: float, terms: Terms
) -> Effects:
    """Return the effects of one period: those of the groups, of their rates, and what is unplaced.

    Rates and what is unplaced stand behind the groups among the selection effects, so that they
    are linked as these are.
    """
    own, other = rates if terms.with_currency else (np.zeros(1), np.zeros(1))
    w, v = segments.weights, segments.benchmark_weights
    local = Segments(w, segments.returns - own, v, segments.benchmark_returns - other)
    found = brinson(local, terms.model)
    currency = w * own - v * other
    nothing = np.zeros(len(w) + 1)
    return Effects(
        found.portfolio + float((w * own).sum()) + unplaced,
        found.benchmark + float((v * other).sum()),
        np.concatenate([found.allocation, nothing]),
        np.concatenate([found.selection, currency, [unplaced]]),
        np.concatenate([found.interaction, nothing]),
    )


def _group_effects(
    effects: Effects | LinkedEffects, sides: _Sides, weights: Floats
) -> tuple[GroupEffects, ...]:
    count = len(sides.groups)
    return tuple(
        GroupEffects(
            group,
            float(effects.allocation[place]),
            float(effects.selection[place]),
            float(effects.interaction[place]),
            float(effects.selection[count + place]),
            float(weights[place]),
            float(sides.weights[place]),
        )
        for place, group in enumerate(sides.groups)
    )


def _whole(weights: Floats) -> Floats:
    """Return weights that sum to 1 to the last bit that float64 has."""
    weights = weights.copy()
    weights[int(np.argmax(np.abs(weights)))] += 1.0 - weights.sum()
    return weights


def _at_once(
    name: str,
    window: Window,
    sides: _Sides,
    benchmark: Sequence[BenchmarkGroup],
    terms: Terms,
) -> PeriodAttribution:
    """Return the effects of the period as one, from the weights of its first day."""
    totals = {each.group: each.total or 0.0 for each in benchmark}
    local = {each.group: each.local for each in benchmark}
    count = range(len(sides.groups))
    earned = np.array([_linked_return(sides, sides.gains, place) for place in count])
    without = np.array(
        [_linked_return(sides, sides.gains - sides.by_rate, place) for place in count]
    )
    weights = _whole(sides.capital[0] / sides.whole[0])
    returns = np.array([totals.get(group, 0.0) for group in sides.groups])
    told = [local.get(group) for group in sides.groups]
    other = np.array(
        [0.0 if one is None else all_of - one for one, all_of in zip(told, returns, strict=True)]
    )
    segments = Segments(weights, earned, sides.weights, returns)
    effects = _told_apart(segments, (earned - without, other), 0.0, terms)
    portfolio = link(sides.gains.sum(axis=1) / sides.whole)
    return PeriodAttribution(
        name,
        window.start,
        window.end,
        portfolio,
        effects.benchmark,
        portfolio - effects.portfolio,
        _group_effects(effects, sides, weights),
        len(sides.whole),
        coverage_min(window),
    )


def _linked_return(sides: _Sides, gains: Floats, place: int) -> float:
    capital = sides.capital[:, place]
    is_held = np.abs(capital) > _NOISE * np.abs(sides.whole)
    earned = np.divide(gains[:, place], np.abs(capital), out=np.zeros(len(capital)), where=is_held)
    return link(earned)


def _nothing(name: str, window: Window, why: Reason) -> PeriodAttribution:
    undefined = Undefined(why)
    return PeriodAttribution(
        name, window.start, window.end, undefined, undefined, undefined, (), 0, None
    )
