"""A user's daily returns beside those of a benchmark, pair by pair, and how certain that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    DatedReturns,
    FeeBasis,
    Frequency,
    Undefined,
    bootstrap,
    paired,
    resampled,
    suite,
    time_weighted,
)
from tidebook.analytics.figures import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.analytics import DailyValues, Figure, Interval, Paired
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.model.periods import Span

SAMPLED_MIN: Final = 0.9
"""The least part of the user's days that the benchmark must have too for returns to be daily."""
INTERVALS_OF: Final = ("alpha_annual", "beta", "tracking_error", "information_ratio")
"""The measures that intervals are told of, by their ids in the catalogue."""
_MEASURES: Final = (
    "tracking_error",
    "beta",
    "alpha_annual",
    "information_ratio",
    "up_capture",
    "down_capture",
)
"""Of the fields of ``Relative`` behind ``n``."""
_SEED: Final = 20_240_102
"""Any number: the same question is to have the same answer."""


class Relative(NamedTuple):
    """Daily returns against the benchmark's, pair by pair; yearly where the name says so.

    All are undefined where the benchmark lacks so many days that the pairs are not daily.
    """

    n: int
    tracking_error_annual: Figure
    beta: Figure
    alpha_annual: Figure
    information_ratio: Figure
    capture_up: Figure
    capture_down: Figure


def relative_daily(values: DailyValues, span: Span, line: Line) -> Relative:
    """Return how a user's daily returns went with those of a benchmark.

    Returns are linked over the days that only one side has, and 252 make a year. The alpha is
    arithmetic and without a riskless rate, capture geometric.
    """
    pairs = _pairs(values, span, line)
    if isinstance(pairs, int):
        return Relative(pairs, *[Undefined(Reason.TOO_FEW_RETURNS)] * 6)
    found = suite(pairs.returns, pairs.benchmark)
    return Relative(found.n, *(found.figures[name] for name in _MEASURES))


def intervals_daily(values: DailyValues, span: Span, line: Line) -> Mapping[str, Interval]:
    """Return between what alpha, beta, tracking error and information ratio lie.

    With a probability of 95 percent, by a stationary bootstrap of 1,000 histories that is drawn
    the same way every time. Empty where the pairs are not daily.
    """
    pairs = _pairs(values, span, line)
    if isinstance(pairs, int) or not pairs.returns.size:
        return {}
    rng = np.random.default_rng(_SEED)
    return bootstrap(pairs.returns, INTERVALS_OF, rng, benchmark=pairs.benchmark)


def _pairs(values: DailyValues, span: Span, line: Line) -> Paired | int:
    """Return the pairs of a span, or only how many there are where they are not daily."""
    linked = time_weighted(values, span, FeeBasis.NET)
    own = resampled(DatedReturns(linked.dates, linked.daily), Frequency.DAILY)
    pairs = paired(own, resampled(line.returns(span.end), Frequency.DAILY))
    count = int(pairs.returns.size)
    return count if count < SAMPLED_MIN * (len(own) - 1) else pairs
