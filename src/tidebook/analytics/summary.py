"""Summaries: what every measure of a series is made of, taken from the returns in one pass.

A measure asks for means, sums of squares, the deepest fall or the worst few returns, and most
measures ask for the same ones. They are taken once, for many series at a time, row by row: sums
are taken along each row by themselves, in pairs, products from left to right, so that a row has
the same summary to the last bit alone, in a batch, and on another machine.
"""

from __future__ import annotations

import math
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.conventions import ReturnKind
from tidebook.analytics.row_sums import (
    SPREAD_NOISE,
    check_growth,
    count_of,
    deviation_of,
    highest_of,
    lowest_of,
    mean_of,
    sum_of,
)
from tidebook.analytics.summary_pairs import Pairs, Sizes, versus_of
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tidebook.analytics.conventions import Conventions, PerPeriod
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.summary_pairs import Versus

# Linked growth comes back to an old high only up to this.
HIGH_NOISE: Final = 1e-12
# 1 - 0.95 is a little more than 0.05: the twentieth part of twenty is one, not two.
_COUNT_NOISE: Final = 1e-9
_BLOCK_TERMS: Final = 48_000
_SORTED_WHOLE: Final = 512
_GUESS_STEP: Final = 16
_TABLE: Final = 2
# The fourth power of a distance has to be a number.
_LARGEST: Final = 1e60


class Tail(NamedTuple):
    """The worst few of the returns."""

    linear: float
    """The quantile at a, between two returns."""
    lower: float
    """The return that c of the returns or more are not below."""
    mean: float
    """The mean of exactly the mass a."""
    observations: int
    """How many returns lie in that mass, the last perhaps in part."""
    conditional_depth: float
    """The mean of the deepest a of the days' drawdowns, positive."""


class Summary(NamedTuple):
    """What the measures of one series are made of; fractions per period unless said otherwise."""

    rates: PerPeriod
    n: int
    mean: float
    deviation: float
    """As the conventions estimate it; exactly 0 where the returns do not vary or are too few."""
    m2: float
    """The mean of the squared, third and fourth powers of the distance from the mean."""
    m3: float
    m4: float
    absolute: float
    """The mean distance from the mean."""
    semi: float
    """The sum of the squared distances below the mean."""
    excess_mean: float
    """Above the rate without risk."""
    excess_deviation: float
    above: float
    """The mean gain above the target over all n, and its mean square."""
    above_square: float
    below: float
    below_square: float
    below_count: int
    best: float
    worst: float
    gains: float
    """The sum of the returns above 0, and how many there are; losses are told positive."""
    gain_count: int
    losses: float
    loss_count: int
    growth: float
    """Π(1 + r)"""
    depth: float
    """The deepest place under water, positive; the mean of all, and their mean square."""
    pain: float
    ulcer_square: float
    depth_last: float
    """How deep the last day is."""
    under_longest: int
    """The most periods in a row that ended below the high."""
    tail: Tail | None
    """None where only a running state was kept."""
    versus: Versus | None
    """None without a benchmark."""


class Rows(NamedTuple):
    """Series of one length, one a row, with what they are set against."""

    simple: Floats
    """Simple returns, shape (series, periods)."""
    benchmark: Floats | None = None
    """One benchmark for all, shape (periods,), or one for each, shaped as the returns."""
    risk_free: Floats | None = None
    """Rates without risk period by period, shape (periods,); else the conventions' rate."""


