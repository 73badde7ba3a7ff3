"""A running series: the same measures, told after every return without going back.

The state holds sums, the wealth and its high, never the returns, so that it is as small after ten
years as after a day. Wealth, drawdown, counts and extremes are those of the whole series to the
last bit, for products run from left to right either way. Sums are taken in another order than
those of a whole series, and moments are carried along around a moving mean: they agree to some
1e-11 of their size. What needs all the returns, a quantile or a mean of the worst, is undefined.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics.conventions import ReturnKind
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.measures import EARNED, LOSSES, SCATTER
from tidebook.analytics.row_sums import SPREAD_NOISE
from tidebook.analytics.summary import HIGH_NOISE, Summary
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.conventions import Conventions, PerPeriod
    from tidebook.analytics.figures import Figure

_MEASURES: Final = (*EARNED, *SCATTER, *LOSSES)
_NOT_KEPT: Final = Undefined(Reason.NOT_KEPT)


class Running(NamedTuple):
    """The state of a running series; begin with :func:`begin`."""

    rates: PerPeriod
    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    """Sums of the powers of the distance from the mean."""
    m3: float = 0.0
    m4: float = 0.0
    above: float = 0.0
    """Sums above the target and of their squares; below it positive."""
    above_square: float = 0.0
    below: float = 0.0
    below_square: float = 0.0
    below_count: int = 0
    best: float = -math.inf
    worst: float = math.inf
    gains: float = 0.0
    gain_count: int = 0
    losses: float = 0.0
    loss_count: int = 0
    wealth: float = 1.0
    high: float = 1.0
    depth: float = 0.0
    depth_last: float = 0.0
    pain: float = 0.0
    ulcer_square: float = 0.0
    under_now: int = 0
    under_longest: int = 0


def begin(conventions: Conventions) -> Running:
    """Return the state before the first return.

    Raises:
        UnusableSeriesError: If log returns are asked for: a running state is of simple ones.
    """
    if conventions.kind is not ReturnKind.SIMPLE:
        raise UnusableSeriesError("running series", "it is of simple returns, not of logarithms")
    return Running(conventions.per_period())


def step(state: Running, earned: float) -> Running:
    """Return the state after one more simple return.

    Raises:
        UnusableSeriesError: If it is not a finite number.
    """
    if not math.isfinite(earned):
        raise UnusableSeriesError("returns", "a return is not a finite number")
    n = state.n + 1
    mean, m2, m3, m4 = _moments(state, earned, n)
    away = earned - state.rates.target
    wealth = state.wealth * (1.0 + earned)
    high = max(state.high, wealth)
    under = wealth / high - 1.0
    under_now = 0 if under > -HIGH_NOISE else state.under_now + 1
    return Running(
        rates=state.rates,
        n=n,
        mean=mean,
        m2=m2,
        m3=m3,
        m4=m4,
        above=state.above + max(away, 0.0),
        above_square=state.above_square + max(away, 0.0) ** 2,
        below=state.below - min(away, 0.0),
        below_square=state.below_square + min(away, 0.0) ** 2,
        below_count=state.below_count + (away < 0),
        best=max(state.best, earned),
        worst=min(state.worst, earned),
        gains=state.gains + max(earned, 0.0),
        gain_count=state.gain_count + (earned > 0),
        losses=state.losses - min(earned, 0.0),
        loss_count=state.loss_count + (earned < 0),
        wealth=wealth,
        high=high,
        depth=max(state.depth, -under),
        depth_last=0.0 - under,
        pain=state.pain - under,
        ulcer_square=state.ulcer_square + under * under,
        under_now=under_now,
        under_longest=max(state.under_longest, under_now),
    )


def running_figures(state: Running) -> dict[str, Figure]:
    """Return every measure that needs no benchmark, by its id; none before the first return.

    Those that need every return at once are undefined: quantiles, means of the worst, and
    distances from a mean that has moved since.
    """
    if state.n == 0:
        return {}
    summary = _summary(state)
    return {
        measure.id: _NOT_KEPT if measure.needs_all else measure.of(summary) for measure in _MEASURES
    }


def _summary(state: Running) -> Summary:
    n, size = state.n, max(abs(state.best), abs(state.worst))
    left = n - state.rates.degrees_lost
    deviation = math.sqrt(state.m2 / left) if left else 0.0
    if deviation <= SPREAD_NOISE * size:
        deviation = 0.0
    target = state.rates.target
    short = math.sqrt(state.below_square / n) > SPREAD_NOISE * max(size, abs(target))
    return Summary(
        rates=state.rates,
        n=n,
        mean=state.mean,
        deviation=deviation,
        m2=state.m2 / n,
        m3=state.m3 / n,
        m4=state.m4 / n,
        absolute=math.nan,
        semi=math.nan,
        excess_mean=state.mean - state.rates.risk_free,
        excess_deviation=deviation,
        above=state.above / n,
        above_square=state.above_square / n,
        below=state.below / n if short else 0.0,
        below_square=state.below_square / n if short else 0.0,
        below_count=state.below_count,
        best=state.best,
        worst=state.worst,
        gains=state.gains,
        gain_count=state.gain_count,
        losses=state.losses,
        loss_count=state.loss_count,
        growth=state.wealth,
        depth=state.depth,
        pain=state.pain / n,
        ulcer_square=state.ulcer_square / n,
        depth_last=state.depth_last,
        under_longest=state.under_longest,
        tail=None,
        versus=None,
    )


def _moments(state: Running, earned: float, n: int) -> tuple[float, float, float, float]:
    """Return mean and sums of powers with one more return (Pébay, 2008)."""
    before = n - 1
    delta = earned - state.mean
    part = delta / n
    square = part * part
    first = delta * part * before
    mean = state.mean + part
    m4 = (
        state.m4
        + first * square * (n * n - 3 * n + 3)
        + 6.0 * square * state.m2
        - 4.0 * part * state.m3
    )
    m3 = state.m3 + first * part * (n - 2) - 3.0 * part * state.m2
    return mean, state.m2 + first, m3, m4
