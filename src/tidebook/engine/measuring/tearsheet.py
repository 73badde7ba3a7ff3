"""A tear sheet: all that is told of one portfolio over one period, beside a benchmark or not.

Returns are time-weighted, net of fees, of the days with capital; both sides of a comparison are
told over the days that both have. Money is told apart from returns: what came in and went out by
year, the money-weighted return, and what the same flows had come to in the benchmark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.analytics import (
    DatedReturns,
    FeeBasis,
    resampled,
    time_weighted,
)
from tidebook.analytics.outcomes import outcomes
from tidebook.engine.measuring.bridging import bridge
from tidebook.engine.measuring.comparing import compared, opening_day
from tidebook.engine.measuring.index_lines import blend_of, line_of
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    money_weighted_performance,
    performance,
    window_of,
)
from tidebook.engine.measuring.risk import RiskTerms, with_capital
from tidebook.engine.users import book_of
from tidebook.errors import EmptyPeriodError
from tidebook.model.periods import Breakdown, PeriodRequest, PeriodType, Span, cut, period_named

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.analytics import Figure
    from tidebook.analytics.outcomes import Outcomes
    from tidebook.engine.benchmarks import LevelsOf
    from tidebook.engine.measuring.bridging import Bridge
    from tidebook.engine.measuring.comparing import Comparison
    from tidebook.engine.measuring.performance import PeriodRate, PeriodReturn, Window
    from tidebook.engine.ports import Reader
    from tidebook.engine.users import UserBook
    from tidebook.engine.views import Freshness
    from tidebook.model.portfolios import Portfolio

TOLD_PERIODS: Final = ("MTD", "3M", "6M", "YTD", "1Y", "3Y", "5Y", "120M")
"""The periods whose returns are listed, besides the whole one."""


class Told(NamedTuple):
    """What a tear sheet is asked to tell; without an ``as_of``, up to the last valued day."""

    portfolio_id: str
    period: PeriodRequest = PeriodRequest(PeriodType.SI)
    benchmark: str | None = None
    """A benchmark or a blend, such as ``60% SPY + 40% AGG``."""
    terms: RiskTerms = RiskTerms(confidence=0.95)
    as_of: date | None = None
    known_at: datetime | None = None
    seed: int = 0
    """Of the histories that the intervals are drawn from; the same seed, the same sheet."""


class TearSheet(NamedTuple):
    """All that is told of one portfolio over one period, in its base currency."""

    portfolio: Portfolio
    freshness: Freshness
    span: Span
    terms: RiskTerms
    outcomes: Outcomes
    periods: tuple[PeriodLine, ...]
    """The listed periods that begin after the first day, then the whole one."""
    years: tuple[PeriodLine, ...]
    """Calendar years, the first and the last perhaps cut off."""
    bridge: Bridge
    comparison: Comparison | None
    """The same flows in the benchmark; None without one."""
    days_without_capital: int
    is_reset: bool
    """Whether everything was lost on a day, so that the chain of returns began anew."""

    @property
    def whole(self) -> PeriodLine:
        """The whole period."""
        return self.periods[-1]

    @property
    def coverage_min(self) -> Decimal | None:
        """The lowest part of a day's value that was priced."""
        return self.whole.twr.coverage_min


class PeriodLine(NamedTuple):
    """One period: its returns as fractions, and the benchmark's over the same days."""

    twr: PeriodReturn
    mwr: PeriodRate
    benchmark: Figure | None


