"""Yearly rates told per period: a risk-free rate or a target beside returns of shorter periods."""

from __future__ import annotations

import math
from enum import StrEnum

from tidebook.errors import UnusableParameterError


class Compounding(StrEnum):
    """How a yearly rate is made of the rates of its periods."""

    GEOMETRIC = "geometric"
    """The periods compound to the year."""
    SIMPLE = "simple"
    """The periods add up to the year."""
    CONTINUOUS = "continuous"
    """The logarithms of the periods' growth add up to that of the year: for log returns."""


def periodic_rate(
    rate_annual: float,
    periods_per_year: float,
    compounding: Compounding = Compounding.GEOMETRIC,
) -> float:
    """Return the rate of one period that belongs to a yearly rate.

    Geometric: ``(1 + a) ** (1 / k) - 1``; simple: ``a / k``; continuous: ``ln(1 + a) / k``.
    Negative rates are allowed.

    Args:
        rate_annual: The yearly rate, as a fraction.
        periods_per_year: How many periods make a year.
        compounding: What the yearly rate means.

    Raises:
        UnusableParameterError: If the year has no periods, or the rate loses everything.

    Example:
        >>> round(periodic_rate(0.21, 2), 12)
        0.1
    """
    check_periods(periods_per_year)
    if not math.isfinite(rate_annual):
        raise UnusableParameterError("rate_annual", rate_annual, allowed="as a finite number")
    if compounding is Compounding.SIMPLE:
        return rate_annual / periods_per_year
    if rate_annual <= -1.0:
        raise UnusableParameterError("rate_annual", rate_annual, allowed="above -1")
    force = math.log1p(rate_annual) / periods_per_year
    return force if compounding is Compounding.CONTINUOUS else math.expm1(force)


def check_periods(periods_per_year: float) -> None:
    """Refuse a year that is not made of a positive number of periods.

    Raises:
        UnusableParameterError: If it is zero, negative or not finite.
    """
    if not (math.isfinite(periods_per_year) and periods_per_year > 0):
        raise UnusableParameterError("periods_per_year", periods_per_year, allowed="above 0")
