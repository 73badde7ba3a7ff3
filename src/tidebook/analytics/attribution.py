"""Attribution: why a portfolio earned more or less than its benchmark.

A segment (a sector, a country, an asset class) has a weight and a return on either side. Holding
more of a good segment is allocation; holding better things in a segment is selection; both at
once is interaction. The effects sum to the active return R - B, where R = Σ w·r.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.linking import Linking, link, linked_effects
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.analytics.crossing import Floats

_WHOLE_NOISE = 1e-9


class AllocationModel(StrEnum):
    """Against what a segment's benchmark return is held when its weight differs."""

    BRINSON_FACHLER = "BRINSON_FACHLER"
    """Against the whole benchmark: more of what did worse than it is a loss, even if it rose."""
    BRINSON_HOOD_BEEBOWER = "BRINSON_HOOD_BEEBOWER"
    """Against nothing: more of whatever rose is a gain."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Weights at the start of a period and returns over it, one element a segment.

    Where a side holds nothing of a segment, its own return there has no meaning and that of the
    other side is taken, so that all of the difference is allocation.

    Raises:
        UnusableSeriesError: If the lengths differ, a figure is not finite, or the weights of a
            side do not sum to 1.
    """

    weights: Floats
    returns: Floats
    benchmark_weights: Floats
    benchmark_returns: Floats

    def __post_init__(self) -> None:
        columns = (self.weights, self.returns, self.benchmark_weights, self.benchmark_returns)
        if any(column.shape != self.weights.shape for column in columns):
            raise UnusableSeriesError("segments", "its columns differ in length")
        if not all(bool(np.isfinite(column).all()) for column in columns):
            raise UnusableSeriesError("segments", "a figure is not a finite number")
        for weights in (self.weights, self.benchmark_weights):
            if abs(float(weights.sum()) - 1.0) > _WHOLE_NOISE:
                raise UnusableSeriesError("segments", "the weights of a side do not sum to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Where an active return comes from, one element a segment; fractions."""

    portfolio: float
    benchmark: float
    allocation: Floats
    selection: Floats
    interaction: Floats

    @property
    def active(self) -> float:
        """The active return, which all effects together are."""
        return self.portfolio - self.benchmark


@dataclass(frozen=True, slots=True, eq=False)
class GeometricEffects:
    """Where a geometric excess return comes from: (1 + allocation)(1 + selection) - 1."""

    excess: float
    """(1 + R) / (1 + B) - 1."""
    semi_notional: float
    """What the portfolio's weights would have earned with the benchmark's returns."""
    allocation: Floats
    """By segment; they sum to the whole allocation effect."""
    selection: Floats
    """By segment; they sum to the whole selection effect, which includes interaction."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkedEffects:
    """Effects of several periods that sum to the active return of the whole, by segment."""

    portfolio: float
    benchmark: float
    allocation: Floats
    selection: Floats
    interaction: Floats

    @property
    def active(self) -> float:
        """The active return of the whole time, which all effects together are."""
        return self.portfolio - self.benchmark


def brinson(
    segments: Segments, model: AllocationModel = AllocationModel.BRINSON_FACHLER
) -> Effects:
    """Return allocation, selection and interaction of one period.

        allocation  (w - v)(b - B)      with Brinson, Hood and Beebower (w - v) b
        selection   v (r - b)
        interaction (w - v)(r - b)

    w and r are the portfolio's weight and return, v and b those of the benchmark, B its whole.

    Args:
        segments: Weights and returns of either side.
        model: Against what allocation is held.

    Example:
        >>> halves, few = np.array([0.5, 0.5]), np.array([0.75, 0.25])
        >>> found = brinson(Segments(few, np.array([0.1, 0.0]), halves, np.array([0.1, 0.0])))
        >>> round(found.active, 6), found.allocation.round(6).tolist()
        (0.025, [0.0125, 0.0125])

    References:
        G. Brinson and N. Fachler, "Measuring Non-U.S. Equity Portfolio Performance", Journal of
        Portfolio Management (1985).
    """
    w, r, v, b = _sides(segments)
    whole = float((v * b).sum())
    hurdle = whole if model is AllocationModel.BRINSON_FACHLER else 0.0
    return Effects(
        portfolio=float((w * r).sum()),
        benchmark=whole,
        allocation=(w - v) * (b - hurdle),
        selection=v * (r - b),
        interaction=(w - v) * (r - b),
    )


def geometric(segments: Segments) -> GeometricEffects | Undefined:
    """Return the geometric effects of one period, which compound over time without linking.

        S = Σ w b
        allocation  (w - v)((1 + b) / (1 + B) - 1)         together (1 + S) / (1 + B) - 1
        selection   w ((1 + r) / (1 + b) - 1)(1 + b) / (1 + S)   together (1 + R) / (1 + S) - 1

    Undefined where the benchmark, or its returns under the portfolio's weights, lost everything.

    References:
        C. Bacon, "Practical Portfolio Performance Measurement and Attribution" (2008), ch. 5.
    """
    w, r, v, b = _sides(segments)
    own, whole, notional = (float((x * y).sum()) for x, y in ((w, r), (v, b), (w, b)))
    if whole <= -1.0 or notional <= -1.0:
        return Undefined(Reason.TOTAL_LOSS)
    return GeometricEffects(
        excess=(1.0 + own) / (1.0 + whole) - 1.0,
        semi_notional=notional,
        allocation=(w - v) * ((1.0 + b) / (1.0 + whole) - 1.0),
        selection=w * (r - b) / (1.0 + notional),
    )


def linked_attribution(
    periods: Sequence[Effects], method: Linking = Linking.CARINO
) -> LinkedEffects | Undefined:
    """Return the effects of consecutive periods, linked so that they sum to R - B.

    Args:
        periods: The effects of each period, oldest first, of the same segments in one order.
        method: How the periods are weighted.

    Returns:
        The effects of the whole; undefined without periods, and where a period lost everything
        and the method has no weight for that.

    Raises:
        UnusableSeriesError: If the periods differ in their number of segments.
    """
    if not periods:
        return Undefined(Reason.NO_DATA)
    if len({effects.allocation.shape for effects in periods}) > 1:
        raise UnusableSeriesError("periods", "they differ in their number of segments")
    portfolio = np.array([effects.portfolio for effects in periods])
    benchmark = np.array([effects.benchmark for effects in periods])
    table = np.array([[e.allocation, e.selection, e.interaction] for e in periods])
    linked = linked_effects(table, portfolio, benchmark, method)
    if isinstance(linked, Undefined):
        return linked
    allocation, selection, interaction = linked.sum(axis=0)
    return LinkedEffects(link(portfolio), link(benchmark), allocation, selection, interaction)


def contributions(gains: Floats, capital: float) -> Floats | Undefined:
    """Return what each holding added to the return of a period: its gain over all capital.

    They sum to the return of the whole. Undefined without capital.

    Args:
        gains: Profit or loss of each holding, flows taken out.
        capital: What was at work in the whole portfolio, above zero or, net short, below.

    Example:
        >>> contributions(np.array([30.0, -10.0]), 1000.0).tolist()
        [0.03, -0.01]
    """
    return gains / abs(capital) if capital else Undefined(Reason.NO_VALUE)


def linked_contributions(
    contributed: Floats, method: Linking = Linking.CARINO
) -> Floats | Undefined:
    """Return contributions of several periods that sum to the linked return.

    Args:
        contributed: One row a period, one column a holding.
        method: How the periods are weighted.

    Returns:
        One contribution a holding; undefined where a period lost everything and the method has
        no weight for that.

    Raises:
        UnusableSeriesError: If a contribution is not finite.
    """
    returns = contributed.sum(axis=1)
    linked = linked_effects(contributed, returns, np.zeros_like(returns), method)
    return linked if isinstance(linked, Undefined) else linked.sum(axis=0)


def _sides(segments: Segments) -> tuple[Floats, Floats, Floats, Floats]:
    w, v = segments.weights, segments.benchmark_weights
    r = np.where((w == 0) & (v != 0), segments.benchmark_returns, segments.returns)
    b = np.where((v == 0) & (w != 0), segments.returns, segments.benchmark_returns)
    return w, r, v, b
