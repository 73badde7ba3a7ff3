"""Returns of one period without daily values: after Dietz, or between valuations at each flow.

The gain is measured on the capital that was at work on average. A flow counts for the part of the
period that was left when it came.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from tidebook.analytics.crossing import to_days
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.money_weighted import DatedAmounts
    from tidebook.model.periods import Span

_HALF: Final = 0.5


class FlowTiming(StrEnum):
    """When in its day a flow joins the capital."""

    AS_RECORDED = "AS_RECORDED"
    """As its transaction says: at the start or at the end of the day."""
    START_OF_DAY = "START_OF_DAY"
    """It works all day."""
    MIDDLE_OF_DAY = "MIDDLE_OF_DAY"
    """It works half of the day."""
    END_OF_DAY = "END_OF_DAY"
    """It works from the next day on."""


DAY_SHARE: Final = {
    FlowTiming.START_OF_DAY: 1.0,
    FlowTiming.MIDDLE_OF_DAY: _HALF,
    FlowTiming.END_OF_DAY: 0.0,
}
"""The part of its own day during which a flow is at work."""


def dietz(opening: float, closing: float, flows: Floats, weights: Floats) -> Figure:
    """Return the gain over the average capital.

        (closing - opening - ΣF) / (opening + Σ weight · F)

    Args:
        opening: The value at the start, before any flow.
        closing: The value at the end, after all flows.
        flows: Flows, positive into the portfolio.
        weights: The part of the period during which each was at work, from 0 to 1.

    Returns:
        The return of the period, not annualised; undefined where the average capital is 0. On a
        negative average, of a net short portfolio, a gain is positive all the same.

    Raises:
        UnusableSeriesError: If the lengths differ or a figure is not finite.
    """
    if flows.shape != weights.shape:
        raise UnusableSeriesError("flows and weights", "they differ in length")
    for column in (np.array([opening, closing]), flows, weights):
        check_returns(column)
    gain = closing - opening - float(flows.sum())
    capital = opening + float((flows * weights).sum())
    return gain / abs(capital) if capital else Undefined(Reason.NO_CAPITAL)


def simple_dietz(opening: float, closing: float, flow: float) -> Figure:
    """Return the return of a period whose flows are taken to come in its middle.

    Example:
        >>> round(simple_dietz(100.0, 120.0, 10.0), 6)
        0.095238
    """
    return dietz(opening, closing, np.array([flow]), np.array([_HALF]))


def modified_dietz(
    flows: DatedAmounts,
    span: Span,
    *,
    opening: float,
    closing: float,
    timing: FlowTiming = FlowTiming.END_OF_DAY,
) -> Figure:
    """Return the return of a period whose flows have dates.

    A flow on day D of a period of CD days, the first being day 1, is at work for (CD - D) / CD
    of it at the end of its day, a day more at its start, half a day more in its middle.

    Args:
        flows: Flows inside the span, positive into the portfolio.
        span: The period; both its days belong to it.
        opening: The value before the first day.
        closing: The value at the close of the last day.
        timing: When in its day a flow joins; ``AS_RECORDED`` is refused, since an amount with a
            date records no more than that.

    Raises:
        UnusableSeriesError: If a flow lies outside the span, a figure is not finite, or the
            timing is not told.

    References:
        P. Dietz, "Pension Funds: Measuring Investment Performance" (1966). C. Bacon, "Practical
        Portfolio Performance Measurement and Attribution" (2008), ch. 2.
    """
    share = DAY_SHARE.get(timing)
    if share is None:
        raise UnusableSeriesError("dated flows", "they do not record when in the day they came")
    first, last = to_days([span.start, span.end])
    if bool(((flows.dates < first) | (flows.dates > last)).any()):
        raise UnusableSeriesError("dated flows", f"a flow lies outside {span.start} to {span.end}")
    days = (span.end - span.start).days + 1
    left = (last - flows.dates) / np.timedelta64(1, "D")
    return dietz(opening, closing, flows.amounts, (left + share) / days)


def between_flows(values: Floats, flows: Floats) -> Floats | Undefined:
    """Return the returns between valuations, each on what was left after the flow before it.

        r = values[i + 1] / (values[i] + flows[i]) - 1

    Linked, they are the true time-weighted return.

    Args:
        values: The value just before each flow, and at the end: one more than there are flows.
        flows: The flow after each valuation but the last, positive into the portfolio; 0 where
            there was none.

    Returns:
        One return a valuation after the first; undefined where a flow left no capital.

    Raises:
        UnusableSeriesError: If the lengths do not fit or a figure is not finite.

    Example:
        >>> between_flows(np.array([100.0, 110.0, 231.0]), np.array([0.0, 110.0])).round(6).tolist()
        [0.1, 0.05]
    """
    if values.size != flows.size + 1:
        raise UnusableSeriesError("values and flows", "there is not one more value than flows")
    for column in (values, flows):
        check_returns(column)
    capital = values[:-1] + flows
    if bool((capital <= 0).any()):
        return Undefined(Reason.NO_CAPITAL)
    return values[1:] / capital - 1.0
