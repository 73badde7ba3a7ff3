"""Time-weighted returns of very many portfolios at once.

Between two days on which nothing flows the daily returns multiply to the quotient of the values
at their ends. So of each portfolio only the days with a flow are read, and the ends of the
periods. Where a value is zero or below, or a position has no price, that does not hold, and the
return is taken from every day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidebook.analytics import FeeBasis, Reason, Undefined, to_days
from tidebook.engine.measuring.measured import Scope, measured
from tidebook.engine.measuring.performance import annualised, performance, refuse_doubled_names
from tidebook.model.money import ONE
from tidebook.model.periods import NoSpan, counted, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from numpy.typing import NDArray

    from tidebook.analytics import Figure
    from tidebook.analytics.crossing import Floats
    from tidebook.engine.measuring.performance import NamedPeriod, Request
    from tidebook.engine.ports import Reader
    from tidebook.engine.series_port import SpanEnds, TurningDays
    from tidebook.model.periods import Span


class EachPeriod(NamedTuple):
    """The return of one portfolio over one period, as fractions."""

    name: str
    start: date | None
    end: date
    cumulative: Figure
    annualised: Figure
    coverage_min: Decimal | None
    """The lowest part of a day's value that was priced; None without any value."""


class EachReturn(NamedTuple):
    """The returns of one portfolio, in its base currency, and what they rest on."""

    portfolio_id: str
    currency: str
    generation: int
    status: str
    periods: tuple[EachPeriod, ...]


def returns_of_each(
    reader: Reader, portfolio_ids: Sequence[str], request: Request
) -> tuple[EachReturn, ...]:
    """Return the time-weighted returns of each portfolio, in the order they are named in.

    Raises:
        UnknownPortfolioError: If one of them is not in the book.
        InvalidPeriodError: If two periods have one name; one would hide the other.
    """
    refuse_doubled_names(request.periods)
    spans = [_widest(named, request.as_of) for named in request.periods]
    found = reader.turning_days(portfolio_ids, spans)
    columns = [
        _growth(found, ends, span, request.basis)
        for ends, span in zip(found.ends, spans, strict=True)
    ]
    rows: list[EachReturn] = []
    days = _Days(request)
    for place, portfolio in enumerate(found.portfolios):
        growths = [float(column[place]) for column in columns]
        if any(np.isnan(growths)):
            periods = _from_every_day(reader, portfolio.portfolio_id, request)
        else:
            periods = tuple(
                _told(named, span, growth, ends.last[place])
                for named, span, growth, ends in zip(
                    request.periods, days.of(portfolio.inception), growths, found.ends, strict=True
                )
            )
        rows.append(
            EachReturn(
                portfolio.portfolio_id,
                portfolio.base_currency,
                portfolio.generation,
                portfolio.status,
                periods,
            )
        )
    return tuple(rows)


def _widest(named: NamedPeriod, as_of: date) -> tuple[date, date]:
    """Return the days of a period for a portfolio that always was."""
    span = resolve(named.period, as_of=as_of, inception=as_of.min)
    assert not isinstance(span, NoSpan)  # noqa: S101 - nothing ends before the first day there is
    return span.start, span.end


def _growth(found: TurningDays, ends: SpanEnds, span: tuple[date, date], basis: FeeBasis) -> Floats:
    """Return the growth of each portfolio over a span; not a number where all days are needed."""
    first, last = to_days(span)
    inside = (found.days >= first) & (found.days <= last)
    place = found.owner[inside]
    bmv, bcf, ecf, emv, fees, unpriced = (column[inside] for column in found.amounts.T)
    capital, closing = bmv + bcf, emv - ecf - fees
    if basis is FeeBasis.GROSS:
        closing = closing + fees
    begins = _begins(place)
    before = np.concatenate([[np.nan], emv[:-1]])
    opens = found.days[inside] == ends.first_days[place]
    before = np.where(begins, np.where(opens, bmv, ends.opening[place]), before)
    growth = np.ones(len(found.portfolios))
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(opens, 1.0, bmv / before) * closing / capital
        np.multiply.at(growth, place, step)
        last_emv = ends.opening.copy()
        last_emv[place] = emv  # the last row of each portfolio stays
        growth *= ends.closing / last_emv
    needs_all = np.zeros(len(growth), np.bool_)
    odd = (unpriced != 0) | (emv <= 0) | (capital <= 0) | (closing <= 0) | (before <= 0) & ~opens
    needs_all[place[odd]] = True
    starts_funded = np.zeros(len(growth), np.bool_)
    starts_funded[place[opens]] = True
    needs_all |= (ends.opening <= 0) & ~starts_funded
    growth[needs_all & ends.is_held] = np.nan
    growth[~ends.is_held] = 1.0
    return growth


def _begins(place: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.concatenate([[True], place[1:] != place[:-1]])[: len(place)]


class _Days:
    """The days of the periods for a portfolio; most of very many began before them all."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[date | None, tuple[Span | NoSpan, ...]] = {}

    def of(self, inception: date | None) -> tuple[Span | NoSpan, ...]:
        """Return the days of each period for a portfolio that began on a day."""
        found = self._known.get(inception)
        if found is None:
            as_of = self._request.as_of
            began = inception or as_of.max
            found = tuple(
                resolve(named.period, as_of=as_of, inception=began)
                for named in self._request.periods
            )
            self._known[inception] = found
        return found


def _told(
    named: NamedPeriod, span: Span | NoSpan, growth: float, valued_on: date | None
) -> EachPeriod:
    nothing = Undefined(Reason.NO_DATA)
    if isinstance(span, NoSpan):
        return EachPeriod(named.name, None, span.end, nothing, nothing, None)
    if valued_on is None:
        return EachPeriod(named.name, span.start, span.end, nothing, nothing, None)
    total = growth - 1.0
    yearly = annualised(total, counted(span, valued_on))
    # Whatever had a position without a price was read day by day.
    return EachPeriod(named.name, span.start, span.end, total, yearly, ONE)


def _from_every_day(reader: Reader, portfolio_id: str, request: Request) -> tuple[EachPeriod, ...]:
    found = measured(reader, Scope((portfolio_id,)), request.periods)
    return tuple(
        EachPeriod(one.name, one.start, one.end, one.cumulative, one.annualised, one.coverage_min)
        for one in performance(found.series, request)
    )
