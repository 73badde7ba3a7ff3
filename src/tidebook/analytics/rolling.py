"""Rolling windows: a measure of the last few returns, told anew each period.

A window is a series like any other, so each of its figures is that of the catalogue. The first is
told once a whole window is there; nothing is filled in before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.catalogue import PLAIN, measure_of
from tidebook.analytics.figures import Undefined
from tidebook.analytics.summary import Rows, summaries
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidebook.analytics.conventions import Conventions
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.analytics.sampling import DatedReturns

WINDOW_MIN = 2
"""The fewest periods of a window: of one return, nothing scatters."""


class Rolling(NamedTuple):
    """Measures of each window, by the day on which it ends; what is undefined is NaN."""

    dates: Days
    figures: Mapping[str, Floats]
    """By the id of the measure."""
    reasons: Mapping[str, Mapping[int, Undefined]]
    """Why there is none, by the id of the measure and the place of the window."""


def rolling(
    series: DatedReturns,
    window: int,
    names: Sequence[str],
    *,
    benchmark: Floats | None = None,
    conventions: Conventions = PLAIN,
) -> Rolling:
    """Return measures of every run of ``window`` returns.

    Args:
        series: Simple returns by the day on which each ends.
        window: How many returns a window holds, at least two.
        names: The ids of the measures.
        benchmark: The benchmark's returns over the same periods, where a measure needs them.
        conventions: Those of every window; ``years`` is left out, for a window has its own length.

    Raises:
        UnknownMeasureError: If there is no such measure.
        UnusableParameterError: If a window holds fewer than two returns.
        UnusableSeriesError: If the columns differ in length, a return is not finite, or a log
            return is asked of a loss of everything.

    Example:
        >>> from tidebook.analytics.sampling import DatedReturns
        >>> days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], "datetime64[D]")
        >>> fund = DatedReturns(days, np.array([0.01, 0.03, -0.01]))
        >>> [round(float(one), 4) for one in rolling(fund, 2, ["volatility"]).figures["volatility"]]
        [0.2245, 0.449]
    """
    if window < WINDOW_MIN:
        raise UnusableParameterError("window", window, allowed="two periods or more")
    if benchmark is not None and benchmark.shape != series.returns.shape:
        raise UnusableSeriesError("returns and benchmark", "they differ in length")
    chosen = [measure_of(name) for name in names]
    if len(series) < window:
        nothing = np.zeros(0)
        return Rolling(series.dates[:0], dict.fromkeys(names, nothing), {})
    rows = Rows(_windows(series.returns, window), _windows_of(benchmark, window))
    told = [
        [measure.of(found) for measure in chosen]
        for found in summaries(rows, replace(conventions, years=None))
    ]
    figures = {
        name: np.array([_number(row[place]) for row in told]) for place, name in enumerate(names)
    }
    reasons = {
        name: {at: one for at, row in enumerate(told) if isinstance(one := row[place], Undefined)}
        for place, name in enumerate(names)
    }
    return Rolling(series.dates[window - 1 :], figures, reasons)


def _windows(returns: Floats, window: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(returns, window)


def _windows_of(benchmark: Floats | None, window: int) -> Floats | None:
    return None if benchmark is None else _windows(benchmark, window)


def _number(figure: float | Undefined) -> float:
    return math.nan if isinstance(figure, Undefined) else float(figure)
