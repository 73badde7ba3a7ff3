"""The catalogue of measures, and all of them at once.

One measure is one function of a :class:`tidebook.analytics.summary.Summary` and one entry here,
with its unit, its direction and its formula; the reference is written from the entries. A suite
takes the summary of a series once and asks every measure of it. Many series give the same figures
as one after the other, to the last bit.

In formulas r are the returns and b those of the benchmark, f is the rate without risk and t the
target per period, k how many periods make a year, n how many returns there are, c the confidence,
a = 1 - c, z the normal quantile at a, and h the horizon in periods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.conventions import Conventions, ReturnKind
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.measures import EARNED, LOSSES, SCATTER, VERSUS
from tidebook.analytics.summary import Rows, summaries
from tidebook.errors import UnknownMeasureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.measures import Measure
    from tidebook.analytics.summary import Summary

    _Asked = tuple[tuple[str, Callable[[Summary], Figure]], ...]

MEASURES: Final = (*EARNED, *SCATTER, *LOSSES, *VERSUS)
"""Every measure, in the order in which they are told."""
_BESIDE: Final = tuple((measure.id, measure.of) for measure in MEASURES)
_ALONE: Final = tuple((one.id, one.of) for one in MEASURES if not one.needs_benchmark)
_BY_ID: Final = {measure.id: measure for measure in MEASURES}
PLAIN: Final = Conventions()
"""252 periods a year, no rate without risk, a target of 0, confidence 0.95 over one period."""


class Suite(NamedTuple):
    """Every measure of one series."""

    n: int
    """How many returns they rest on."""
    figures: dict[str, Figure]
    """By the id of the measure; without a benchmark those that need none."""


def measure_of(name: str) -> Measure:
    """Return the measure of that id.

    Raises:
        UnknownMeasureError: If there is none.
    """
    found = _BY_ID.get(name)
    if found is None:
        raise UnknownMeasureError(name, tuple(_BY_ID))
    return found


def figure(
    name: str, returns: Floats, benchmark: Floats | None = None, conventions: Conventions = PLAIN
) -> Figure:
    """Return one measure of a series of simple returns, as a suite tells it.

    Args:
        name: The id of the measure.
        returns: Simple returns per period, oldest first, as fractions.
        benchmark: Those of the benchmark over the same periods.
        conventions: Periods of a year, rates, confidence, and which returns scatter.

    Raises:
        UnknownMeasureError: If there is no such measure.
        UnusableSeriesError: If the columns differ in length or a return is not finite.

    Example:
        >>> round(figure("volatility", np.array([-0.01, 0.03, -0.01, 0.03])), 6)
        0.366606
    """
    measure = measure_of(name)
    if measure.needs_benchmark and benchmark is None:
        return Undefined(Reason.NO_BENCHMARK)
    paired = None if benchmark is None else benchmark[np.newaxis]
    chosen = ((measure.id, measure.of),)
    rows = Rows(returns[np.newaxis], paired)
    return next(_suites(rows, conventions, chosen)).figures[measure.id]


def suite(
    returns: Floats,
    benchmark: Floats | None = None,
    conventions: Conventions = PLAIN,
    *,
    risk_free: Floats | None = None,
) -> Suite:
    """Return every measure of a series of simple returns.

    Args:
        returns: Simple returns per period, oldest first, as fractions.
        benchmark: Those of the benchmark over the same periods.
        conventions: Periods of a year, rates, confidence, and which returns scatter.
        risk_free: The rate without risk of each period, instead of the conventions' yearly one.

    Raises:
        UnusableSeriesError: If the columns differ in length or a return is not finite.

    Example:
        >>> found = suite(np.array([-0.01, 0.03, -0.01, 0.03]))
        >>> round(found.figures["volatility"], 6), found.figures["win_rate"]
        (0.366606, 0.5)
    """
    paired = None if benchmark is None else benchmark[np.newaxis]
    return next(suites(returns[np.newaxis], paired, conventions, risk_free=risk_free))


def suites(
    returns: Floats,
    benchmark: Floats | None = None,
    conventions: Conventions = PLAIN,
    *,
    risk_free: Floats | None = None,
) -> Iterator[Suite]:
    """Return every measure of each of many series of one length, row by row.

    Args:
        returns: Simple returns, one series a row.
        benchmark: One benchmark for all, or one a row.
        conventions: The same for all.
        risk_free: The rate without risk of each period, for all.

    Raises:
        UnusableSeriesError: If the columns differ in length or a return is not finite.
    """
    chosen = _ALONE if benchmark is None else _BESIDE
    return _suites(Rows(returns, benchmark, risk_free), conventions, chosen)


def _suites(rows: Rows, conventions: Conventions, chosen: _Asked) -> Iterator[Suite]:
    count, n = rows.simple.shape
    if n == 0:
        return (_nothing(chosen, 0, Reason.TOO_FEW_RETURNS) for _ in range(count))
    if conventions.kind is ReturnKind.LOG:
        ruined = _ruined(rows)
        if ruined.any():
            return _around_ruin(rows, conventions, ruined, chosen)
    return (_told(found, chosen) for found in summaries(rows, conventions))


def _told(found: Summary, chosen: _Asked) -> Suite:
    return Suite(found.n, {name: of(found) for name, of in chosen})


def _nothing(chosen: _Asked, n: int, reason: Reason) -> Suite:
    undefined = Undefined(reason)
    return Suite(n, {name: undefined for name, _ in chosen})


def _ruined(rows: Rows) -> NDArray[np.bool_]:
    """Return which rows, or their benchmarks, lost everything in one period."""
    worst = rows.simple.min(axis=1)
    if rows.benchmark is not None:
        worst = np.minimum(worst, rows.benchmark.min(axis=-1))
    return worst <= -1.0


def _around_ruin(
    rows: Rows, conventions: Conventions, ruined: NDArray[np.bool_], chosen: _Asked
) -> Iterator[Suite]:
    """Return the suites one by one; a loss of everything has no logarithm and so no figures."""
    for index, is_ruined in enumerate(ruined.tolist()):
        row = rows.simple[index : index + 1]
        other = rows.benchmark
        if other is not None and other.ndim > 1:
            other = other[index : index + 1]
        if is_ruined:
            yield _nothing(chosen, row.shape[1], Reason.TOTAL_LOSS)
        else:
            yield from _suites(Rows(row, other, rows.risk_free), conventions, chosen)
