"""A fair comparison: what a user's money earned, and what the same money would have in an index.

The user's flows buy and sell the benchmark on their own days, at its close. Both sides then have a
money-weighted return over the same days, and these two are compared; time-weighted returns are told
beside each other as well. What was held when the period opens counts as put in on its first day, at
the benchmark's close of the day before.
"""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    DatedAmounts,
    FlowTiming,
    Undefined,
    direct_alpha,
    modified_dietz,
    money_weighted,
    public_market,
    scaled_market,
    time_weighted,
    to_days,
    to_float64,
)
from tidebook.analytics.figures import Reason
from tidebook.engine.measuring.daily_comparison import relative_daily
from tidebook.engine.measuring.performance import FeeBasis, day_coverage, window_of
from tidebook.engine.measuring.prepared import value_at_cost
from tidebook.model.money import ZERO, exact
from tidebook.model.periods import PeriodRequest, PeriodType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.analytics import (
        Figure,
        MoneyWeighted,
        PublicMarket,
        ScaledMarket,
    )
    from tidebook.analytics.crossing import Floats
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.measuring.daily_comparison import Relative
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.measuring.performance import Window
    from tidebook.engine.users import UserBook
    from tidebook.model.periods import Span

MATCHED_WITHIN: Final = 0.0001
"""Two returns that differ by less than this fraction (one basis point) are told as matched."""
COVERAGE_MIN: Final = Decimal("0.95")
"""The least part of a value at either end that must be priced for two returns to be compared."""
BENCHMARK_DAYS_MAX: Final = 7
"""How many calendar days before the end a benchmark's last level may lie."""
_DAYS_PER_YEAR: Final = 365


class Status(StrEnum):
    """How the user did against the benchmark."""

    OUTPERFORMED = "outperformed"
    UNDERPERFORMED = "underperformed"
    MATCHED = "matched"
    INSUFFICIENT_DATA = "insufficient_data"


class Basis(StrEnum):
    """Which two returns the difference is of."""

    SAME_FLOWS = "money_weighted_same_flows"
    """The user's money-weighted return less that of the benchmark with the same flows."""
    SCALED_FLOWS = "money_weighted_scaled_flows"
    """The same, where the benchmark could not have paid all withdrawals: it pays the same share of
    its value as the user took."""
    DIETZ = "modified_dietz_same_flows"
    """Both sides after Dietz, gain over average capital, where one has no single rate."""


class Lacking(StrEnum):
    """Why two returns cannot be compared; stable codes."""

    NO_DAYS = "no-days"
    NOT_PRICED = "not-priced"
    NO_RETURN = "no-return"
    BENCHMARK_STARTS_LATE = "benchmark-starts-late"
    BENCHMARK_IS_OLD = "benchmark-is-old"


_SENTENCES: Final = {
    Lacking.NO_DAYS: "the user has no valued day in the period",
    Lacking.NOT_PRICED: "less than 95 percent of the value at the start or the end is priced",
    Lacking.NO_RETURN: "one of the two money-weighted returns is undefined",
    Lacking.BENCHMARK_STARTS_LATE: "no level of the benchmark is known on or before the start",
    Lacking.BENCHMARK_IS_OLD: "the benchmark's last level lies more than 7 days before the end",
}


class UserSide(NamedTuple):
    """What the user's money did over the measured days, in the user's currency.

    ``contributions`` and ``withdrawals`` are positive; ``profit`` is closing less opening less what
    came in plus what went out. Returns are fractions; ``earned`` is the one that is compared.
    """

    opening: Decimal
    closing: Decimal
    contributions: Decimal
    withdrawals: Decimal
    profit: Decimal
    fees_apart: Decimal
    rates: MoneyWeighted
    earned: Figure
    twr: Figure
    coverage: Decimal | None
    coverage_opening: Decimal | None


class IndexSide(NamedTuple):
    """What the benchmark did over the same days, and with the same flows.

    ``total`` is its return from the opening to the end; ``market`` what the flows came to in it.
    ``rate_period`` is the return that the user's is set against.
    """

    level_start: float
    level_end: float
    total: Figure
    market: PublicMarket
    rate_period: Figure
    rate_annual: Figure
    direct_alpha: Figure
    scaled: ScaledMarket | None
    basis: Basis


