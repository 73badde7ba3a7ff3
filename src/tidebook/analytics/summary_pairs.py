"""What is told of returns and a benchmark together, for many rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.row_sums import count_of, deviation_of, growth_of, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Floats


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


class Pairs(NamedTuple):
    """Returns and benchmark as they scatter, and as simple returns; one benchmark or one a row."""

    returns: Floats
    other: Floats
    simple: Floats
    benchmark: Floats


def versus_of(pairs: Pairs, room: tuple[Floats, Floats]) -> Iterator[Versus]:
    """Return what is told of each row beside its benchmark.

    Args:
        pairs: The returns and those of the benchmark.
        room: Two arrays shaped as the returns, to be written over.
    """
    returns, other, simple, benchmark = pairs
    one, second = room
    count, n = returns.shape
    mean, size = mean_of(other), np.abs(other).max(axis=1)
    moves = other - mean[:, np.newaxis]
    square_sum = (moves * moves).sum(axis=1)
    deviation = deviation_of(square_sum / n, n, size)
    together = np.subtract(returns, mean_of(returns)[:, np.newaxis], out=one)
    np.multiply(together, moves, out=together)
    rests = np.where(deviation > 0, square_sum, np.inf)
    slope = together.sum(axis=1) / rests
    active = np.subtract(returns, other, out=one)
    active_mean = mean_of(active)
    most = np.abs(active, out=second).max(axis=1)
    np.subtract(active, active_mean[:, np.newaxis], out=active)
    np.multiply(active, active, out=active)
    columns = (
        mean,
        deviation,
        benchmark.min(axis=1),
        growth_of(benchmark),
        slope,
        active_mean,
        deviation_of(mean_of(active), n, np.maximum(most, size)),
        count_of(returns > other),
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
    growth, growth_other = growth_of(own), growth_of(other)
    return count_of(chosen), growth, growth_other, worst
