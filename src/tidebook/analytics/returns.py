"""Time-weighted returns: what one unit of currency, left alone, would have earned.

Each day's gain is measured on the capital that was at work that day,

    r_net   = (emv - ecf - (bmv + bcf)) / |bmv + bcf|
    r_gross = r_net with the day's fees added back to the gain

so that deposits and withdrawals neither flatter nor hurt. A day with capital above zero links
into the long sleeve, growth L = Π(1 + r); a day with capital below zero (a net short or overdrawn
portfolio) links into the short sleeve, whose liability H = Π(1 - r) shrinks when it gains. The
cumulative return is L · (2 - H) - 1. A day without capital returns 0 and links nothing; a gain
on such a day is reported, never turned into a return.

A sleeve that has lost more than everything cannot be linked on: the chain is reset on that day,
the cumulative return is 0 from there, and it grows again from the next day's capital. A loss of
exactly everything is a return of -1, and the chain stays there. Long spans restate exactly,
R(a,c) = (1 + R(a,b))(1 + R(b,c)) - 1; a short sleeve does not, because its liability, not its
worth, is what compounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics.crossing import to_date
from tidebook.analytics.figures import Reason, Undefined

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Days, Floats
    from tidebook.analytics.daily_values import DailyValues
    from tidebook.analytics.figures import Figure
    from tidebook.model.periods import Span

# What is left when amounts cancel is the noise of float64, not capital and not a gain.
_NOISE = 1e-12
_DAYS_NOT_ANNUALISED = 366
_DAYS_PER_YEAR = 365.25


class FeeBasis(StrEnum):
    """Whether a return is told before or after fees."""

    GROSS = "GROSS"
    NET = "NET"


class WarningKind(StrEnum):
    """What a reader of a time-weighted return has to know about it; stable codes."""

    GAIN_WITHOUT_CAPITAL = "gain-without-capital"
    CHAIN_RESET = "chain-reset"
    TOTAL_LOSS = "total-loss"


_SENTENCES = {
    WarningKind.GAIN_WITHOUT_CAPITAL: "a gain or loss on {on} had no capital at work; "
    "it is in no return",
    WarningKind.CHAIN_RESET: "more than everything was lost on {on}; the return counts from there",
    WarningKind.TOTAL_LOSS: "everything was lost on {on}; no later day can change the return",
}


@dataclass(frozen=True, slots=True)
class ReturnWarning:
    """A day on which a time-weighted return does not say all that happened."""

    kind: WarningKind
    on: date

    @property
    def sentence(self) -> str:
        """The warning in words."""
        return _SENTENCES[self.kind].format(on=self.on)


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Daily returns and what they link to; fractions, not annualised."""

    dates: Days
    daily: Floats
    """Each day's own return."""
    cumulative: Floats
    """The return from the first day, or from the last reset, to the end of each day."""
    total: Figure
    """The last cumulative return; undefined without any day."""
    resets: tuple[date, ...]
    """The days on which the chain was broken by a loss of more than everything."""
    warnings: tuple[ReturnWarning, ...]
    """What the figures do not show, in order of days."""


class _Chain(NamedTuple):
    factor: Floats
    resets: list[int]
    total_loss: int | None


def time_weighted(values: DailyValues, span: Span, basis: FeeBasis) -> Linked:
    """Return the daily and cumulative time-weighted returns of the days inside the span.

    Args:
        values: The daily values; days outside the span are left out.
        span: The days asked for, both ends included.
        basis: Before fees (``GROSS``) or after them (``NET``).
    """
    window = values.within(span)
    if len(window) == 0:
        nothing = np.zeros(0)
        return Linked(window.dates, nothing, nothing, Undefined(Reason.NO_DATA), (), ())
    capital, gain, unplaced = _capital_and_gain(window, basis)
    daily = np.divide(gain, np.abs(capital), out=np.zeros_like(gain), where=capital != 0)
    chain = _link(daily, capital)
    cumulative = chain.factor - 1.0
    return Linked(
        dates=window.dates,
        daily=daily,
        cumulative=cumulative,
        total=float(cumulative[-1]),
        resets=tuple(to_date(window.dates[index]) for index in chain.resets),
        warnings=_warnings(window.dates, chain, unplaced),
    )