def summaries(rows: Rows, conventions: Conventions) -> Iterator[Summary]:
    """Return the summary of each row in turn.

    Raises:
        UnusableSeriesError: If shapes differ, a row is empty, a return is not finite, growth is
            more than a number can hold, or a log return is asked of a loss of everything.
    """
    own, other = _check(rows, conventions)
    count, n = rows.simple.shape
    size = min(count, max(1, _BLOCK_TERMS // n))
    rates = conventions.per_period()
    work = _room(size, n)
    for start in range(0, count, size):
        chosen = slice(start, min(start + size, count))
        block = _Block(
            rates,
            conventions.kind is ReturnKind.LOG,
            np.ascontiguousarray(rows.simple[chosen]),
            own.part(chosen),
            None if rows.benchmark is None else _beside(rows.benchmark, chosen),
            None if other is None else other.part(chosen),
            rows.risk_free,
        )
        yield from _summed(block, _Work(*(array[: len(block.simple)] for array in work)))


class _Work(NamedTuple):
    """Room for what is thrown away again: to ask for it anew costs more than to fill it."""

    one: Floats
    other: Floats
    third: Floats
    wealth: Floats
    """The place of the first, one day longer."""
    high: Floats
    """The place of the second, one day longer."""


def _room(count: int, n: int) -> _Work:
    whole = [np.empty(count * (n + 1)) for _ in range(3)]
    one, other, third = (room[: count * n].reshape(count, n) for room in whole)
    wealth, high, _ = (room.reshape(count, n + 1) for room in whole)
    return _Work(one, other, third, wealth, high)


class _Extremes(NamedTuple):
    """The best and the worst return of each row; of a benchmark for all a single one."""

    best: Floats
    worst: Floats

    @property
    def size(self) -> Floats:
        """The largest distance from 0 of each row."""
        return np.maximum(self.best, -self.worst)

    def part(self, chosen: slice) -> _Extremes:
        """Return those of some rows."""
        return self if len(self.best) == 1 else _Extremes(self.best[chosen], self.worst[chosen])


class _Block(NamedTuple):
    """Some of the rows, small enough to stay near the processor."""

    rates: PerPeriod
    is_log: bool
    simple: Floats
    extremes: _Extremes
    benchmark: Floats | None
    """One row for all, or one for each."""
    benchmark_extremes: _Extremes | None
    risk_free: Floats | None


def _check(rows: Rows, conventions: Conventions) -> tuple[_Extremes, _Extremes | None]:
    """Refuse what cannot be measured; return the extremes of the returns and of the benchmark."""
    simple, benchmark, risk_free = rows
    if simple.ndim != _TABLE or simple.shape[1] == 0:
        raise UnusableSeriesError("returns", "there is no return in a row")
    if benchmark is not None and benchmark.shape not in {simple.shape, simple.shape[1:]}:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    if risk_free is not None and risk_free.shape != simple.shape[1:]:
        raise UnusableSeriesError("returns and risk-free rates", "they differ in length")
    own = _extremes("returns", simple)
    other = (
        None
        if benchmark is None
        else _extremes("benchmark", benchmark.reshape(-1, benchmark.shape[-1]))
    )
    if risk_free is not None:
        _extremes("rates", risk_free[np.newaxis])
    if conventions.kind is ReturnKind.LOG:
        for found in (own, other):
            if found is not None and float(found.worst.min()) <= -1.0:
                raise UnusableSeriesError("returns", "a loss of everything has no logarithm")
    return own, other


def _extremes(what: str, table: Floats) -> _Extremes:
    best, worst = highest_of(table), lowest_of(table)
    # What is not a number is neither above nor below, and so refused as well.
    if not (float(worst.min()) >= -_LARGEST and float(best.max()) <= _LARGEST):
        if not bool(np.isfinite(table).all()):
            raise UnusableSeriesError(what, "a return is not a finite number")
        raise UnusableSeriesError(what, "a return is too large to be measured")
    return _Extremes(best, worst)


def _beside(benchmark: Floats, chosen: slice) -> Floats:
    return benchmark[np.newaxis] if benchmark.ndim == 1 else np.ascontiguousarray(benchmark[chosen])


def _summed(block: _Block, work: _Work) -> Iterator[Summary]:
    rates, is_log, simple = block.rates, block.is_log, block.simple
    best, worst = block.extremes
    returns = np.log1p(simple) if is_log else simple
    size = highest_of(np.abs(returns)) if is_log else block.extremes.size
    scattered = _scattered(returns, size, rates.degrees_lost, work)
    excess = _excess(block.risk_free, returns, scattered, rates)
    sides = _sides(returns, rates.target, size, work)
    if rates.target == 0.0 and not is_log:
        gains, losses = (side * simple.shape[1] for side in (sides[0], sides[2]))
        loss_count = sides[4]
    else:
        gains, losses = _won(simple)
        loss_count = count_of(simple < 0)
    won = (gains, count_of(simple > 0), losses, loss_count)
    growth, fallen, under = _fallen(simple, work)
    tails = _tails(returns, under, rates)
    versus: Iterator[Versus | None] = repeat(None)
    if block.benchmark is not None and block.benchmark_extremes is not None:
        other = np.log1p(block.benchmark) if is_log else block.benchmark
        size = highest_of(np.abs(other)) if is_log else block.benchmark_extremes.size
        pairs = Pairs(returns, other, simple, block.benchmark)
        versus = versus_of(
            pairs,
            Sizes(scattered[0], worst, size, block.benchmark_extremes.worst, rates.degrees_lost),
            work[:3],
        )
    columns = (*scattered, *excess, *sides, best, worst, *won, growth, *fallen)
    listed = zip(*(column.tolist() for column in columns), strict=True)
    for row, tail, other in zip(listed, tails, versus, strict=False):
        yield Summary._make((rates, returns.shape[1], *row, tail, other))


def _scattered(returns: Floats, size: Floats, degrees_lost: int, work: _Work) -> tuple[Floats, ...]:
    """Return mean, deviation, second to fourth moment, mean distance, and squares below."""
    n = returns.shape[1]
    mean = mean_of(returns)
    moves = np.subtract(returns, mean[:, np.newaxis], out=work.one)
    powers = np.multiply(moves, moves, out=work.other)
    m2 = mean_of(powers)
    np.multiply(powers, moves, out=powers)
    m3 = mean_of(powers)
    np.multiply(powers, moves, out=powers)
    m4 = mean_of(powers)
    np.minimum(moves, 0.0, out=moves)
    # Distances below and above the mean are of one size.
    absolute = mean_of(moves) * -2.0
    np.multiply(moves, moves, out=moves)
    deviation = deviation_of(m2, n, size, degrees_lost)
    return mean, deviation, m2, m3, m4, absolute, sum_of(moves)


def _excess(
    risk_free: Floats | None, returns: Floats, scattered: tuple[Floats, ...], rates: PerPeriod
) -> tuple[Floats, Floats]:
    if risk_free is None:
        return scattered[0] - rates.risk_free, scattered[1]
    excess = returns - risk_free
    size = np.abs(excess).max(axis=1)
    n = returns.shape[1]
    return mean_of(excess), deviation_of(excess.var(axis=1), n, size, rates.degrees_lost)


def _sides(
    returns: Floats, target: float, size: Floats, work: _Work
) -> tuple[NDArray[np.generic], ...]:
    """Return mean gain and mean square above the target, both below it, and how many are."""
    away = np.subtract(returns, target, out=work.one) if target else returns
    side = np.maximum(away, 0.0, out=work.other)
    above = mean_of(side)
    np.multiply(side, side, out=side)
    above_square = mean_of(side)
    np.minimum(away, 0.0, out=side)
    below = 0.0 - mean_of(side)
    np.multiply(side, side, out=side)
    below_square = mean_of(side)
    # A shortfall within the noise of the target is none.
    is_short = np.sqrt(below_square) > SPREAD_NOISE * np.maximum(size, abs(target))
    below *= is_short
    below_square *= is_short
    return above, above_square, below, below_square, count_of(away < 0.0)


def _won(simple: Floats) -> tuple[Floats, Floats]:
    return sum_of(np.maximum(simple, 0.0)), 0.0 - sum_of(np.minimum(simple, 0.0))


def _fallen(simple: Floats, work: _Work) -> tuple[Floats, tuple[NDArray[np.generic], ...], Floats]:
    """Return growth, what is told of the falls, and the series under water.

    Where more than everything is lost, what it says of falls means nothing; the measures refuse.
    """
    wealth, high = work.wealth, work.high
    wealth[:, 0] = 1.0
    np.add(simple, 1.0, out=wealth[:, 1:])
    with np.errstate(over="ignore"):
        np.multiply.accumulate(wealth, axis=1, out=wealth)
    check_growth("returns", wealth[:, -1])
    np.maximum.accumulate(wealth, axis=1, out=high)
    growth = wealth[:, -1].copy()
    under = np.divide(wealth, high, out=high)
    under -= 1.0
    longest = _longest_under(under)
    days = under[:, 1:]
    depth = 0.0 - lowest_of(days)
    pain = 0.0 - mean_of(days)
    square = mean_of(np.multiply(days, days, out=work.third))
    return growth, (depth, pain, square, 0.0 - days[:, -1], longest), days


def _longest_under(under: Floats) -> NDArray[np.int64]:
    """Return the most days in a row without a high; each row's start is a high."""
    highs = (under > -HIGH_NOISE).ravel().nonzero()[0]
    gaps = np.empty(len(highs), np.int64)
    np.subtract(highs[1:], highs[:-1], out=gaps[:-1])
    gaps[-1] = under.size - highs[-1]
    gaps -= 1
    firsts = np.arange(0, under.size, under.shape[1], dtype=np.int64)
    return np.maximum.reduceat(gaps, np.asarray(highs.searchsorted(firsts), np.int64))


def _tails(returns: Floats, under: Floats, rates: PerPeriod) -> Iterator[Tail]:
    n = returns.shape[1]
    mass = rates.tail * n
    count = max(1, math.ceil(mass - _COUNT_NOISE))
    place = rates.tail * (n - 1)
    left, right = math.floor(place), min(math.floor(place) + 1, n - 1)
    lower = n - max(1, math.ceil(rates.confidence * n - _COUNT_NOISE))
    kept = max(count, right + 1, lower + 1)
    worst = _smallest(returns, kept)
    part = mass - count + 1
    linear = _between(worst[:, left], worst[:, right], place - left)
    mean = (sum_of(worst[:, : count - 1]) + part * worst[:, count - 1]) / mass
    deepest = _smallest(under, count)
    depth = -(sum_of(deepest[:, :-1]) + part * deepest[:, -1]) / mass + 0.0
    columns = (linear, worst[:, lower], mean, depth)
    linear, lowest, mean, depth = (column.tolist() for column in columns)
    return map(Tail, linear, lowest, mean, repeat(count), depth)


def _smallest(values: Floats, count: int) -> Floats:
    """Return the smallest of each row, rising.

    A bound that is likely to leave a few too many is guessed from every sixteenth value; only
    what is below it is sorted. Where it leaves too few, the whole row is.
    """
    n = values.shape[1]
    if n <= _SORTED_WHOLE or count * 4 > n:
        return np.sort(values, axis=1)[:, :count]
    guess = values[:, ::_GUESS_STEP].copy()
    guess.sort(axis=1)
    place = count / _GUESS_STEP
    bounds = guess[:, min(math.ceil(place + 3.0 * math.sqrt(place)), guess.shape[1] - 1)]
    found = np.empty((len(values), count))
    for row, bound, room in zip(values, bounds.tolist(), found, strict=True):
        few = row.take((row <= bound).nonzero()[0])
        if few.size < count:
            few = row.copy()
        few.sort()
        room[:] = few[:count]
    return found


def _between(low: Floats, high: Floats, share: float) -> Floats:
    """Return a point between two, from the nearer one, as numpy's own quantile does."""
    step = high - low
    return low + step * share if share < 0.5 else high - step * (1.0 - share)  # noqa: PLR2004 - half
