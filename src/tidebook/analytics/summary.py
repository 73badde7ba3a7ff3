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
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tidebook.analytics.conventions import Conventions, PerPeriod
    from tidebook.analytics.crossing import Floats

# What is left when equal returns are taken from their mean is the noise of float64.
SPREAD_NOISE: Final = 1e-14
# Linked growth comes back to an old high only up to this.
HIGH_NOISE: Final = 1e-12
# 1 - 0.95 is a little more than 0.05: the twentieth part of twenty is one, not two.
_COUNT_NOISE: Final = 1e-9
_BLOCK_TERMS: Final = 48_000
_SORTED_WHOLE: Final = 512
_GUESS_STEP: Final = 16
_PAIR: Final = 2


class Versus(NamedTuple):
    """What is told of returns and a benchmark together."""

    mean: float
    """That of the benchmark, per period."""
    deviation: float
    """That of the benchmark, over n - 1; exactly 0 where it rests."""
    worst: float
    growth: float
    slope: float
    """cov(r, b) / var(b); 0 where the benchmark rests."""
    active_mean: float
    active_deviation: float
    ahead: int
    """In how many periods more was earned than the benchmark did."""
    up: int
    """In how many the benchmark rose."""
    up_growth: float
    up_growth_other: float
    up_worst: float
    down: int
    down_growth: float
    down_growth_other: float
    down_worst: float


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
        UnusableSeriesError: If shapes differ, a row is empty, a return is not finite, or a log
            return is asked of a loss of everything.
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
    if simple.ndim != _PAIR or simple.shape[1] == 0:
        raise UnusableSeriesError("returns", "there is no return in a row")
    if benchmark is not None and benchmark.shape not in {simple.shape, simple.shape[1:]}:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    if risk_free is not None and risk_free.shape != simple.shape[1:]:
        raise UnusableSeriesError("returns and risk-free rates", "they differ in length")
    for what, column in (("returns", simple), ("benchmark", benchmark), ("rates", risk_free)):
        if column is not None and not bool(np.isfinite(column).all()):
            raise UnusableSeriesError(what, "a return is not a finite number")
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
    won = (gains, _counted(simple > 0), losses, _counted(simple < 0))
    growth, fallen, under = _fallen(simple, work)
    tails = _tails(returns, under, rates)
    versus = _versus(Rows(returns, rows.benchmark), simple, conventions, work)
    columns = (*scattered, *excess, *sides, best, worst, *won, growth, *fallen)
    listed = zip(*(column.tolist() for column in columns), strict=True)
    for row, tail, other in zip(listed, tails, versus, strict=True):
        yield Summary._make((rates, returns.shape[1], *row, tail, other))


def _scattered(returns: Floats, size: Floats, work: _Work) -> tuple[Floats, ...]:
    """Return mean, deviation, second to fourth moment, mean distance, and squares below."""
    n = returns.shape[1]
    mean = _mean(returns)
    moves = np.subtract(returns, mean[:, np.newaxis], out=work.one)
    powers = np.multiply(moves, moves, out=work.other)
    m2 = _mean(powers)
    np.multiply(powers, moves, out=powers)
    m3 = _mean(powers)
    np.multiply(powers, moves, out=powers)
    m4 = _mean(powers)
    np.minimum(moves, 0.0, out=moves)
    # Distances below and above the mean are of one size.
    absolute = _mean(moves) * -2.0
    np.multiply(moves, moves, out=moves)
    return mean, _deviation(m2, n, size), m2, m3, m4, absolute, moves.sum(axis=1)


def _deviation(m2: Floats, n: int, size: Floats) -> Floats:
    if n < _PAIR:
        return np.zeros_like(m2)
    deviation = np.sqrt(m2 * (n / (n - 1)))
    deviation[deviation <= SPREAD_NOISE * size] = 0.0
    return deviation


def _excess(
    risk_free: Floats | None, returns: Floats, scattered: tuple[Floats, ...], rates: PerPeriod
) -> tuple[Floats, Floats]:
    if risk_free is None:
        return scattered[0] - rates.risk_free, scattered[1]
    excess = returns - risk_free
    size = np.abs(excess).max(axis=1)
    return _mean(excess), _deviation(excess.var(axis=1), returns.shape[1], size)


