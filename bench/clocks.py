"""Time taken, on the wall and on the processor, and what is told while it passes."""

from __future__ import annotations

import gc
import sys
import time
from math import ceil
from typing import TYPE_CHECKING

from tidebook.wiring.working import _GC_THRESHOLDS  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def say(text: str) -> None:
    """Tell how far a measurement has come, apart from its result."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def collect_as_served() -> None:
    """Look for cyclic garbage as rarely as the serving process does."""
    gc.set_threshold(*_GC_THRESHOLDS)


def processor_seconds(work: Callable[[], object], repeats: int) -> tuple[float, ...]:
    """Return the processor time of each run of ``work``, garbage of the run before collected."""
    return tuple(_timed(work, time.process_time) for _ in range(repeats))


def wall_seconds(work: Callable[[], object], repeats: int) -> tuple[float, ...]:
    """Return the wall time of each run of ``work``."""
    return tuple(_timed(work, time.perf_counter) for _ in range(repeats))


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    gc.collect()
    start = clock()
    work()
    return clock() - start


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of all do not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]
