"""Summaries: what every measure of a series is made of, taken from the returns in one pass.

A measure asks for means, sums of squares, the deepest fall or the worst few returns, and most
measures ask for the same ones. They are taken once, for many series at a time, row by row: sums
are taken along each row by themselves, in pairs, products from left to right, so that a row has
the same summary to the last bit alone, in a batch, and on another machine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.conventions import ReturnKind
from tidebook.analytics.row_sums import (
    SPREAD_NOISE,
    check_growth,
    count_of,
    deviation_of,
    mean_of,
)
from tidebook.analytics.summary_pairs import Pairs, versus_of
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
    """Over n - 1; exactly 0 where the returns do not vary or are fewer than two."""
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
    _check(rows, conventions)
    count, n = rows.simple.shape
    size = min(count, max(1, _BLOCK_TERMS // n))
    rates = conventions.per_period()
    work = _Work(*(np.empty((size, n + extra)) for extra in (0, 0, 1, 1)))
    for start in range(0, count, size):
        chosen = slice(start, min(start + size, count))
        part = rows.benchmark
        if part is not None and part.ndim > 1:
            part = np.ascontiguousarray(part[chosen])
        block = Rows(np.ascontiguousarray(rows.simple[chosen]), part, rows.risk_free)
        room = _Work(*(array[: len(block.simple)] for array in work))
        yield from _block(block, conventions, rates, room)


class _Work(NamedTuple):
    """Room for what is thrown away again: to ask for it anew costs more than to fill it."""

    one: Floats
    other: Floats
    wealth: Floats
    high: Floats


def _check(rows: Rows, conventions: Conventions) -> None:
    simple, benchmark, risk_free = rows
    if simple.ndim != _TABLE or simple.shape[1] == 0:
        raise UnusableSeriesError("returns", "there is no return in a row")
    if benchmark is not None and benchmark.shape not in {simple.shape, simple.shape[1:]}:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    if risk_free is not None and risk_free.shape != simple.shape[1:]:
        raise UnusableSeriesError("returns and risk-free rates", "they differ in length")
    for what, column in (("returns", simple), ("benchmark", benchmark), ("rates", risk_free)):
        if column is not None and not bool(np.isfinite(column).all()):
            raise UnusableSeriesError(what, "a return is not a finite number")
        if column is not None and max(column.max(), -column.min()) > _LARGEST:
            raise UnusableSeriesError(what, "a return is too large to be measured")
    if conventions.kind is ReturnKind.LOG:
        for column in (simple, benchmark):
            if column is not None and bool((column <= -1.0).any()):
                raise UnusableSeriesError("returns", "a loss of everything has no logarithm")


def _block(
    rows: Rows, conventions: Conventions, rates: PerPeriod, work: _Work
) -> Iterator[Summary]:
    simple = rows.simple
    is_log = conventions.kind is ReturnKind.LOG
    returns = np.log1p(simple) if is_log else simple
    best, worst = simple.max(axis=1), simple.min(axis=1)
    size = np.abs(returns).max(axis=1) if is_log else np.maximum(np.abs(best), np.abs(worst))
    scattered = _scattered(returns, size, work)
    excess = _excess(rows.risk_free, returns, scattered, rates)
    sides = _sides(returns, rates.target, size, work)
    if rates.target == 0.0 and not is_log:
        gains, losses = (side * simple.shape[1] for side in (sides[0], sides[2]))
    else:
        gains, losses = _won(simple)
    won = (gains, count_of(simple > 0), losses, count_of(simple < 0))
    growth, fallen, under = _fallen(simple, work)
    tails = _tails(returns, under, rates)
    versus: Iterator[Versus | None] = iter([None] * len(simple))
    if rows.benchmark is not None:
        benchmark = np.atleast_2d(rows.benchmark)
        other = np.log1p(benchmark) if is_log else benchmark
        pairs = Pairs(returns, other, simple, benchmark)
        versus = versus_of(pairs, (work.one, work.other))
    columns = (*scattered, *excess, *sides, best, worst, *won, growth, *fallen)
    listed = zip(*(column.tolist() for column in columns), strict=True)
    for row, tail, other in zip(listed, tails, versus, strict=True):
        yield Summary._make((rates, returns.shape[1], *row, tail, other))


def _scattered(returns: Floats, size: Floats, work: _Work) -> tuple[Floats, ...]:
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
    return mean, deviation_of(m2, n, size), m2, m3, m4, absolute, moves.sum(axis=1)


def _excess(
    risk_free: Floats | None, returns: Floats, scattered: tuple[Floats, ...], rates: PerPeriod
) -> tuple[Floats, Floats]:
    if risk_free is None:
        return scattered[0] - rates.risk_free, scattered[1]
    excess = returns - risk_free
    size = np.abs(excess).max(axis=1)
    return mean_of(excess), deviation_of(excess.var(axis=1), returns.shape[1], size)


def _sides(
    returns: Floats, target: float, size: Floats, work: _Work
) -> tuple[NDArray[np.generic], ...]:
    """Return mean gain and mean square above the target, both below it, and how many are."""
    away = np.subtract(returns, target, out=work.one)
    side = np.maximum(away, 0.0, out=work.other)
    above = mean_of(side)
    np.multiply(side, side, out=side)
    above_square = mean_of(side)
    np.minimum(away, 0.0, out=side)
    below = 0.0 - mean_of(side)
    np.multiply(side, side, out=side)
    below_square = mean_of(side)
    # A shortfall within the noise of the target is none.
    is_noise = np.sqrt(below_square) <= SPREAD_NOISE * np.maximum(size, abs(target))
    below[is_noise] = below_square[is_noise] = 0.0
    return above, above_square, below, below_square, count_of(away < 0)


def _won(simple: Floats) -> tuple[Floats, Floats]:
    gains = np.add.reduce(np.maximum(simple, 0.0), axis=1)
    return gains, 0.0 - np.add.reduce(np.minimum(simple, 0.0), axis=1)


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
    depth = 0.0 - days.min(axis=1)
    pain = 0.0 - mean_of(days)
    square = mean_of(np.multiply(days, days, out=work.one))
    return growth, (depth, pain, square, 0.0 - days[:, -1], longest), days


def _longest_under(under: Floats) -> NDArray[np.int64]:
    """Return the most days in a row without a high; each row's start is a high."""
    highs = np.flatnonzero(under > -HIGH_NOISE).astype(np.int64)
    gaps = np.diff(highs, append=under.size) - 1
    first = np.arange(0, under.size, under.shape[1], dtype=np.int64)
    return np.maximum.reduceat(gaps, np.asarray(np.searchsorted(highs, first), np.int64))


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
    mean = (worst[:, : count - 1].sum(axis=1) + part * worst[:, count - 1]) / mass
    deepest = _smallest(under, count)
    depth = -(deepest[:, :-1].sum(axis=1) + part * deepest[:, -1]) / mass + 0.0
    columns = (linear, worst[:, lower], mean, np.full(len(mean), count), depth)
    return map(Tail._make, zip(*(column.tolist() for column in columns), strict=True))


def _smallest(values: Floats, count: int) -> Floats:
    """Return the smallest of each row, rising.

    A bound that is likely to leave a few too many is guessed from every sixteenth value; only
    what is below it is sorted. Where it leaves too few, the whole row is.
    """
    n = values.shape[1]
    if n <= _SORTED_WHOLE or count * 4 > n:
        return np.sort(values, axis=1)[:, :count]
    guess = np.sort(values[:, ::_GUESS_STEP], axis=1)
    place = count / _GUESS_STEP
    bounds = guess[:, min(math.ceil(place + 3.0 * math.sqrt(place)), guess.shape[1] - 1)]
    found = np.empty((len(values), count))
    for row, bound, room in zip(values, bounds.tolist(), found, strict=True):
        few = row[row <= bound]
        if few.size < count:
            few = row.copy()
        few.sort()
        room[:] = few[:count]
    return found


def _between(low: Floats, high: Floats, share: float) -> Floats:
    """Return a point between two, from the nearer one, as numpy's own quantile does."""
    step = high - low
    return low + step * share if share < 0.5 else high - step * (1.0 - share)  # noqa: PLR2004 - half
