"""What is told of returns and a benchmark together, for many rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.row_sums import (
    check_growth,
    count_of,
    deviation_of,
    highest_of,
    lowest_of,
    mean_of,
    sum_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Floats


class Versus(NamedTuple):
    """What is told of returns and a benchmark together."""

    mean: float
    """That of the benchmark, per period."""
    deviation: float
    """That of the benchmark; exactly 0 where it rests."""
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
    up_ruin: bool
    """Whether more than everything was lost in one of them, here or by the benchmark."""
    down: int
    down_growth: float
    down_growth_other: float
    down_ruin: bool


class Pairs(NamedTuple):
    """Returns and benchmark as they scatter, and as simple returns; one benchmark or one a row."""

    returns: Floats
    other: Floats
    simple: Floats
    benchmark: Floats


class Sizes(NamedTuple):
    """What is known of each row before, and of the benchmark or of each."""

    mean: Floats
    """The mean of the returns as they scatter."""
    worst: Floats
    """The worst simple return."""
    size_other: Floats
    """The largest distance from 0 of the benchmark, as it scatters."""
    worst_other: Floats
    degrees_lost: int
    """What a deviation takes off n."""


def versus_of(pairs: Pairs, sizes: Sizes, room: tuple[Floats, Floats, Floats]) -> Iterator[Versus]:
    """Return what is told of each row beside its benchmark.

    Args:
        pairs: The returns and those of the benchmark.
        sizes: Means and extremes of either.
        room: Three arrays shaped as the returns, to be written over.

    Raises:
        UnusableSeriesError: If growth is more than a number can hold.
    """
    returns, other = pairs.returns, pairs.other
    one, second, third = room
    count, n = returns.shape
    mean = mean_of(other)
    moves = np.subtract(other, mean[:, np.newaxis], out=third[: len(other)])
    square_sum = sum_of(np.multiply(moves, moves, out=second[: len(other)]))
    deviation = deviation_of(square_sum / n, n, sizes.size_other, sizes.degrees_lost)
    together = np.subtract(returns, sizes.mean[:, np.newaxis], out=one)
    np.multiply(together, moves, out=together)
    rests = np.where(deviation > 0, square_sum, np.inf)
    slope = sum_of(together) / rests
    active = np.subtract(returns, other, out=one)
    active_mean = mean_of(active)
    most = highest_of(np.abs(active, out=second))
    np.subtract(active, active_mean[:, np.newaxis], out=active)
    np.multiply(active, active, out=active)
    size = np.maximum(most, sizes.size_other)
    active_deviation = deviation_of(mean_of(active), n, size, sizes.degrees_lost)
    growth, up, down = _grown(pairs, sizes, room)
    columns = (
        mean,
        deviation,
        sizes.worst_other,
        growth,
        slope,
        active_mean,
        active_deviation,
        count_of(returns > other),
        *up,
        *down,
    )
    listed = [column.tolist() for column in columns]
    full = (column if len(column) == count else column * count for column in listed)
    return map(Versus._make, zip(*full, strict=True))


class _Captured(NamedTuple):
    """Of the periods in which the benchmark rose, or fell."""

    periods: NDArray[np.int32]
    growth: Floats
    growth_other: Floats
    is_ruin: NDArray[np.bool_]


def _grown(
    pairs: Pairs, sizes: Sizes, room: tuple[Floats, Floats, Floats]
) -> tuple[Floats, _Captured, _Captured]:
    """Return the benchmark's growth, and that of both where it rose and where it fell."""
    benchmark = pairs.benchmark
    own = np.add(pairs.simple, 1.0, out=room[0])
    other = np.add(benchmark, 1.0, out=room[1][: len(benchmark)])
    grown = Pairs(*pairs[:2], own, other)
    can_ruin = min(float(sizes.worst.min()), float(sizes.worst_other.min())) < -1.0
    with np.errstate(over="ignore"):
        growth = np.multiply.reduce(grown.benchmark, axis=1)
        up = _captured(grown, benchmark > 0, can_ruin=can_ruin)
        down = _captured(grown, benchmark < 0, can_ruin=can_ruin)
    sides = (growth, up.growth, up.growth_other, down.growth, down.growth_other)
    for side in sides:
        check_growth("benchmark and returns", side)
    return growth, up, down


def _captured(grown: Pairs, chosen: NDArray[np.bool_], *, can_ruin: bool) -> _Captured:
    """Return what is told of the chosen periods; of 1 + r, both for the benchmark and the rows."""
    own: Floats
    other: Floats
    if len(chosen) == 1:
        places = chosen[0].nonzero()[0]
        count = np.array([places.size], np.int32)
        own = np.take(grown.simple, places, axis=1)
        other = np.take(grown.benchmark, places, axis=1)
    else:
        count = count_of(chosen)
        own = np.where(chosen, grown.simple, 1.0)
        other = np.where(chosen, grown.benchmark, 1.0)
    growth, growth_other = np.multiply.reduce(own, axis=1), np.multiply.reduce(other, axis=1)
    worst = np.minimum(lowest_of(own), lowest_of(other)) if can_ruin and own.size else np.ones(1)
    return _Captured(count, growth, growth_other, worst < 0)
