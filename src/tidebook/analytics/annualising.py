"""A year of a return: by the calendar, never extrapolated from less than a year."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

import numpy as np

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.analytics.rates import check_periods
from tidebook.errors import UnusableParameterError

if TYPE_CHECKING:
    from datetime import date

    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


class YearBasis(StrEnum):
    """How days become years."""

    ACT_365F = "ACT/365F"
    """Days over 365, as a spreadsheet's XIRR counts."""
    ACT_365_25 = "ACT/365.25"
    """Days over 365.25."""
    ACT_ACT = "ACT/ACT"
    """Whole years by their anniversaries, and the rest over the days of the year it is in."""


def years_between(start: date, end: date, basis: YearBasis = YearBasis.ACT_365F) -> float:
    """Return the time from the close of one day to the close of another, in years.

    Example:
        >>> from datetime import date
        >>> years_between(date(2020, 2, 29), date(2022, 2, 28), YearBasis.ACT_ACT)
        2.0
    """
    days = (end - start).days
    match basis:
        case YearBasis.ACT_365F:
            return days / 365
        case YearBasis.ACT_365_25:
            return days / 365.25
        case YearBasis.ACT_ACT:
            whole = end.year - start.year
            whole -= _anniversary(start, whole) > end
            last, following = _anniversary(start, whole), _anniversary(start, whole + 1)
            return whole + (end - last).days / (following - last).days
        case _:
            assert_never(basis)


def annual_rate(
    cumulative: float, start: date, end: date, basis: YearBasis = YearBasis.ACT_365F
) -> Figure:
    """Return the yearly rate that compounds to a return, (1 + R) ** (1 / years) - 1.

    Args:
        cumulative: The return over the whole time, as a fraction.
        start: The day at whose close it began.
        end: The day at whose close it ended.
        basis: How days become years.

    Returns:
        The rate, as a fraction; undefined under one year, since it was never earned, and where
        more than everything was lost.
    """
    if cumulative < -1.0:
        return Undefined(Reason.BELOW_TOTAL_LOSS)
    years = years_between(start, end, basis)
    if years < 1.0:
        return Undefined(Reason.UNDER_ONE_YEAR)
    return (1.0 + cumulative) ** (1.0 / years) - 1.0


class FeeCharge(StrEnum):
    """How a yearly fee comes off the return of a period."""

    SUBTRACTED = "SUBTRACTED"
    """r - fee / k: it is charged on the capital at the start."""
    MULTIPLIED = "MULTIPLIED"
    """(1 + r)(1 - fee / k) - 1: it is charged on the capital at the end."""


def net_of_fee(
    returns: Floats,
    fee_annual: float,
    periods_per_year: float,
    charge: FeeCharge = FeeCharge.MULTIPLIED,
) -> Floats:
    """Return gross returns of periods less the part of a yearly fee that falls on each.

    Args:
        returns: Gross returns per period, as fractions.
        fee_annual: The fee of a year, as a fraction of capital: 0.02 is two percent.
        periods_per_year: How many periods make a year.
        charge: On which capital the fee is charged.

    Raises:
        UnusableSeriesError: If a return is not finite.
        UnusableParameterError: If the fee is not finite or the year has no periods.

    Example:
        >>> net_of_fee(np.array([0.01]), 0.12, 12, FeeCharge.SUBTRACTED).round(6).tolist()
        [0.0]
    """
    check_periods(periods_per_year)
    check_returns(returns)
    if not np.isfinite(fee_annual):
        raise UnusableParameterError("fee_annual", fee_annual, allowed="as a finite number")
    fee = fee_annual / periods_per_year
    if charge is FeeCharge.SUBTRACTED:
        return returns - fee
    return (1.0 + returns) * (1.0 - fee) - 1.0


def _anniversary(day: date, years: int) -> date:
    """Return the same day some years later; of 29 February the 28th where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
