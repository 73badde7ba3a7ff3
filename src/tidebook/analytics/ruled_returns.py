"""Time-weighted returns under stated rules: when flows join, what a gap means, what is capital.

A day's return is its gain over the capital at work, as in :mod:`tidebook.analytics.returns`. What
differs between two houses are the rules, and they are parameters here:

* when in its day a flow joins; the first flow into an empty portfolio always joins at the start,
  or its gain would stand on nothing;
* a flow so large that its moment decides over the return: what comes in joins at the start and
  what goes out leaves at the end, so that the capital is never made small by the flow itself;
* a day without a value: without a flow inside, the return spans it exactly; with one, there is no
  true return, and either none is told or that of Dietz stands for it;
* how much capital there has to be before a gain is called a return.

Days without capital have no return and break no chain. A chain that passes from capital to debt
has no return at all: the growth would be negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics.crossing import to_date
from tidebook.analytics.dietz import DAY_SHARE, FlowTiming, dietz
from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.returns import FeeBasis
from tidebook.errors import UnusableParameterError, UnusableSeriesError

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from tidebook.analytics.crossing import Days
    from tidebook.analytics.daily_values import DailyValues
    from tidebook.analytics.figures import Figure

# What is left when amounts cancel is the noise of float64, not capital and not a gain.
_NOISE: Final = 1e-12


class GapPolicy(StrEnum):
    """What a flow on a day without a value does to the return."""

    UNDEFINED = "UNDEFINED"
    """There is no true return, and none is told."""
    DIETZ = "DIETZ"
    """The modified Dietz return of the gap stands for it, and is told as such."""


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """How a house measures; the defaults take the daily values as they are.

    Raises:
        UnusableParameterError: If a limit is negative or not finite.
    """

    timing: FlowTiming = FlowTiming.AS_RECORDED
    large_flow_share: float | None = None
    """From which part of the opening value on a day's flow is large; None knows no large flow."""
    gaps: GapPolicy = GapPolicy.UNDEFINED
    capital_min: float = 0.0
    """The least capital, in the currency of the values, on which a gain is a return."""
    basis: FeeBasis = FeeBasis.NET

    def __post_init__(self) -> None:
        limits = {"large_flow_share": self.large_flow_share, "capital_min": self.capital_min}
        for name, value in limits.items():
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise UnusableParameterError(name, value, allowed="0 or above")


@dataclass(frozen=True, slots=True, eq=False)
class RuledReturns:
    """Returns under rules, and every day on which a rule had to decide; fractions."""

    dates: Days
    """The days that have a value: each return ends on one."""
    daily: tuple[Figure, ...]
    """The return of each; undefined on days without capital."""
    total: Figure
    """What they link to."""
    without_capital: tuple[date, ...]
    spanned: tuple[date, ...]
    """Days that end a gap."""
    approximated: tuple[date, ...]
    """Days whose return is that of Dietz."""
    indebted: tuple[date, ...]
    """Days that began with capital below zero."""


class _Row(NamedTuple):
    """A day with a value, or a gap and the day that ends it."""

    on: date
    opening: float
    start: float
    end: float
    closing: float
    is_gap: bool
    inside: tuple[tuple[float, float], ...]
    """Flows inside a gap, each with the part of the gap that was left when it came."""


def ruled_returns(
    values: DailyValues, rules: ReturnRules, valued: NDArray[np.bool_] | None = None
) -> RuledReturns:
    """Return daily and linked time-weighted returns under the rules of a house.

    Args:
        values: The daily values; the opening value of a day after a gap is not looked at.
        rules: The rules.
        valued: On which days the closing value is known; None says all. Days after the last
            such day have no return.

    Raises:
        UnusableSeriesError: If ``valued`` is not as long as the days.
    """
    if valued is not None and valued.shape != values.dates.shape:
        raise UnusableSeriesError("valued days", "there is not one for each day")
    rows = _rows(values, valued, rules.basis)
    timed = [_timed(row, rules) for row in rows]
    daily = tuple(_return_of(row, rules) for row in timed)
    return RuledReturns(
        dates=np.array([row.on for row in rows], "datetime64[D]"),
        daily=daily,
        total=_linked(timed, daily, rules),
        without_capital=_on(rows, [_is_idle(row, rules) for row in timed]),
        spanned=_on(rows, [row.is_gap for row in rows]),
        approximated=_on(rows, [bool(row.inside) for row in rows])
        if rules.gaps is GapPolicy.DIETZ
        else (),
        indebted=_on(rows, [_capital(row) < 0 for row in timed]),
    )


