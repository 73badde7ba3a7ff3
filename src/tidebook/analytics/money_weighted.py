"""Money-weighted returns: the one rate at which the investor's flows explain the closing value.

Flows are discounted by actual days over 365 and compounded yearly, as a spreadsheet's XIRR does:

    Σ c · (1 + r) ** (-days / 365) = 0

Unlike a spreadsheet it says how many rates do that. Where none or several do, no rate is shown,
and the several are listed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.crossing import to_days
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.rate_roots import Flows, all_roots
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Days, Floats
    from tidebook.analytics.figures import Figure
    from tidebook.model.periods import Span

_DAYS_PER_YEAR = 365
_NOISE = 1e-13


class RootStatus(StrEnum):
    """How many rates explain the flows."""

    UNIQUE = "unique"
    NONE = "none"
    MULTIPLE = "multiple"
    TOTAL_LOSS = "total_loss"
    """Money went in and nothing is left: the rate is -1, the limit of all rates."""


@dataclass(frozen=True, slots=True, eq=False)
class DatedAmounts:
    """Flows by day, in any order; several may share a day.

    Raises:
        UnusableSeriesError: If the columns differ in length or an amount is not finite.
    """

    dates: Days
    amounts: Floats

    def __post_init__(self) -> None:
        if self.dates.shape != self.amounts.shape:
            raise UnusableSeriesError("dated flows", "its columns differ in length")
        if not bool(np.isfinite(self.amounts).all()):
            raise UnusableSeriesError("dated flows", "an amount is not a finite number")


@dataclass(frozen=True, slots=True)
class InternalRate:
    """The yearly rate of a list of flows, or what stands in its way."""

    rate_annual: Figure
    """The only rate, as a fraction a year."""
    status: RootStatus
    roots_annual: tuple[float, ...]
    """Every rate that solves the flows and can be written as a number, rising."""
    log_rates: tuple[float, ...]
    """ln(1 + rate) of every root, exact where the rate itself is all but -1 or too large."""


@dataclass(frozen=True, slots=True)
class MoneyWeighted:
    """The money-weighted return of a period."""

    rate_annual: Figure
    """The rate a year, as a fraction, whatever the length of the period."""
    rate_period: Figure
    """The same rate over the days of the period: what was earned, not what a year would bring."""
    rate_annualised: Figure
    """``rate_annual`` where the period lasts 365 days or more; below that it was never earned."""
    status: RootStatus
    roots_annual: tuple[float, ...]
    """Every rate that solves the flows, rising; several where the status is ``multiple``."""


def internal_rate(flows: DatedAmounts) -> InternalRate:
    """Return the rate a year at which flows in the investor's sign are worth nothing.

    Money put in is negative, money taken out and the closing value are positive.
    """
    days, amounts = _by_day(flows)
    if len(days) == 1:
        return _no_rate(Reason.ZERO_DURATION)
    if not (amounts.min(initial=0.0) < 0 < amounts.max(initial=0.0)):
        return _no_rate(Reason.NO_SIGN_CHANGE)
    duration = float(days[-1] - days[0])
    roots = all_roots(Flows((days - days[0]) / duration, amounts / np.abs(amounts).max()))
    log_rates = tuple(root * _DAYS_PER_YEAR / duration for root in roots)
    rates = [_growth_of(log_rate) for log_rate in log_rates]
    written = tuple(rate for rate in rates if isinstance(rate, float))
    if not roots:
        return _no_rate(Reason.NO_ROOT)
    if len(roots) > 1:
        undefined = Undefined(Reason.MULTIPLE_ROOTS)
        return InternalRate(undefined, RootStatus.MULTIPLE, written, log_rates)
    return InternalRate(rates[0], RootStatus.UNIQUE, written, log_rates)


def money_weighted(
    flows: DatedAmounts, span: Span, *, opening: float, closing: float
) -> MoneyWeighted:
    """Return what the investor earned on the money, when it was there.

    The opening value counts as put in on the first day of the span and the closing value as
    taken out on its last, so that the period lasts ``end - start`` days.

    Args:
        flows: External flows in the portfolio's sign: contributions positive, withdrawals
            negative. Flows on the first and the last day of the span count.
        span: From the day of the opening value to the day of the closing value.
        opening: The market value on the first day, before that day's flows.
        closing: The market value on the last day, after that day's flows.

    Raises:
        UnusableSeriesError: If a flow lies outside the span or a value is not finite; leaving
            it out would change the rate unseen.
    """
    ends = to_days([span.start, span.end])
    if bool(((flows.dates < ends[0]) | (flows.dates > ends[1])).any()):
        raise UnusableSeriesError("dated flows", f"a flow lies outside {span.start} to {span.end}")
    timeline = DatedAmounts(
        np.concatenate([ends[:1], flows.dates, ends[1:]]),
        np.concatenate([[-opening], -flows.amounts, [closing]]),
    )
    days = (span.end - span.start).days
    if _is_total_loss(timeline, days, closing):
        return MoneyWeighted(-1.0, -1.0, _if_a_year(-1.0, days), RootStatus.TOTAL_LOSS, (-1.0,))
    found = internal_rate(timeline)
    if found.status is RootStatus.UNIQUE:
        period = _growth_of(found.log_rates[0] * days / _DAYS_PER_YEAR)
    else:
        period = found.rate_annual
    return MoneyWeighted(
        found.rate_annual,
        period,
        _if_a_year(found.rate_annual, days),
        found.status,
        found.roots_annual,
    )


def present_value(flows: DatedAmounts, rate_annual: float) -> float:
    """Return what flows are worth on the day of the earliest, at a yearly rate above -1.

    Days are actual over 365, as in ``internal_rate``, whose rate brings this to zero.
    """
    if flows.dates.size == 0:
        return 0.0
    days = (flows.dates - flows.dates.min()) / np.timedelta64(1, "D")
    return float(flows.amounts @ np.exp(-math.log1p(rate_annual) * days / _DAYS_PER_YEAR))


def _by_day(flows: DatedAmounts) -> tuple[Floats, Floats]:
    """Return day numbers and the sum of each day's flows, leaving out days that cancel."""
    numbers = flows.dates.astype("datetime64[D]").astype(np.float64)
    order = np.argsort(numbers, kind="stable")
    numbers, amounts = numbers[order], flows.amounts[order]
    firsts = np.flatnonzero(np.diff(numbers, prepend=-np.inf))
    if firsts.size < numbers.size:
        sums = np.add.reduceat(amounts, firsts)
        sizes = np.add.reduceat(np.abs(amounts), firsts)
        numbers, amounts = numbers[firsts], np.where(np.abs(sums) > _NOISE * sizes, sums, 0.0)
    kept = amounts != 0
    return numbers[kept], amounts[kept]


def _is_total_loss(timeline: DatedAmounts, days: int, closing: float) -> bool:
    nets = _by_day(timeline)[1]
    return days > 0 and closing == 0 and nets.size > 0 and bool((nets < 0).all())


def _growth_of(log_growth: float) -> Figure:
    try:
        return math.expm1(log_growth)
    except OverflowError:
        return Undefined(Reason.TOO_LARGE)


def _if_a_year(rate: Figure, days: int) -> Figure:
    if isinstance(rate, Undefined) or days >= _DAYS_PER_YEAR:
        return rate
    return Undefined(Reason.UNDER_ONE_YEAR)


def _no_rate(reason: Reason) -> InternalRate:
    return InternalRate(Undefined(reason), RootStatus.NONE, (), ())
