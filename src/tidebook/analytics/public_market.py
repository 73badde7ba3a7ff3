"""Public market equivalents: the same dated flows, put into an index instead.

A fund's rate of return depends on when the investor's money was in it, so that the index over the
same days is no comparison. Here every flow buys or sells the index on its own day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.money_weighted import DatedAmounts, internal_rate
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


@dataclass(frozen=True, slots=True)
class PublicMarket:
    """What an investor's flows would have come to in an index."""

    end_value: float
    """What would be left on the last day; negative where more was taken out than there was."""
    long_nickels: Figure
    """The yearly rate of the same flows with that end value; undefined where it is negative."""
    kaplan_schoar: Figure
    """Distributions and closing value over contributions, all grown with the index to the end."""


def public_market(flows: DatedAmounts, index: Floats, closing: float) -> PublicMarket:
    """Return the public market equivalents of an investor's flows.

    Args:
        flows: Money put in negative, money taken out positive, in order of days; the last day is
            that of the closing value and may have a flow of 0.
        index: The level of the index for each of these flows.
        closing: The closing value of the fund on the last day.

    Raises:
        UnusableSeriesError: If the index does not have one level above zero per flow, or there
            is no flow.

    References:
        A. Long and C. Nickels (1996); S. Kaplan and A. Schoar, "Private Equity Performance",
        Journal of Finance (2005).
    """
    amounts = flows.amounts
    if index.shape != amounts.shape or amounts.size == 0:
        raise UnusableSeriesError("flows and index", "they differ in length, or are empty")
    if not bool((np.isfinite(index) & (index > 0)).all()):
        raise UnusableSeriesError("index", "a level is not a number above zero")
    grown = amounts * (index[-1] / index)
    put_in, taken_out = -float(grown[grown < 0].sum()), float(grown[grown > 0].sum())
    end_value = put_in - taken_out
    multiple: Figure = Undefined(Reason.NO_VALUE)
    if put_in > 0:
        multiple = (taken_out + closing) / put_in
    rate: Figure = Undefined(Reason.BELOW_TOTAL_LOSS)
    if end_value >= 0:
        final = amounts.copy()
        final[-1] += end_value
        rate = internal_rate(DatedAmounts(flows.dates, final)).rate_annual
    return PublicMarket(end_value, rate, multiple)
