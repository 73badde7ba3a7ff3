"""Every measure of very many series against one benchmark."""

from __future__ import annotations

from statistics import median

import numpy as np

from bench.clocks import processor_seconds
from bench.figures import Bar, Baseline, Figure
from tidebook.analytics import MEASURES, suite, suites

_SERIES, _DAYS = 10_000, 2520
_BAR = Bar("at most", 1.5)


def measure(*, quick: bool) -> list[Figure]:
    """Measure the suites of 10,000 series of ten years, one after the other in one call."""
    count = _SERIES // 50 if quick else _SERIES
    rng = np.random.default_rng(1)
    benchmark = rng.standard_normal(_DAYS) * 0.01
    table = rng.standard_normal((count, _DAYS)) * 0.01
    last = 0.0
    for found in suites(table, benchmark):
        last = found.figures["beta"]
    assert last == suite(table[-1], benchmark).figures["beta"]
    taken = processor_seconds(lambda: sum(found.n for found in suites(table, benchmark)), 3)
    bare = processor_seconds(lambda: table.sum(axis=1), 5)
    baseline = Baseline("the sum of each series, by numpy", median(bare))
    size = f"{len(MEASURES)} measures of {count:,} series of {_DAYS:,} returns, processor time"
    return [Figure("risk_batch", "s", taken, baseline, _BAR, size)]