def _sides(
    returns: Floats, target: float, size: Floats, work: _Work
) -> tuple[NDArray[np.generic], ...]:
    """Return mean gain and mean square above the target, both below it, and how many are."""
    away = np.subtract(returns, target, out=work.one)
    side = np.maximum(away, 0.0, out=work.other)
    above = _mean(side)
    np.multiply(side, side, out=side)
    above_square = _mean(side)
    np.minimum(away, 0.0, out=side)
    below = 0.0 - _mean(side)
    np.multiply(side, side, out=side)
    below_square = _mean(side)
    # A shortfall within the noise of the target is none.
    is_noise = np.sqrt(below_square) <= SPREAD_NOISE * np.maximum(size, abs(target))
    below[is_noise] = below_square[is_noise] = 0.0
    return above, above_square, below, below_square, _counted(away < 0)


def _mean(values: Floats) -> Floats:
    return np.add.reduce(values, axis=1) / values.shape[1]


def _counted(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.add.reduce(chosen, axis=1, dtype=np.int64)


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
    np.multiply.accumulate(wealth, axis=1, out=wealth)
    np.maximum.accumulate(wealth, axis=1, out=high)
    growth = wealth[:, -1].copy()
    under = np.divide(wealth, high, out=high)
    under -= 1.0
    longest = _longest_under(under)
    days = under[:, 1:]
    depth = 0.0 - days.min(axis=1)
    pain = 0.0 - _mean(days)
    square = _mean(np.multiply(days, days, out=work.one))
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
    bounds = guess[:, min(math.ceil(place + 2.0 * math.sqrt(place)), guess.shape[1] - 1)]
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


def _versus(
    rows: Rows, simple: Floats, conventions: Conventions, work: _Work
) -> Iterator[Versus | None]:
    if rows.benchmark is None:
        return iter([None] * len(simple))
    returns, (count, n) = rows.simple, simple.shape
    benchmark = np.atleast_2d(rows.benchmark)
    other = np.log1p(benchmark) if conventions.kind is ReturnKind.LOG else benchmark
    mean, size = _mean(other), np.abs(other).max(axis=1)
    moves = other - mean[:, np.newaxis]
    square_sum = (moves * moves).sum(axis=1)
    deviation = _deviation(square_sum / n, n, size)
    together = np.subtract(returns, _mean(returns)[:, np.newaxis], out=work.one)
    np.multiply(together, moves, out=together)
    rests = np.where(deviation > 0, square_sum, np.inf)
    slope = together.sum(axis=1) / rests
    active = np.subtract(returns, other, out=work.one)
    active_mean = _mean(active)
    most = np.abs(active, out=work.other).max(axis=1)
    np.subtract(active, active_mean[:, np.newaxis], out=active)
    np.multiply(active, active, out=active)
    columns = (
        mean,
        deviation,
        benchmark.min(axis=1),
        np.multiply.reduce(1.0 + benchmark, axis=1),
        slope,
        active_mean,
        _deviation(_mean(active), n, np.maximum(most, size)),
        _counted(returns > other),
        *_captured(simple, benchmark, up=True),
        *_captured(simple, benchmark, up=False),
    )
    listed = [column.tolist() for column in columns]
    full = (column if len(column) == count else column * count for column in listed)
    return map(Versus._make, zip(*full, strict=True))


def _captured(simple: Floats, benchmark: Floats, *, up: bool) -> tuple[NDArray[np.generic], ...]:
    """Return count, growth, the benchmark's growth and the worst return of its chosen periods."""
    chosen = benchmark > 0 if up else benchmark < 0
    own: Floats
    other: Floats
    if len(benchmark) == 1:
        own = simple.compress(chosen[0], axis=1)
        other = benchmark.compress(chosen[0], axis=1)
    else:
        own, other = np.where(chosen, simple, 0.0), np.where(chosen, benchmark, 0.0)
    worst = np.minimum(own.min(axis=1, initial=0.0), other.min(axis=1, initial=0.0))
    np.add(own, 1.0, out=own)
    np.add(other, 1.0, out=other)
    growth, growth_other = (np.multiply.reduce(side, axis=1) for side in (own, other))
    return _counted(chosen), growth, growth_other, worst
