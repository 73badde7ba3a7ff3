"""Portfolios, what answers about them rest on, and their daily series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.adapters.postgres.rows import (
    INFINITY,
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
    cursor: Cursor[TupleRow],
    owner: tuple[str | None, str | None],
    as_of: date | None,
    known_at: datetime | None,
) -> tuple[Portfolio, ...]:
    """Return the portfolios of a client and a booking centre; with a day, those open on it."""
    wanted = {
        "cif_id": owner[0],
        "booking_center": owner[1],
        "as_of": as_of,
        "known_at": moment(known_at),
    }
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
        UnknownPortfolioError: When no fact had introduced the portfolio by then.
    """
    wanted = {"portfolio_id": portfolio_id, "known_at": moment(known_at)}
    row = cursor.execute(_SQL["portfolio"], wanted).fetchone()
    if row is None:
        raise UnknownPortfolioError(portfolio_id, known_at)
    return Subject(
        portfolio_from(row), _freshness(row[PORTFOLIO_COLUMNS:], as_of=as_of, known_at=known_at)
    )


def read_overview(
    cursor: Cursor[TupleRow],
    limit: int,
    as_of: date | None = None,
    known_at: datetime | None = None,
    *,
    skip: int = 0,
) -> tuple[OverviewRow, ...]:
    """Return the first portfolios by id, in one statement."""
    wanted = {
        "limit": limit,
        "skip": skip,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    rows = cursor.execute(_SQL["overview"], wanted)
    return tuple(
        OverviewRow(
            portfolio_from(row),
            _freshness(row[PORTFOLIO_COLUMNS:_DAY], as_of=as_of, known_at=known_at),
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


def read_findings(
    cursor: Cursor[TupleRow],
    portfolio_id: str | None,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> tuple[FindingView, ...]:
    """Return the findings that were open, waiting facts first, then by day."""
    if portfolio_id is not None:
        read_subject(cursor, portfolio_id, known_at=known_at)
    wanted = {
        "portfolio_id": portfolio_id,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    rows = cursor.execute(_SQL["findings"], wanted)
    return tuple(
        FindingView(finding_from(row), row[6], row[7], row[8], utc(row[9])) for row in rows
    )
