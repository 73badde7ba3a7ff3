"""What the series stage and the store say to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.series import DatedFlow, HeldSteps, PortfolioDay
    from tidebook.engine.causes import SeriesRestated
    from tidebook.model.portfolios import Portfolio


class SeriesJob(NamedTuple):
    """A portfolio whose daily series must be brought up to date, and from when."""

    portfolio: Portfolio
    generation: int
    valuation_version: int
    from_date: date


class SeriesSpan(NamedTuple):
    """What the first and the last day of a portfolio's series follow from."""

    active_days: tuple[date, ...]
    """Every day with an entry, oldest first."""
    last_price_day: date | None
    """The day of the last price of anything held in the end; None when not asked for."""
    stored_before: date | None
    """The last stored day before the one that the job begins with."""
    closing_before: Decimal
    """Its closing value."""


class SeriesInput(NamedTuple):
    """What the series of one portfolio is computed from, from one day on."""

    holdings: tuple[HeldSteps, ...]
    flows: tuple[DatedFlow, ...]
    opening: Decimal
    stored: Mapping[date, PortfolioDay]


class SeriesAsked(NamedTuple):
    """A job, what its span follows from, and the day from which its series is computed."""

    job: SeriesJob
    span: SeriesSpan
    start: date


class Span(NamedTuple):
    """Every day that is stored from one day through another."""

    first: date
    last: date


class SeriesWrite(NamedTuple):
    """What a job came to: the rows to write, and the spans of days whose stored rows end.

    ``restated`` says by how much days that had been valued moved, where any did.
    """

    job: SeriesJob
    write: Sequence[PortfolioDay]
    close: Sequence[Span]
    restated: SeriesRestated | None = None
