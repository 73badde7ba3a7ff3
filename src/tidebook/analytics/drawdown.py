"""Drawdown: how far wealth stood below its own highest point.

Wealth is 1 + cumulative return and starts at 1 before the first day, so that a loss on the very
first day counts. The underwater series is wealth / (highest wealth so far) - 1: 0 at a high,
negative below it. Depths are told as positive fractions: 0.2 is a fall by a fifth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tidebook.analytics.crossing import to_date, to_days
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from datetime import date

    from tidebook.analytics.crossing import Days, Floats
    from tidebook.analytics.returns import Linked

# Linked growth comes back to an old high only up to the noise of float64.
_NOISE = 1e-12


@dataclass(frozen=True, slots=True)
class Fall:
    """One way down from a high, and back up if it has come back."""

    depth: float
    """The loss from the peak to the trough, as a positive fraction."""
    peak_on: date | None
    """The last day at the high; None where the high is the start, before the first day."""
    trough_on: date
    """The first day of the lowest wealth."""
    recovered_on: date | None
    """The first day back at the high; None while the fall is open."""

    @property
    def fall_days(self) -> int | None:
        """The days from the peak to the trough; None where the high is the start itself."""
        return None if self.peak_on is None else (self.trough_on - self.peak_on).days

    @property
    def recovery_days(self) -> int | None:
        """The days from the trough back to the high; None while the fall is open."""
        return None if self.recovered_on is None else (self.recovered_on - self.trough_on).days


@dataclass(frozen=True, slots=True)
class Spell:
    """The time from one high to the next higher one, or to the end of the period."""

    start: date
    end: date
    is_open: bool
    """Whether the period ended before a new high came."""

    @property
    def days(self) -> int:
        """How many days it lasted."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True, eq=False)
class Drawdown:
    """The underwater series of a period and its deepest fall."""

    dates: Days
    underwater: Floats
    """Wealth over its highest point so far, minus 1, on each day: 0 or negative."""
    deepest: Fall | None
    """The deepest fall, the first of several; None where wealth never fell."""

    @property
    def depth(self) -> float:
        """The depth of the deepest fall, 0 where wealth never fell."""
        return 0.0 if self.deepest is None else self.deepest.depth


def drawdown(dates: Days, cumulative: Floats) -> Drawdown | Undefined:
    """Return the falls of a series of cumulative returns that is not annualised.

    Args:
        dates: The days, rising.
        cumulative: The return from the start to the end of each day, as a fraction.

    Returns:
        The drawdown, or ``Undefined`` where there is no day.

    Raises:
        UnusableSeriesError: If the columns differ in length or a return is not finite.
    """
    _check(dates, cumulative)
    if cumulative.size == 0:
        return Undefined(Reason.NO_DATA)
    under = _underwater(cumulative)
    return Drawdown(dates, under[1:], _deepest(dates, under))


def drawdown_of(linked: Linked) -> Drawdown | Undefined:
    """Return the falls of a time-weighted return; undefined where its chain was reset.

    After a reset the cumulative return counts from a new start, so that the very loss which
    caused the reset would be missing from the drawdown.
    """
    if linked.resets:
        return Undefined(Reason.CHAIN_RESET)
    return drawdown(linked.dates, linked.cumulative)


def falls(found: Drawdown) -> tuple[Fall, ...]:
    """Return every fall of a period in the order of days; the last may be open."""
    edges = np.diff((found.underwater < 0).astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    return tuple(
        _fall(found, int(start), int(end)) for start, end in zip(starts, ends, strict=True)
    )


def worst_falls(found: Drawdown, count: int = 10) -> tuple[Fall, ...]:
    """Return the deepest falls of a period, the deepest first; of equal ones the earlier first."""
    return tuple(sorted(falls(found), key=lambda fall: -fall.depth)[:count])


def longest_without_high(dates: Days, cumulative: Floats, start: date) -> Spell | Undefined:
    """Return the longest time from one high to the next higher one, the first of several.

    A day that only equals the high does not end it. The last spell is open: it lasts to the last
    day, and may still grow.

    Args:
        dates: The days, rising.
        cumulative: The return from the start to the end of each day, as a fraction.
        start: The day at whose close the period begins, on which wealth is 1.

    Returns:
        The spell, or ``Undefined`` where there is no day.

    Raises:
        UnusableSeriesError: If the columns differ in length or a return is not finite.
    """
    _check(dates, cumulative)
    if cumulative.size == 0:
        return Undefined(Reason.NO_DATA)
    wealth = np.concatenate([[1.0], 1.0 + cumulative])
    before = np.maximum.accumulate(wealth)[:-1]
    highs = np.flatnonzero(wealth[1:] > before * (1.0 + _NOISE))
    days = np.concatenate([to_days([start]), dates[highs], dates[-1:]])
    longest = int(np.argmax(np.diff(days)))
    is_open = longest == len(highs)
    return Spell(to_date(days[longest]), to_date(days[longest + 1]), is_open=is_open)


def underwater_of(returns: Floats) -> Floats:
    """Return how far compounded returns stand below their high, 0 or negative; the start is one.

    Raises:
        UnusableSeriesError: If a return is not finite.

    Example:
        >>> underwater_of(np.array([0.25, -0.5])).tolist()
        [0.0, -0.5]
    """
    check_returns(returns)
    return _underwater(np.multiply.accumulate(1.0 + returns) - 1.0)[1:]


def underwater_uncompounded(returns: Floats) -> Floats:
    """Return how far the plain sum of returns stands below its highest so far, 0 or negative.

    This is the drawdown of a stake that is made up to its size after every period.

    Raises:
        UnusableSeriesError: If a return is not finite.
    """
    check_returns(returns)
    total = np.concatenate([[0.0], np.cumsum(returns)])
    return (total - np.maximum.accumulate(total))[1:]


def _underwater(cumulative: Floats) -> Floats:
    """Return wealth over its highest so far, minus 1, from the start itself on."""
    wealth = np.concatenate([[1.0], 1.0 + cumulative])
    under = wealth / np.maximum.accumulate(wealth) - 1.0
    under[under > -_NOISE] = 0.0
    return under


def _check(dates: Days, cumulative: Floats) -> None:
    if dates.shape != cumulative.shape:
        raise UnusableSeriesError("cumulative returns", "its columns differ in length")
    _check_finite(cumulative)


def _check_finite(cumulative: Floats) -> None:
    if not bool(np.isfinite(cumulative).all()):
        raise UnusableSeriesError("cumulative returns", "a return is not a finite number")


def _fall(found: Drawdown, start: int, end: int) -> Fall:
    """Return the fall whose days under water are those from ``start`` to before ``end``."""
    trough = start + int(np.argmin(found.underwater[start:end]))
    return Fall(
        depth=-float(found.underwater[trough]),
        peak_on=None if start == 0 else to_date(found.dates[start - 1]),
        trough_on=to_date(found.dates[trough]),
        recovered_on=to_date(found.dates[end]) if end < len(found.dates) else None,
    )


def _deepest(dates: Days, under: Floats) -> Fall | None:
    """Return the deepest fall of a series whose first element is the start itself."""
    trough = int(np.argmin(under))
    if under[trough] == 0:
        return None
    peak = int(np.flatnonzero(under[:trough] == 0)[-1])
    later = np.flatnonzero(under[trough:] == 0)
    return Fall(
        depth=-float(under[trough]),
        peak_on=None if peak == 0 else to_date(dates[peak - 1]),
        trough_on=to_date(dates[trough - 1]),
        recovered_on=to_date(dates[trough + int(later[0]) - 1]) if later.size else None,
    )
