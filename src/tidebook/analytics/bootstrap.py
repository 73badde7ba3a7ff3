"""How certain a measure is: the stationary bootstrap, with chance handed in.

Ten years of returns are one of the many histories that could have been. Others like it are drawn
from its own returns, in blocks of random length so that what follows upon what is kept, and the
measure is taken of each; between two of its quantiles it lies with the stated probability.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.catalogue import PLAIN, measure_of
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.summary import Rows, summaries
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from tidebook.analytics.conventions import Conventions
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure

_DRAWS: Final = 1000
_PART: Final = 250


class Drawing(NamedTuple):
    """How other histories are drawn."""

    draws: int = _DRAWS
    """How many."""
    block_mean: float | None = None
    """The mean length of a block in periods; None takes the cube root of their number."""
    confidence: float = 0.95
    """The probability of the interval."""
    conventions: Conventions = PLAIN
    """Those of the measures."""


_PLAIN_DRAWING: Final = Drawing()


def block_mean_of(drawing: Drawing, n: int) -> float:
    """Return the mean length of a block, in periods, where a history of ``n`` is drawn."""
    return max(1.0, n ** (1.0 / 3.0)) if drawing.block_mean is None else drawing.block_mean


class Interval(NamedTuple):
    """A measure of a series, and between what it lies with the stated probability."""

    figure: Figure
    """The measure of the series itself."""
    low: Figure
    high: Figure
    draws: int
    """How many histories had a figure; those without one are left out of the interval."""


def bootstrap(
    returns: Floats,
    names: Sequence[str],
    rng: Generator,
    *,
    benchmark: Floats | None = None,
    drawing: Drawing = _PLAIN_DRAWING,
) -> dict[str, Interval]:
    """Return measures with their percentile intervals, all of the same histories.

    Args:
        returns: Simple returns per period, oldest first.
        names: The ids of the measures.
        rng: Where chance comes from; the same seed draws the same intervals.
        benchmark: Returns over the same periods, drawn together with the others.
        drawing: How many histories, in blocks of what length, with what probability, and the
            conventions of the measures.

    Raises:
        UnknownMeasureError: If there is no such measure.
        UnusableSeriesError: If there is no return, one is not finite, the benchmark is missing
            or of another length, or a log return is asked of a loss of everything.
        UnusableParameterError: If the drawing has no meaning.

    References:
        D. Politis and J. Romano, "The Stationary Bootstrap", Journal of the American Statistical
        Association (1994).
    """
    measures = [measure_of(name) for name in names]
    if benchmark is None and any(measure.needs_benchmark for measure in measures):
        raise UnusableSeriesError("benchmark", "a measure needs one, and none was given")
    length, conventions = _block_mean(drawing, returns.size), drawing.conventions
    own = next(summaries(Rows(returns[np.newaxis], benchmark), conventions))
    told: list[list[Figure]] = []
    for start in range(0, drawing.draws, _PART):
        count = min(_PART, drawing.draws - start)
        places = drawn_places(returns.size, count, length, rng)
        other = None if benchmark is None else benchmark[places]
        drawn = summaries(Rows(returns[places], other), conventions)
        told.extend([measure.of(one) for measure in measures] for one in drawn)
    return {
        measure.id: _interval(measure.of(own), column, drawing.confidence)
        for measure, column in zip(measures, zip(*told, strict=True), strict=True)
    }


def _interval(own: Figure, drawn: Sequence[Figure], confidence: float) -> Interval:
    found = [figure for figure in drawn if not isinstance(figure, Undefined)]
    if not found:
        nothing = Undefined(Reason.TOO_FEW_RETURNS)
        return Interval(own, nothing, nothing, 0)
    outside = 0.5 * (1.0 - confidence)
    low, high = np.quantile(np.array(found), [outside, 1.0 - outside]).tolist()
    return Interval(own, low, high, len(found))


def drawn_places(n: int, draws: int, block_mean: float, rng: Generator) -> NDArray[np.int64]:
    """Return which period of the series stands at each place of each drawn history.

    A block begins anywhere and goes on, around the end to the beginning, until with probability
    1 / ``block_mean`` the next one begins.
    """
    begins = rng.random((draws, n)) < 1.0 / block_mean
    begins[:, 0] = True
    firsts = rng.integers(0, n, (draws, n))
    steps = np.arange(n)
    since = np.maximum.accumulate(np.where(begins, steps, 0), axis=1)
    rows = np.arange(draws)[:, np.newaxis]
    return (firsts[rows, since] + steps - since) % n


def _block_mean(drawing: Drawing, n: int) -> float:
    draws, block_mean, confidence, _ = drawing
    if draws < 1:
        raise UnusableParameterError("draws", draws, allowed="1 or more")
    if not 0.0 < confidence < 1.0:
        raise UnusableParameterError("confidence", confidence, allowed="between 0 and 1")
    if block_mean is not None and not (math.isfinite(block_mean) and block_mean >= 1.0):
        raise UnusableParameterError("block_mean", block_mean, allowed="1 or more")
    return block_mean_of(drawing, n)
