"""Portfolios, what answers about them rest on, and their daily series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.adapters.postgres.rows import (
    PORTFOLIO_COLUMNS,
    finding_from,
    moment,
    portfolio_from,
    span,
    utc,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.book.series import PortfolioDay
from tidebook.engine.views import (
    FindingView,
    Freshness,
    OverviewRow,
    RestatementView,
    SeriesView,
)
from tidebook.errors import UnknownPortfolioError
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.model.portfolios import Portfolio

_SQL: Final = statements("read_portfolios")
_DAY: Final = PORTFOLIO_COLUMNS + 5
"""Where the last day begins, behind the portfolio and its freshness."""


class Subject(NamedTuple):
    """The portfolio a question is about, and what its answer rests on."""

    portfolio: Portfolio
    freshness: Freshness


def read_ready(cursor: Cursor[TupleRow]) -> None:
    """Return when the store answers."""
    cursor.execute(_SQL["ready"])


def read_portfolios(
    cursor: Cursor[TupleRow], cif_id: str | None, booking_center: str | None
) -> tuple[Portfolio, ...]:
    """Return the portfolios that match, by id."""
    wanted = {"cif_id": cif_id, "booking_center": booking_center}
    return tuple(map(portfolio_from, cursor.execute(_SQL["portfolios"], wanted)))


def read_subject(
    cursor: Cursor[TupleRow],
    portfolio_id: str,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Subject:
    """Return a portfolio and the freshness of an answer about it.

    Without ``as_of`` the answer is for the latest day known to the portfolio: the last of its
    daily series, else the last business date, else that of its last entry. Generations, valuation
    version and status are those of now, also where ``known_at`` is in the past.

    Raises:
        UnknownPortfolioError: When no fact has introduced the portfolio.
    """
    wanted = {"portfolio_id": portfolio_id, "known_at": moment(known_at)}
    row = cursor.execute(_SQL["portfolio"], wanted).fetchone()
    if row is None:
        raise UnknownPortfolioError(portfolio_id)
    return Subject(
        portfolio_from(row), _freshness(row[PORTFOLIO_COLUMNS:], as_of=as_of, known_at=known_at)
    )


def read_overview(cursor: Cursor[TupleRow], limit: int, skip: int = 0) -> tuple[OverviewRow, ...]:
    """Return the first portfolios by id as they are now, in one statement."""
    rows = cursor.execute(_SQL["overview"], {"limit": limit, "skip": skip})
    return tuple(
        OverviewRow(
            portfolio_from(row),
            _freshness(row[PORTFOLIO_COLUMNS:_DAY]),
            None if row[_DAY] is None else PortfolioDay._make(row[_DAY:]),
        )
        for row in rows
    )


def _freshness(
    columns: TupleRow, *, as_of: date | None = None, known_at: datetime | None = None
) -> Freshness:
    generation, series_generation, valuation_version, reprocessing, latest = columns
    status = "REPROCESSING" if reprocessing else "CURRENT"
    return Freshness(
        as_of or latest,
        known_at,
        generation,
        series_generation,
        valuation_version,
        status if generation else "EMPTY",
    )


def read_series(
    cursor: Cursor[TupleRow],
    portfolio_id: str,
    start: date | None,
    end: date | None,
    known_at: datetime | None,
) -> SeriesView:
    """Return the daily series of a portfolio between two days, both included."""
    subject = read_subject(cursor, portfolio_id, as_of=end, known_at=known_at)
    wanted = {"portfolio_id": portfolio_id, "known_at": moment(known_at)}
    days = cursor.execute(_SQL["days"], wanted | span(start, end)).fetchall()
    inception = days[0][0] if days else None
    if start is not None:
        inception = cursor.execute(_SQL["inception"], wanted).fetchall()[0][0]
    return SeriesView(
        *subject,
        inception,
        tuple(
            PortfolioDay(
                on, opening, bod or ZERO, eod or ZERO, closing, fees or ZERO, unpriced or ZERO
            )
            for on, opening, bod, eod, closing, fees, unpriced in days
        ),
    )


def read_findings(cursor: Cursor[TupleRow], portfolio_id: str | None) -> tuple[FindingView, ...]:
    """Return open findings, waiting facts first, then by day."""
    if portfolio_id is not None:
        read_subject(cursor, portfolio_id)
    rows = cursor.execute(_SQL["findings"], {"portfolio_id": portfolio_id})
    return tuple(
        FindingView(finding_from(row), row[6], row[7], row[8], utc(row[9])) for row in rows
    )


def read_restatements(cursor: Cursor[TupleRow], portfolio_id: str) -> tuple[RestatementView, ...]:
    """Return a portfolio's restatements, latest first."""
    read_subject(cursor, portfolio_id)
    rows = cursor.execute(_SQL["restatements"], {"portfolio_id": portfolio_id})
    return tuple(RestatementView._make((*row[:6], utc(row[6]))) for row in rows)
