"""Outcomes: everything that a tear sheet tells of a series of returns, beside a benchmark or not.

An outcome works on arrays alone: dates and simple returns in, figures and series out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.bootstrap import Drawing, bootstrap
from tidebook.analytics.catalogue import PLAIN, suite
from tidebook.analytics.crossing import to_date
from tidebook.analytics.drawdown import drawdown, falls
from tidebook.analytics.figures import Reason, Undefined, value_of
from tidebook.analytics.rolling import rolling
from tidebook.analytics.sampling import DatedReturns, Frequency, paired, resampled
from tidebook.analytics.traits import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator

    from tidebook.analytics.bootstrap import Interval
    from tidebook.analytics.catalogue import Suite
    from tidebook.analytics.conventions import Conventions
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.drawdown import Drawdown, Fall
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.rolling import Rolling

WORST_FALLS: Final = 10
"""How many drawdowns are listed, the deepest first."""
_SCATTER_NEEDS: Final = 2
WINDOW_RETURNS: Final = 126
"""How many returns a rolling window holds unless told otherwise: half a year of business days."""
_ROLLED: Final = ("volatility", "sharpe_arithmetic", "sortino")
_ROLLED_BESIDE: Final = (*_ROLLED, "beta", "correlation")
BOOTSTRAPPED: Final = (
    "annual_return",
    "volatility",
    "sharpe_arithmetic",
    "sortino",
    "max_drawdown",
)
"""The measures whose intervals are told."""
_COARSER: Final = (
    Frequency.WEEKLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
    Frequency.YEARLY,
)


class FallsTold(NamedTuple):
    """All falls of a series together; days are those of the calendar, from peak to recovery."""

    fall_count: int
    depth_mean: Figure
    """The mean depth, a positive fraction; undefined where nothing fell."""
    days_mean: Figure
    days_longest: Figure
    """An open fall lasts to the last day, one from the start itself begins on the first."""


class Outcome(NamedTuple):
    """What one series of returns came to."""

    returns: DatedReturns
    wealth: Floats
    """What 1 became by the end of each day."""
    suite: Suite
    drawdown: Drawdown | Undefined
    worst: tuple[Fall, ...]
    """The ten deepest falls, deepest first; the earlier of two alike goes before."""
    falls: FallsTold
    traits: Mapping[str, Figure]
    """By the ids of :data:`tidebook.analytics.traits.TRAITS`."""
    by_period: Mapping[Frequency, DatedReturns]
    """The same returns by week, month, quarter and year; the first and last may be cut off."""


class Outcomes(NamedTuple):
    """A series and, where there is one, its benchmark over the very same days."""

    own: Outcome
    benchmark: Outcome | None
    matched: Floats | None
    """The benchmark's wealth, had it been held so that it scattered as the series did."""
    rolling: Rolling
    rolling_benchmark: Rolling | None
    window: int
    left_out: int
    """Days of either series that are outside the days that both have."""
    intervals: Mapping[str, Interval]
    """Of :data:`BOOTSTRAPPED`, where chance was handed in and there are two returns or more."""


def outcomes(
    series: DatedReturns,
    benchmark: DatedReturns | None = None,
    conventions: Conventions = PLAIN,
    *,
    window: int = WINDOW_RETURNS,
    rng: Generator | None = None,
) -> Outcomes:
    """Return everything that a tear sheet tells of a series.

    Beside a benchmark, both are told over the days that both have, each linked over the days
    between (:func:`tidebook.analytics.sampling.paired`).

    Args:
        series: Simple returns by the day on which each ends.
        benchmark: Those of what it is compared with.
        conventions: Those of every measure.
        window: How many returns a rolling window holds.
        rng: Where the chance of the intervals comes from; without it there are none.

    Raises:
        UnusableParameterError: If a window holds fewer than two returns.
    """
    left_out, other = 0, None
    if benchmark is not None:
        both = paired(series, benchmark)
        series = DatedReturns(both.dates, both.returns)
        other = DatedReturns(both.dates, both.benchmark)
        left_out = both.left_out
    market = None if other is None else other.returns
    own = _outcome(series, market, conventions)
    beside = None if other is None else _outcome(other, None, conventions)
    names = _ROLLED if other is None else _ROLLED_BESIDE
    return Outcomes(
        own,
        beside,
        None if beside is None else _matched(own, beside),
        rolling(series, window, names, benchmark=market, conventions=conventions),
        None if other is None else rolling(other, window, _ROLLED, conventions=conventions),
        window,
        left_out,
        _intervals(series.returns, conventions, rng),
    )


def _intervals(
    returns: Floats, conventions: Conventions, rng: Generator | None
) -> Mapping[str, Interval]:
    if rng is None or returns.size < _SCATTER_NEEDS:
        return {}
    return bootstrap(returns, BOOTSTRAPPED, rng, drawing=Drawing(conventions=conventions))


def _outcome(series: DatedReturns, market: Floats | None, conventions: Conventions) -> Outcome:
    wealth = np.multiply.accumulate(1.0 + series.returns)
    under = drawdown(series.dates, wealth - 1.0)
    every = () if isinstance(under, Undefined) else falls(under)
    measured = suite(series.returns, market, conventions)
    return Outcome(
        series,
        wealth,
        measured,
        under,
        tuple(sorted(every, key=lambda fall: -fall.depth)[:WORST_FALLS]),
        _told(every, series),
        traits(series.returns, measured, conventions),
        {frequency: resampled(series, frequency) for frequency in _COARSER},
    )


def _told(every: Sequence[Fall], series: DatedReturns) -> FallsTold:
    if not every:
        nothing = Undefined(Reason.NO_DOWNSIDE)
        return FallsTold(0, nothing, nothing, nothing)
    first, last = to_date(series.dates[0]), to_date(series.dates[-1])
    days = [((fall.recovered_on or last) - (fall.peak_on or first)).days for fall in every]
    depth = sum(fall.depth for fall in every) / len(every)
    return FallsTold(len(every), depth, sum(days) / len(days), float(max(days)))


def _matched(own: Outcome, benchmark: Outcome) -> Floats | None:
    """Return the wealth of the benchmark at the volatility of the series; None where it rests."""
    spread, other = (value_of(one.suite.figures["volatility"]) for one in (own, benchmark))
    if spread is None or not other:
        return None
    return np.multiply.accumulate(1.0 + benchmark.returns.returns * (spread / other))
