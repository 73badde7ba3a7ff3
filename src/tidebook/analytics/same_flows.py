"""What else is told of flows put into an index: the yearly lead, and an index that can pay.

:mod:`tidebook.analytics.public_market` buys and sells the index with the investor's own flows.
Where more was taken out than the index had, that account is short and has no rate; the scaled
account here never is, since it pays the same share of its value as the fund did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.money_weighted import DatedAmounts, internal_rate
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


@dataclass(frozen=True, slots=True, eq=False)
class ScaledMarket:
    """An index account that takes what the fund took in, and pays out in proportion."""

    end_value: float
    """What is left on the last day; never negative for a fund that never was."""
    rate_annual: Figure
    """The yearly rate of what went in, what was paid and what is left, as a fraction."""


def direct_alpha(flows: DatedAmounts, index: Floats, closing: float) -> Figure:
    """Return the rate a year by which an investor's flows outran the index.

    Every flow is grown with the index to the last day; the rate that explains these amounts and
    the closing value is what the fund earned beyond the index. Undefined where a rate of return
    would be.

    Args:
        flows: Money put in negative, money taken out positive, in order of days; the last day is
            that of the closing value and may have a flow of 0.
        index: The level of the index for each of these flows.
        closing: The closing value of the fund on the last day.

    Returns:
        A fraction a year: 0.01 is one percent a year ahead of the index.

    Raises:
        UnusableSeriesError: If the index does not have one level above zero per flow, or there is
            no flow.

    Example:
        The index gains 10 % and the fund 21 %, which is 10 % more:

        >>> days = np.array(["2023-01-01", "2024-01-01"], "datetime64[D]")
        >>> flows = DatedAmounts(days, np.array([-100.0, 0.0]))
        >>> round(direct_alpha(flows, np.array([1.0, 1.1]), 121.0), 6)
        0.1

    References:
        O. Gredil, B. Griffiths and R. Stucke, "Benchmarking Private Equity: The Direct Alpha
        Method" (2014).
    """
    _check(flows, index)
    grown = flows.amounts * (index[-1] / index)
    grown[-1] += closing
    return internal_rate(DatedAmounts(flows.dates, grown)).rate_annual


def scaled_market(flows: DatedAmounts, index: Floats, values: Floats) -> ScaledMarket:
    """Return the index account that pays out the same share of its value as the fund did.

    A payment d out of a fund that is worth v after it was the share d / (d + v) of it; the index
    account pays that share of its own value, so that it is empty only when the fund is.

    Args:
        flows: Money put in negative, money taken out positive, in order of days.
        index: The level of the index for each of these flows.
        values: What the fund was worth after each of them; the last is the closing value.

    Raises:
        UnusableSeriesError: If index or values do not have one figure per flow, a level is not
            above zero, or there is no flow.

    References:
        Cambridge Associates, "Private Equity and Venture Capital Benchmarks: An Introduction"
        (2013), on the modified public market equivalent.
    """
    _check(flows, index)
    if values.shape != flows.amounts.shape:
        raise UnusableSeriesError("flows and values", "they differ in length")
    account, before = 0.0, float(index[0])
    moved: list[float] = []
    for amount, level, value in zip(
        flows.amounts.tolist(), index.tolist(), values.tolist(), strict=True
    ):
        account *= level / before
        before = level
        share = amount / (amount + value) if amount > 0 and amount + value > 0 else 0.0
        paid = account * min(share, 1.0) if amount > 0 else amount
        account -= paid
        moved.append(paid)
    moved[-1] += account
    rate = internal_rate(DatedAmounts(flows.dates, np.array(moved))).rate_annual
    return ScaledMarket(account, rate)


def _check(flows: DatedAmounts, index: Floats) -> None:
    if index.shape != flows.amounts.shape or flows.amounts.size == 0:
        raise UnusableSeriesError("flows and index", "they differ in length, or are empty")
    if not bool((np.isfinite(index) & (index > 0)).all()):
        raise UnusableSeriesError("index", "a level is not a number above zero")