def tear_sheet(reader: Reader, told: Told, levels_of: LevelsOf) -> TearSheet:
    """Return the tear sheet of a portfolio.

    Args:
        reader: The book.
        told: What is to be told.
        levels_of: Where the levels of a benchmark come from: its name, first and last day.

    Raises:
        UnknownPortfolioError: If there is no such portfolio.
        EmptyPeriodError: If it was never valued in the period.
        InvalidBenchmarkError: If the benchmark cannot be read.
        BenchmarkUnavailableError: If no level of it, or no rate into the currency, is known.
    """
    portfolio = reader.portfolio(told.portfolio_id, known_at=told.known_at)
    book = book_of(reader, told.portfolio_id, (portfolio,), known_at=told.known_at)
    as_of = told.as_of or book.last_on
    window = None if as_of is None else window_of(book.series, told.period, as_of)
    if as_of is None or window is None or window.span is None or not window.days:
        raise EmptyPeriodError(told.portfolio_id, told.period.type, book.series.inception)
    span = Span(window.days[0].on, window.days[-1].on)
    linked = time_weighted(book.series.values, window.span, FeeBasis.NET)
    at_work = with_capital(book.series, window.span, linked)
    daily = resampled(at_work, told.terms.frequency)
    comparison = _beside(book, window, told, levels_of)
    market = None if comparison is None else comparison.line.returns(span.end)
    whole = PeriodRequest(PeriodType.EXPLICIT, window.span.start, span.end)
    return TearSheet(
        portfolio,
        book.freshness[0],
        span,
        told.terms,
        outcomes(
            daily,
            _within(market, span, told.terms),
            told.terms.conventions(window.counted(window.span)),
            rng=np.random.default_rng(told.seed),
        ),
        _lines(book, _listed(as_of, span, told.period), span.end, market),
        _lines(book, _years(span), span.end, market),
        bridge(reader, told.portfolio_id, whole, span.end, told.known_at),
        comparison,
        len(linked.daily) - len(at_work),
        bool(linked.resets),
    )


def _beside(
    book: UserBook,
    window: Window,
    told: Told,
    levels_of: LevelsOf,
) -> Comparison | None:
    opening = opening_day(window)
    if told.benchmark is None or opening is None:
        return None
    blend = blend_of(told.benchmark)
    parts = [levels_of(part.symbol, opening, window.end, told.known_at) for part in blend.parts]
    return compared(book, window, line_of(blend, parts, book.rates, book.currency, opening))


def _within(market: DatedReturns | None, span: Span, terms: RiskTerms) -> DatedReturns | None:
    if market is None:
        return None
    inside = (market.dates >= np.datetime64(span.start)) & (market.dates <= np.datetime64(span.end))
    return resampled(DatedReturns(market.dates[inside], market.returns[inside]), terms.frequency)


def _listed(as_of: date, span: Span, whole: PeriodRequest) -> list[NamedPeriod]:
    """Return the usual periods that begin within the span, and then the whole one."""
    usual = [NamedPeriod(name, period_named(name)) for name in TOLD_PERIODS]
    named = "Whole period" if whole.type is not PeriodType.SI else "Since inception"
    explicit = PeriodRequest(PeriodType.EXPLICIT, span.start, as_of)
    return [*usual, NamedPeriod(named, explicit)]


def _years(span: Span) -> list[NamedPeriod]:
    return [
        NamedPeriod(str(part.start.year), PeriodRequest(PeriodType.EXPLICIT, part.start, part.end))
        for part in cut(span, Breakdown.YEARLY)
    ]


def _lines(
    book: UserBook, periods: list[NamedPeriod], end: date, market: DatedReturns | None
) -> tuple[PeriodLine, ...]:
    request = Request(end, tuple(periods))
    pairs = zip(
        performance(book.series, request),
        money_weighted_performance(book.series, request),
        strict=True,
    )
    first, last = book.series.inception, len(periods) - 1
    return tuple(
        PeriodLine(twr, mwr, _linked(market, twr))
        for index, (twr, mwr) in enumerate(pairs)
        if twr.start is not None and (twr.start != first or index == last or _is_year(twr))
    )


def _is_year(twr: PeriodReturn) -> bool:
    return twr.name.isdecimal()


def _linked(market: DatedReturns | None, twr: PeriodReturn) -> Figure | None:
    """Return what a benchmark earned over a period; None where it has no level before it."""
    if market is None or twr.start is None:
        return None
    inside = (market.dates >= np.datetime64(twr.start)) & (market.dates <= np.datetime64(twr.end))
    if not len(market) or not bool(inside.any()):
        return None
    return float(np.multiply.reduce(1.0 + market.returns[inside]) - 1.0)
