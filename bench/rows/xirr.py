"""The yearly rate of 1,000 dated flows, with the proof that it is the only one."""

from __future__ import annotations

from statistics import median

import numpy as np
import pyxirr

from bench.clocks import processor_seconds
from bench.figures import Bar, Baseline, Figure
from tidebook.analytics import DatedAmounts, RootStatus, internal_rate

_FLOWS, _DAYS = 1000, 3650
_BAR = Bar("at most", 0.2)
_INNER = 20
_PAID_IN = 0.7


def measure(*, quick: bool) -> list[Figure]:
    """Measure flows of ten years, seven of ten paid in, beside pyxirr on the same arrays."""
    count = _FLOWS // 10 if quick else _FLOWS
    rng = np.random.default_rng(1)
    days = np.sort(rng.choice(_DAYS, count, replace=False)) + np.datetime64("2015-01-01")
    amounts = np.where(rng.random(count) < _PAID_IN, -1.0, 1.0) * rng.uniform(100, 1000, count)
    amounts[0], amounts[-1] = -50_000.0, 1.6 * np.abs(amounts).sum()
    flows = DatedAmounts(days, amounts)
    found, other = internal_rate(flows), pyxirr.xirr(days, amounts)
    assert found.status is RootStatus.UNIQUE
    assert other is not None
    assert np.isclose(found.roots_annual[0], other, rtol=1e-8), f"{found}, {other}"
    ours = processor_seconds(lambda: [internal_rate(flows) for _ in range(_INNER)], 31)
    theirs = processor_seconds(lambda: [pyxirr.xirr(days, amounts) for _ in range(_INNER)], 31)
    baseline = Baseline("pyxirr, which tells no other roots", median(theirs) * 1000 / _INNER)
    runs = tuple(seconds * 1000 / _INNER for seconds in ours)
    return [Figure("xirr", "ms", runs, baseline, _BAR, f"{count:,} flows, processor time")]