class Comparison(NamedTuple):
    """A user beside a benchmark.

    ``span`` are the days that were measured, the asked ones from the user's first day on; None
    where there is none. ``difference`` and ``twr_difference`` are fractions, the user's less the
    benchmark's. ``lacking`` says why nothing can be compared, in the order of weight.
    """

    line: Line
    span: Span | None
    opening_on: date | None
    user: UserSide | None
    benchmark: IndexSide | None
    relative: Relative | None
    difference: Figure
    twr_difference: Figure
    status: Status
    lacking: tuple[Lacking, ...]

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Codes and sentences of what is lacking."""
        return tuple((each.value, _SENTENCES[each]) for each in self.lacking)


class _Timeline(NamedTuple):
    """Flows in the investor's sign, the level of the benchmark for each, the value after each."""

    flows: DatedAmounts
    levels: Floats
    values: Floats


def measured(book: UserBook, period: PeriodRequest, as_of: date) -> Window:
    """Return the days of a period that a user was valued on."""
    return window_of(book.series, period, as_of)


def opening_day(window: Window) -> date | None:
    """Return the day whose close a comparison starts from.

    It is the day before the first one where something was held then, else the first one itself.
    """
    if window.span is None or not window.days:
        return None
    return window.span.start - timedelta(days=1) if window.opening else window.days[0].on


def compared(book: UserBook, window: Window, line: Line) -> Comparison:
    """Return a user beside a benchmark over the days of a window.

    Args:
        book: The user's portfolios as one series.
        window: The days, as ``measured`` returns them.
        line: The benchmark in the user's currency, from ``opening_day`` on.
    """
    opening_on = opening_day(window)
    nothing = Undefined(Reason.NO_DATA)
    if window.span is None or opening_on is None:
        return Comparison(
            line,
            None,
            None,
            None,
            None,
            None,
            nothing,
            nothing,
            Status.INSUFFICIENT_DATA,
            (Lacking.NO_DAYS,),
        )
    user = _user_side(book, window, window.span)
    index = _index_side(window, window.span, line, opening_on)
    if index is not None and index.basis is Basis.SAME_FLOWS:
        user, index = _with_a_return(user, index, window, window.span)
    difference = _less(user.earned, nothing if index is None else index.rate_period)
    lacking = _lacking(user, index, line, window.span, difference)
    return Comparison(
        line,
        window.span,
        opening_on,
        user,
        index,
        None if index is None else relative_daily(book.series.values, window.span, line),
        difference,
        _less(user.twr, nothing if index is None else index.total),
        _status(difference, lacking),
        lacking,
    )


def _user_side(book: UserBook, window: Window, span: Span) -> UserSide:
    with exact():
        closing = value_at_cost(window.days[-1])
        flows = [_net(day) for day in window.moved]
        came = sum((flow for flow in flows if flow > 0), ZERO)
        went = -sum((flow for flow in flows if flow < 0), ZERO)
        profit = closing - window.opening - came + went
        fees = sum((day.fees for day in window.moved), ZERO)
    dated = _dated([(day.on, flow) for day, flow in zip(window.moved, flows, strict=True)])
    before = [day for day in book.series.days if day.on < span.start]
    rates = money_weighted(dated, span, opening=float(window.opening), closing=float(closing))
    return UserSide(
        window.opening,
        closing,
        came,
        went,
        profit,
        fees,
        rates,
        rates.rate_period,
        time_weighted(book.series.values, span, FeeBasis.NET).total,
        day_coverage(window.days[-1]),
        day_coverage(before[-1]) if before else None,
    )


def _index_side(window: Window, span: Span, line: Line, opening_on: date) -> IndexSide | None:
    """Return the benchmark's side; None where it has no level at the opening."""
    start, end = line.at(opening_on), line.at(span.end)
    if start is None or end is None:
        return None
    timeline = _timeline(window, span, line, start)
    closing = float(timeline.values[-1])
    market = public_market(timeline.flows, timeline.levels, closing)
    led = direct_alpha(timeline.flows, timeline.levels, closing)
    total = end / start - 1.0
    if market.end_value < 0:
        scaled = scaled_market(timeline.flows, timeline.levels, timeline.values)
        period = _over(scaled.rate_annual, span)
        return IndexSide(
            start,
            end,
            total,
            market,
            period,
            scaled.rate_annual,
            led,
            scaled,
            Basis.SCALED_FLOWS,
        )
    flows = _dated([(day.on, _net(day)) for day in window.moved])
    rates = money_weighted(flows, span, opening=float(window.opening), closing=market.end_value)
    return IndexSide(
        start,
        end,
        total,
        market,
        rates.rate_period,
        rates.rate_annual,
        led,
        None,
        Basis.SAME_FLOWS,
    )


