"""Attribution of an active return to the groups of a portfolio and of a benchmark.

The benchmark is given by group: a weight, and either an index or the return over the period. With
indices every day is a period of its own: weights are the capital at work in each group that day,
the benchmark is brought back to its weights every day, and the effects of the days are linked to
the active return of the whole. With returns the whole period is one: weights are those of its
first day.
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
from tidebook.engine.broken_down import UNALLOCATED
from tidebook.engine.contributing import daily_parts
from tidebook.engine.performance import coverage_min, refuse_doubled_names, window_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.analytics import Figure
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.engine.broken_down import BrokenDown
    from tidebook.engine.contributing import DailyParts
    from tidebook.engine.index_lines import Line
    from tidebook.engine.performance import NamedPeriod, Request, Window


# Of the capital of the whole: below it, a weight is what is left when amounts cancel.
_NOISE: Final = 1e-9


class BenchmarkGroup(NamedTuple):
    """One group of the benchmark: its weight, and its index or its return over the period."""

    group: str
    weight: float
    line: Line | None = None
    total: float | None = None


class Terms(NamedTuple):
    """How effects are taken and linked."""

    model: AllocationModel = AllocationModel.BRINSON_FACHLER
    linking: Linking = Linking.CARINO


class GroupEffects(NamedTuple):
    """The effects of one group, as fractions of capital over the period."""

    group: str
    allocation: float
    selection: float
    interaction: float
    weight: float
    benchmark_weight: float

    @property
    def total(self) -> float:
        """All three together."""
        return self.allocation + self.selection + self.interaction


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
    if window.span is None or not window.days:
        return _nothing(named.name, window, window.why)
    parts = daily_parts(found, window.span, request.basis)
    if not len(parts.whole_capital):
        return _nothing(named.name, window, Reason.NO_VALUE)
    if (parts.whole_capital < 0).any():
        return _nothing(named.name, window, Reason.NEGATIVE_CAPITAL)
    sides = _sides(found, benchmark, parts)
    if all(each.line is not None for each in benchmark):
        return _by_day(named.name, window, sides, _index_returns(benchmark, sides, window), terms)
    return _at_once(named.name, window, sides, benchmark, terms)


class _Sides(NamedTuple):
    """Every group of either side, and the portfolio's capital and gain in it by day."""

    groups: tuple[str, ...]
    dates: Days
    capital: Floats
    gains: Floats
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
        parts.whole_capital,
        np.array([named.get(group, 0.0) for group in groups]),
    )


def _index_returns(
    benchmark: Sequence[BenchmarkGroup], sides: _Sides, window: Window
) -> Floats | None:
    """Return what each group's index earned from one day to the next; None where a level lacks."""
    lines = {each.group: each.line for each in benchmark}
    opening = window.days[0].on.toordinal() - 1
    days = [to_date(day).toordinal() for day in sides.dates]
    columns: list[Floats] = []
    for group in sides.groups:
        line = lines.get(group)
        if line is None:
            columns.append(np.zeros(len(days)))
            continue
        known = [day.toordinal() for day in line.days]
        places = np.array([bisect_right(known, day) - 1 for day in (opening, *days)])
        if (places < 0).any():
            return None
        levels = line.levels[places]
        columns.append(levels[1:] / levels[:-1] - 1.0)
    return np.column_stack(columns)


def _by_day(
    name: str, window: Window, sides: _Sides, returns: Floats | None, terms: Terms
) -> PeriodAttribution:
    if returns is None:
        return _nothing(name, window, Reason.NO_BENCHMARK)
    weights = sides.capital / sides.whole[:, None]
    is_held = np.abs(weights) > _NOISE
    earned = np.divide(sides.gains, sides.capital, out=np.zeros_like(sides.gains), where=is_held)
    # A gain on no capital, as of a contract on margin, belongs to no weight.
    unplaced = np.where(is_held, 0.0, sides.gains).sum(axis=1) / sides.whole
    weights = np.where(is_held, weights, 0.0)
    days = [
        brinson(
            Segments(_whole(weights[day]), earned[day], sides.weights, returns[day]), terms.model
        )
        for day in range(len(weights))
    ]
    extra = [_with_unplaced(one, float(left)) for one, left in zip(days, unplaced, strict=True)]
    linked = linked_attribution(extra, terms.linking)
    if isinstance(linked, Undefined):
        return _nothing(name, window, linked.reason)
    groups = tuple(
        GroupEffects(
            group,
            float(linked.allocation[place]),
            float(linked.selection[place]),
            float(linked.interaction[place]),
            float(weights[:, place].mean()),
            float(sides.weights[place]),
        )
        for place, group in enumerate(sides.groups)
    )
    other = float(linked.selection[-1])
    return PeriodAttribution(
        name,
        window.start,
        window.end,
        linked.portfolio,
        linked.benchmark,
        other,
        groups,
        len(weights),
        coverage_min(window),
    )


def _whole(weights: Floats) -> Floats:
    """Return weights that sum to 1 to the last bit that float64 has."""
    weights = weights.copy()
    weights[int(np.argmax(np.abs(weights)))] += 1.0 - weights.sum()
    return weights


def _with_unplaced(effects: Effects, left: float) -> Effects:
    return Effects(
        effects.portfolio + left,
        effects.benchmark,
        np.append(effects.allocation, 0.0),
        np.append(effects.selection, left),
        np.append(effects.interaction, 0.0),
    )


def _at_once(
    name: str,
    window: Window,
    sides: _Sides,
    benchmark: Sequence[BenchmarkGroup],
    terms: Terms,
) -> PeriodAttribution:
    """Return the effects of the period as one, from the weights of its first day."""
    totals = {each.group: each.total or 0.0 for each in benchmark}
    earned = np.array([_linked_return(sides, place) for place in range(len(sides.groups))])
    weights = _whole(sides.capital[0] / sides.whole[0])
    returns = np.array([totals.get(group, 0.0) for group in sides.groups])
    effects = brinson(Segments(weights, earned, sides.weights, returns), terms.model)
    portfolio = link(sides.gains.sum(axis=1) / sides.whole)
    groups = tuple(
        GroupEffects(
            group,
            float(effects.allocation[place]),
            float(effects.selection[place]),
            float(effects.interaction[place]),
            float(weights[place]),
            float(sides.weights[place]),
        )
        for place, group in enumerate(sides.groups)
    )
    return PeriodAttribution(
        name,
        window.start,
        window.end,
        portfolio,
        effects.benchmark,
        portfolio - effects.portfolio,
        groups,
        len(sides.whole),
        coverage_min(window),
    )


def _linked_return(sides: _Sides, place: int) -> float:
    capital = sides.capital[:, place]
    is_held = np.abs(capital) > _NOISE * np.abs(sides.whole)
    earned = np.divide(
        sides.gains[:, place], np.abs(capital), out=np.zeros(len(capital)), where=is_held
    )
    return link(earned)


def _nothing(name: str, window: Window, why: Reason) -> PeriodAttribution:
    undefined = Undefined(why)
    return PeriodAttribution(
        name, window.start, window.end, undefined, undefined, undefined, (), 0, None
    )
