"""The days of a portfolio as returns are computed from them: exact, and as arrays.

A position without a price or a rate is carried at its cost, so that the first price does not look
like a gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import DailyValues, to_days, to_float64
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.series import PortfolioDay


class Series(NamedTuple):
    """A portfolio's days with unpriced positions at cost, exact and as arrays.

    ``moved`` are the days with a flow or a fee, ``unpriced`` those with a position at cost: few
    of all, so that what only they can change is found without a walk over every day.
    """

    days: tuple[PortfolioDay, ...]
    values: DailyValues
    inception: date | None
    moved: tuple[PortfolioDay, ...]
    unpriced: tuple[PortfolioDay, ...]
    restated_from: date | None = None
    """The first day that the last restatement touched, None without any."""
    knows_restatements: bool = False
    """Whether that was looked for; where not, no period can begin with it."""


def series_from(days: tuple[PortfolioDay, ...], inception: date | None) -> Series:
    """Return what returns are computed from, of all days from the first on."""
    return Series(
        days,
        daily_values(days),
        inception,
        tuple(day for day in days if day.bod_cashflow or day.eod_cashflow or day.fees),
        tuple(day for day in days if day.unpriced_cost),
    )


def daily_values(days: Sequence[PortfolioDay]) -> DailyValues:
    """Return the days as arrays: opening and closing values at cost where there is no price.

    The opening value of a day is the closing value of the day before it in ``days``; that of the
    first day is its own.
    """
    with exact():
        closing = [value_at_cost(day) for day in days]
        flows = [day.eod_cashflow + day.fees if day.fees else day.eod_cashflow for day in days]
    emv = to_float64(closing)
    return DailyValues(
        dates=to_days([day.on for day in days]),
        bmv=np.concatenate([to_float64(day.bod_market_value for day in days[:1]), emv[:-1]]),
        bcf=to_float64(day.bod_cashflow for day in days),
        ecf=to_float64(flows),
        emv=emv,
        fees=to_float64(day.fees for day in days),
    )


def value_at_cost(day: PortfolioDay) -> Decimal:
    """Return a day's value with unpriced positions at cost; to be called in ``exact``."""
    if day.unpriced_cost:
        return day.eod_market_value + day.unpriced_cost
    return day.eod_market_value