def _capital_and_gain(
    values: DailyValues, basis: FeeBasis
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return each day's capital and gain, and the rows whose gain had no capital."""
    capital = values.bmv + values.bcf
    capital[np.abs(capital) <= _NOISE * (np.abs(values.bmv) + np.abs(values.bcf))] = 0.0
    closing = values.emv - values.ecf
    if basis is FeeBasis.GROSS:
        closing += values.fees
    gain = closing - capital
    idle = np.flatnonzero(capital == 0)
    if idle.size == 0:
        return capital, gain, idle
    moved = np.abs(values.emv[idle]) + np.abs(values.ecf[idle]) + np.abs(values.fees[idle])
    return capital, gain, idle[np.abs(gain[idle]) > _NOISE * moved]


def _link(daily: Floats, capital: Floats) -> _Chain:
    """Chain the sleeves from reset to reset; without a reset this is one pass."""
    growth = _without_noise(np.where(capital > 0, 1.0 + daily, 1.0))
    is_short = capital < 0
    liability = _without_noise(np.where(is_short, 1.0 - daily, 1.0)) if is_short.any() else None
    factor = np.empty_like(daily)
    resets: list[int] = []
    carried, start = 1.0, 0
    while start < len(daily):
        long = np.cumprod(growth[start:])
        broken = long < 0
        factor[start:] = carried * long
        owed = None
        if liability is not None:
            owed = np.cumprod(liability[start:])
            broken |= (owed < 0) | (owed > 2.0 + _NOISE)
            factor[start:] *= 2.0 - owed
        if not broken.any():
            break
        at = int(np.argmax(broken))
        start += at
        if owed is not None and owed[at] < 0 <= long[at]:
            # The debt is more than earned back: the sleeve is closed with its gain and a later
            # debt opens a new one, or its gains would count as losses.
            carried = float(factor[start])
        else:
            resets.append(start)
            factor[start] = carried = 1.0
        start += 1
    lost = np.flatnonzero((growth == 0) & (factor[-1] == 0))
    return _Chain(factor, resets, int(lost[0]) if lost.size else None)


def _without_noise(growth: Floats) -> Floats:
    growth[np.abs(growth) < _NOISE] = 0.0
    return growth


def _warnings(dates: Days, chain: _Chain, unplaced: NDArray[np.intp]) -> tuple[ReturnWarning, ...]:
    found = [(int(index), WarningKind.GAIN_WITHOUT_CAPITAL) for index in unplaced]
    found += [(index, WarningKind.CHAIN_RESET) for index in chain.resets]
    if chain.total_loss is not None:
        found.append((chain.total_loss, WarningKind.TOTAL_LOSS))
    return tuple(ReturnWarning(kind, to_date(dates[index])) for index, kind in sorted(found))


def annualise(cumulative: float, start: date, end: date) -> Figure:
    """Return the yearly rate that compounds to a cumulative return.

    Days are counted with both ends. Up to 366 days the cumulative return is handed back as it
    is, since a rate extrapolated from less than a year was never earned; beyond that the rate is

        (1 + R) ** (365.25 / days) - 1

    Args:
        cumulative: The return over the whole period, as a fraction.
        start: The first day of the period.
        end: The last day of the period.

    Returns:
        The yearly rate as a fraction; undefined below -1.

    Example:
        >>> from datetime import date
        >>> annualise(0.05, date(2024, 1, 1), date(2024, 12, 31))
        0.05
    """
    if cumulative < -1.0:
        return Undefined(Reason.BELOW_TOTAL_LOSS)
    days = (end - start).days + 1
    if days <= _DAYS_NOT_ANNUALISED:
        return cumulative
    return (1.0 + cumulative) ** (_DAYS_PER_YEAR / days) - 1.0