def _rows(values: DailyValues, valued: NDArray[np.bool_] | None, basis: FeeBasis) -> list[_Row]:
    """Return one row for each valued day; what lies between two is inside the second."""
    known = np.ones(len(values), np.bool_) if valued is None else valued
    ends = np.flatnonzero(known)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    added = values.fees if basis is FeeBasis.GROSS else np.zeros_like(values.fees)
    found: list[_Row] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        fees = float(added[start : end + 1].sum())
        row = _Row(
            on=to_date(values.dates[end]),
            opening=float(values.bmv[start]),
            start=float(values.bcf[start]),
            end=float(values.ecf[end]),
            closing=float(values.emv[end]) + fees,
            is_gap=end > start,
            inside=_inside(values, start, end),
        )
        found.append(row)
    return found


def _inside(values: DailyValues, start: int, end: int) -> tuple[tuple[float, float], ...]:
    """Return the flows strictly inside a gap and the part of it that was left for each."""
    if start == end:
        return ()
    days = values.dates[start : end + 1].astype(np.int64)
    before = int(values.dates[start - 1].astype(np.int64)) if start else int(days[0]) - 1
    length = int(days[-1]) - before
    at_end = zip(values.ecf[start:end].tolist(), (days[-1] - days[:-1]).tolist(), strict=True)
    at_start = zip(
        values.bcf[start + 1 : end + 1].tolist(), (days[-1] - days[1:] + 1).tolist(), strict=True
    )
    return tuple((flow, left / length) for flow, left in (*at_end, *at_start) if flow)


def _timed(row: _Row, rules: ReturnRules) -> _Row:
    """Return the row with its flows at the start and at the end of the day as the rules say."""
    flow = row.start + row.end
    if flow == 0 or row.is_gap:
        return row
    share = rules.large_flow_share
    if share is not None and abs(flow) > share * abs(row.opening):
        at_start = flow > 0
        return row._replace(start=flow * at_start, end=flow * (not at_start))
    if rules.timing is FlowTiming.AS_RECORDED:
        return row
    part = 1.0 if row.opening == 0 else DAY_SHARE[rules.timing]
    return row._replace(start=flow * part, end=flow * (1.0 - part))


def _capital(row: _Row) -> float:
    capital = row.opening + row.start
    return capital if abs(capital) > _NOISE * (abs(row.opening) + abs(row.start)) else 0.0


def _is_idle(row: _Row, rules: ReturnRules) -> bool:
    capital = abs(_capital(row))
    return not row.inside and (capital == 0 or capital < rules.capital_min)


def _return_of(row: _Row, rules: ReturnRules) -> Figure:
    capital = _capital(row)
    if row.inside:
        if rules.gaps is GapPolicy.UNDEFINED:
            return Undefined(Reason.FLOW_WITHOUT_VALUE)
        flows, weights = (np.array(column) for column in zip(*row.inside, strict=True))
        return dietz(row.opening + row.start, row.closing - row.end, flows, weights)
    if capital == 0:
        return Undefined(Reason.NO_CAPITAL)
    if abs(capital) < rules.capital_min:
        return Undefined(Reason.CAPITAL_BELOW_MINIMUM)
    return (row.closing - row.end - capital) / abs(capital)


def _linked(rows: list[_Row], daily: tuple[Figure, ...], rules: ReturnRules) -> Figure:
    """Return what the daily returns link to, a debt by what is left of it."""
    working = [(row, one) for row, one in zip(rows, daily, strict=True) if not _is_idle(row, rules)]
    if not rows:
        return Undefined(Reason.NO_DATA)
    if not working:
        return daily[-1] if isinstance(daily[-1], Undefined) else Undefined(Reason.NO_CAPITAL)
    sides = {np.sign(_capital(row)) for row, _ in working}
    growth = 1.0
    for row, one in working:
        if isinstance(one, Undefined):
            return one
        side = float(np.sign(_capital(row))) or 1.0
        growth *= 1.0 + side * one
        if len(sides) > 1 or growth < 0:
            return Undefined(Reason.CAPITAL_CROSSED_ZERO)
    return growth - 1.0 if 1.0 in sides else 1.0 - growth


def _on(rows: list[_Row], chosen: list[bool]) -> tuple[date, ...]:
    return tuple(row.on for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen)