def _with_a_return(
    user: UserSide, index: IndexSide, window: Window, span: Span
) -> tuple[UserSide, IndexSide]:
    """Return both sides after Dietz where one of them has no single money-weighted return."""
    if not isinstance(user.earned, Undefined) and not isinstance(index.rate_period, Undefined):
        return user, index
    flows = _dated([(day.on, _net(day)) for day in window.moved])
    after_dietz = partial(
        modified_dietz,
        flows,
        span,
        opening=float(window.opening),
        timing=FlowTiming.START_OF_DAY,
    )
    earned = after_dietz(closing=float(user.closing))
    other = after_dietz(closing=index.market.end_value)
    return user._replace(earned=earned), index._replace(rate_period=other, basis=Basis.DIETZ)


def _timeline(window: Window, span: Span, line: Line, start: float) -> _Timeline:
    """Return the opening value, each day's flow and the end, with the benchmark's levels."""
    rows: list[tuple[date, float, float, float]] = []
    if window.opening:
        opening = float(window.opening)
        rows.append((span.start, -opening, start, opening))
    for day in window.moved:
        with exact():
            flow, value = _net(day), value_at_cost(day)
        rows.append((day.on, -float(flow), line.at(day.on) or start, float(value)))
    with exact():
        closing = float(value_at_cost(window.days[-1]))
    rows.append((span.end, 0.0, line.at(span.end) or start, closing))
    days, flows, levels, values = zip(*rows, strict=True)
    return _Timeline(
        DatedAmounts(to_days(days), np.array(flows)), np.array(levels), np.array(values)
    )


def _lacking(
    user: UserSide, index: IndexSide | None, line: Line, span: Span, difference: Figure
) -> tuple[Lacking, ...]:
    found: list[Lacking] = []
    covered = [one for one in (user.coverage, user.coverage_opening) if one is not None]
    if covered and min(covered) < COVERAGE_MIN:
        found.append(Lacking.NOT_PRICED)
    if index is None:
        found.append(Lacking.BENCHMARK_STARTS_LATE)
    elif (span.end - _last_on(line, span.end)).days > BENCHMARK_DAYS_MAX:
        found.append(Lacking.BENCHMARK_IS_OLD)
    if index is not None and isinstance(difference, Undefined):
        found.append(Lacking.NO_RETURN)
    return tuple(found)


def _last_on(line: Line, end: date) -> date:
    return max(day for day in line.days if day <= end)


def _status(difference: Figure, lacking: Sequence[Lacking]) -> Status:
    if lacking or isinstance(difference, Undefined):
        return Status.INSUFFICIENT_DATA
    if abs(difference) < MATCHED_WITHIN:
        return Status.MATCHED
    return Status.OUTPERFORMED if difference > 0 else Status.UNDERPERFORMED


def _net(day: PortfolioDay) -> Decimal:
    """Return what crossed the border on a day without fees, positive into the portfolio."""
    with exact():
        return day.bod_cashflow + day.eod_cashflow + day.fees


def _dated(flows: Sequence[tuple[date, Decimal]]) -> DatedAmounts:
    days = to_days([on for on, _ in flows]) if flows else np.zeros(0, "datetime64[D]")
    return DatedAmounts(days, to_float64(amount for _, amount in flows))


def _less(one: Figure, other: Figure) -> Figure:
    if isinstance(one, Undefined):
        return one
    return other if isinstance(other, Undefined) else one - other


def _over(rate_annual: Figure, span: Span) -> Figure:
    """Return a yearly rate over the days of a span, as money-weighted returns count them."""
    if isinstance(rate_annual, Undefined):
        return rate_annual
    if rate_annual <= -1.0:
        return -1.0
    days = (span.end - span.start).days
    return math.expm1(math.log1p(rate_annual) * days / _DAYS_PER_YEAR)


class Earned(NamedTuple):
    """What a user earned since the first day; fractions, and the profit in the user's currency."""

    profit: Decimal | None
    rates: Figure
    rates_annual: Figure
    twr: Figure


def since_inception(book: UserBook) -> Earned:
    """Return what a user earned from the first valued day to the last."""
    nothing = Undefined(Reason.NO_DATA)
    if book.last_on is None:
        return Earned(None, nothing, nothing, nothing)
    window = measured(book, PeriodRequest(PeriodType.SI), book.last_on)
    if window.span is None or not window.days:
        return Earned(None, nothing, nothing, nothing)
    user = _user_side(book, window, window.span)
    return Earned(user.profit, user.earned, user.rates.rate_annualised, user.twr)
