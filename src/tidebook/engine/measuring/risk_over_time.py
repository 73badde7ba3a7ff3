"""How a measure moved, and how certain it is: rolling windows and bootstrap intervals.

Both are taken from the very returns that the measures of :mod:`tidebook.engine.measuring.risk` are
taken from: those of the portfolio alone, or beside a benchmark those of the days that both have.
Chance begins at a stated seed, so that the same question has the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    DatedReturns,
    Drawing,
    Interval,
    Reason,
    Undefined,
    block_mean_of,
    bootstrap,
    measure_of,
    rolling,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.analytics import Figure
    from tidebook.analytics.crossing import Floats
    from tidebook.engine.measuring.risk import PeriodRisk, Taken

SEED: Final = 1
"""Where chance begins unless told otherwise."""


class RollingFigure(NamedTuple):
    """A measure of the window that ends on a day."""

    on: date
    figure: Figure


class RollingMeasure(NamedTuple):
    """A measure of every whole window of a period, or why there is none at all."""

    measure: str
    windows: tuple[RollingFigure, ...]
    why: Undefined | None = None


class Histories(NamedTuple):
    """How other histories are drawn, and from where chance begins."""

    drawing: Drawing = Drawing()
    seed: int = SEED


class Certainty(NamedTuple):
    """Between what measures lie, and the mean length of the blocks drawn, in periods."""

    intervals: dict[str, Interval]
    block_mean: float | None
    """None where nothing could be drawn."""


def rolling_of(
    period: PeriodRisk, measures: Sequence[str], window: int
) -> tuple[RollingMeasure, ...]:
    """Return measures of every run of ``window`` returns inside a period, by the day it ends on.

    A window has its own length, so that yearly figures rest on its number of periods.

    Args:
        period: The period, as it was measured.
        measures: The ids of the measures, in the order they are told in.
        window: How many returns of the frequency a window holds.

    Raises:
        UnusableParameterError: If a window holds fewer than two returns.
    """
    told = {
        each.measure: each
        for is_beside in (False, True)
        for each in _rolled(period, measures, window, is_beside=is_beside)
    }
    return tuple(told[one] for one in measures)


def intervals_of(period: PeriodRisk, measures: Sequence[str], histories: Histories) -> Certainty:
    """Return between what measures lie, by the stationary bootstrap of a period's own returns.

    Of the same seed, a measure has the same interval whatever else is asked for.

    Raises:
        UnusableParameterError: If the drawing has no meaning.
    """
    found: dict[str, Interval] = {}
    block_mean: float | None = None
    for is_beside in (False, True):
        names = _apart(measures, is_beside=is_beside)
        taken = period.taken
        if not names:
            continue
        if taken is None or (is_beside and taken.pairs is None):
            found |= {name: _nothing(period.figure(name)) for name in names}
            continue
        returns, market = _returns(taken, is_beside=is_beside)
        if not len(returns):
            found |= {name: _nothing(Undefined(Reason.TOO_FEW_RETURNS)) for name in names}
            continue
        drawing = histories.drawing._replace(conventions=taken.conventions)
        rng = np.random.default_rng(histories.seed)
        found |= bootstrap(returns.returns, names, rng, benchmark=market, drawing=drawing)
        block_mean = block_mean or block_mean_of(drawing, len(returns))
    return Certainty({name: found[name] for name in measures}, block_mean)


def _rolled(
    period: PeriodRisk, measures: Sequence[str], window: int, *, is_beside: bool
) -> list[RollingMeasure]:
    names, taken = _apart(measures, is_beside=is_beside), period.taken
    if taken is None or (is_beside and taken.pairs is None):
        return [RollingMeasure(name, (), _why(period.figure(name))) for name in names]
    returns, market = _returns(taken, is_beside=is_beside)
    found = rolling(returns, window, names, benchmark=market, conventions=taken.conventions)
    if not found.dates.size:
        short = Undefined(Reason.SHORTER_THAN_WINDOW)
        return [RollingMeasure(name, (), short) for name in names]
    days: list[date] = found.dates.tolist()
    return [
        RollingMeasure(
            name,
            tuple(
                RollingFigure(on, found.reasons[name].get(place, figure))
                for place, (on, figure) in enumerate(
                    zip(days, found.figures[name].tolist(), strict=True)
                )
            ),
        )
        for name in names
    ]


def _apart(measures: Sequence[str], *, is_beside: bool) -> list[str]:
    """Return the measures that need a benchmark, or those that do not."""
    return [name for name in measures if measure_of(name).needs_benchmark is is_beside]


def _returns(taken: Taken, *, is_beside: bool) -> tuple[DatedReturns, Floats | None]:
    if is_beside and taken.pairs is not None:
        return DatedReturns(taken.pairs.dates, taken.pairs.returns), taken.pairs.benchmark
    return taken.own, None


def _nothing(figure: Figure) -> Interval:
    why = _why(figure)
    return Interval(why, why, why, 0)


def _why(figure: Figure) -> Undefined:
    return figure if isinstance(figure, Undefined) else Undefined(Reason.NO_DATA)
