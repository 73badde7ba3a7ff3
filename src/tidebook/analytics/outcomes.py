"""Outcomes: everything that a tear sheet tells of a series of returns, beside a benchmark or not.

An outcome works on arrays alone: dates and simple returns in, figures and series out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.catalogue import PLAIN, suite
from tidebook.analytics.drawdown import drawdown, falls
from tidebook.analytics.figures import Undefined, value_of
from tidebook.analytics.rolling import rolling
from tidebook.analytics.sampling import DatedReturns, Frequency, paired, resampled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.analytics.catalogue import Suite
    from tidebook.analytics.conventions import Conventions
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.drawdown import Drawdown, Fall
    from tidebook.analytics.rolling import Rolling

WORST_FALLS: Final = 10
"""How many drawdowns are listed, the deepest first."""
WINDOW_RETURNS: Final = 126
"""How many returns a rolling window holds unless told otherwise: half a year of business days."""
_ROLLED: Final = ("volatility", "sharpe_arithmetic", "sortino")
_ROLLED_BESIDE: Final = (*_ROLLED, "beta", "correlation")
_COARSER: Final = (
    Frequency.WEEKLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
    Frequency.YEARLY,
)


class Outcome(NamedTuple):
    """What one series of returns came to."""

    returns: DatedReturns
    wealth: Floats
    """What 1 became by the end of each day."""
    suite: Suite
    drawdown: Drawdown | Undefined
    worst: tuple[Fall, ...]
    """The ten deepest falls, deepest first; the earlier of two alike goes before."""
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


def outcomes(
    series: DatedReturns,
    benchmark: DatedReturns | None = None,
    conventions: Conventions = PLAIN,
    *,
    window: int = WINDOW_RETURNS,
) -> Outcomes:
    """Return everything that a tear sheet tells of a series.

    Beside a benchmark, both are told over the days that both have, each linked over the days
    between (:func:`tidebook.analytics.sampling.paired`).

    Args:
        series: Simple returns by the day on which each ends.
        benchmark: Those of what it is compared with.
        conventions: Those of every measure.
        window: How many returns a rolling window holds.

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
    )


def _outcome(series: DatedReturns, market: Floats | None, conventions: Conventions) -> Outcome:
    wealth = np.multiply.accumulate(1.0 + series.returns)
    under = drawdown(series.dates, wealth - 1.0)
    return Outcome(
        series,
        wealth,
        suite(series.returns, market, conventions),
        under,
        () if isinstance(under, Undefined) else _worst(under),
        {frequency: resampled(series, frequency) for frequency in _COARSER},
    )


def _worst(under: Drawdown) -> tuple[Fall, ...]:
    deepest = sorted(falls(under), key=lambda fall: -fall.depth)
    return tuple(deepest[:WORST_FALLS])


def _matched(own: Outcome, benchmark: Outcome) -> Floats | None:
    """Return the wealth of the benchmark at the volatility of the series; None where it rests."""
    spread, other = (value_of(one.suite.figures["volatility"]) for one in (own, benchmark))
    if spread is None or not other:
        return None
    return np.multiply.accumulate(1.0 + benchmark.returns.returns * (spread / other))
