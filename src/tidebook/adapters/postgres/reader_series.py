"""Daily series from one snapshot each, and those of now kept in the process until they change."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.adapters.postgres.market_cache import SUBJECTS, price_of
from tidebook.adapters.postgres.reader_portfolios import read_series, read_subject
from tidebook.adapters.postgres.rows import moment
from tidebook.adapters.postgres.snapshots import believed, snapshot
from tidebook.adapters.postgres.statements import statements
from tidebook.analytics import to_days
from tidebook.engine.measuring.performance import series_of
from tidebook.engine.series_port import TurningDays, Valued
from tidebook.engine.turning import COLUMNS, ends_of
from tidebook.errors import UnknownPortfolioError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.reader_portfolios import Subject
    from tidebook.adapters.postgres.snapshots import Pool
    from tidebook.engine.series_port import SpanEnds
    from tidebook.engine.views import SeriesView

DAYS_KEPT_MAX: Final = 50_000
"""Days kept at most, over all portfolios: some 20 MB."""
_CURRENT: Final = "CURRENT"
_NAMED_MAX: Final = 1_000
"""Up to so many portfolios the database is told which turning days are wanted."""
_SQL: Final = statements("read_series")


class _Kept(NamedTuple):
    subject: Subject
    view: SeriesView


_NOTHING: Final = (None, 0.0, 0.0, None)


def _valued(row: TupleRow, inception: date | None) -> Valued:
    portfolio_id, currency, generation, status = row
    return Valued(portfolio_id, currency, generation, status, inception)


def _perhaps_begun_inside(
    portfolio_ids: Sequence[str], ends: Sequence[Sequence[TupleRow]]
) -> list[str]:
    """Return the portfolios that may have begun inside a span: what had a value before did not."""
    worth = {row[0] for rows in ends for row in rows if not row[2]}
    seen = [{row[0] for row in rows} for rows in ends]
    return [one for one in portfolio_ids if one in worth or any(one not in rows for rows in seen)]


def _span_ends(rows: Sequence[TupleRow], portfolio_ids: Sequence[str]) -> SpanEnds:
    found = {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}
    return ends_of([found.get(one, _NOTHING) for one in portfolio_ids])


class SeriesReading:
    """The part of the reader that gives daily series.

    A whole series of now is kept with the state of the book that it is right in. A look at that
    state, in the caller's own snapshot, tells whether it still is.
    """

    def __init__(self, pool: Pool, *, days_max: int = DAYS_KEPT_MAX) -> None:
        """Start with nothing kept."""
        self._series_pool = pool
        self._days_max = days_max
        self._days_kept = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def series(
        self,
        portfolio_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> SeriesView:
        """Return the daily series of a portfolio."""
        with believed(self._series_pool, known_at) as cursor:
            if start is None and end is None and known_at is None:
                return self._whole(cursor, portfolio_id)
            return read_series(cursor, portfolio_id, start, end, known_at)

    def series_of(
        self, portfolio_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> tuple[SeriesView, ...]:
        """Return the whole daily series of several portfolios."""
        with believed(self._series_pool, known_at) as cursor:
            if known_at is None:
                return tuple(self._whole(cursor, one) for one in portfolio_ids)
            return tuple(read_series(cursor, one, None, None, known_at) for one in portfolio_ids)

    def turning_days(
        self, portfolio_ids: Sequence[str], spans: Sequence[tuple[date, date]]
    ) -> TurningDays:
        """Return where many portfolios stand at the ends of spans, and what happened between.

        The book is read as it is now. What becomes a float here goes into a quotient of two
        values, as it would after its way through exact amounts.
        """
        ids = {"ids": list(portfolio_ids)}
        chosen = ids["ids"] if len(portfolio_ids) <= _NAMED_MAX else None
        whole = {"start": min(one[0] for one in spans), "end": max(one[1] for one in spans)}
        with snapshot(self._series_pool) as cursor:
            subjects = {row[0]: row for row in cursor.execute(_SQL["subjects"], ids).fetchall()}
            for one in portfolio_ids:
                if one not in subjects:
                    raise UnknownPortfolioError(one)
            moved = cursor.execute(_SQL["turning_days"], {"chosen": chosen, **whole}).fetchall()
            ends = [
                cursor.execute(_SQL["span_ends"], {**ids, "start": start, "end": end}).fetchall()
                for start, end in spans
            ]
            fresh = {"ids": _perhaps_begun_inside(portfolio_ids, ends)}
            inceptions = dict(cursor.execute(_SQL["inceptions"], fresh).fetchall())
        place = {one: index for index, one in enumerate(portfolio_ids)}
        moved = sorted(
            (row for row in moved if row[0] in place), key=lambda row: (place[row[0]], row[1])
        )
        began = date.min
        return TurningDays(
            tuple(_valued(subjects[one], inceptions.get(one, began)) for one in place),
            np.array([place[row[0]] for row in moved], np.int64),
            to_days([row[1] for row in moved]),
            np.array([row[2:] for row in moved], np.float64).reshape(-1, COLUMNS),
            tuple(_span_ends(rows, portfolio_ids) for rows in ends),
        )

    def state(self, portfolio_id: str, *, prices_of: Sequence[str] = ()) -> str | None:
        """Return a text that changes whenever an answer about a portfolio may."""
        with snapshot(self._series_pool) as cursor:
            subject = read_subject(cursor, portfolio_id)
            if subject.freshness.status != _CURRENT:
                return None
            wanted = {
                "portfolio_id": portfolio_id,
                "known_at": moment(None),
                "subjects": [*SUBJECTS, *map(price_of, prices_of)],
            }
            versions = cursor.execute(_SQL["versions"], wanted).fetchone() or ()
        rests_on = subject.freshness
        parts = (rests_on.generation, rests_on.series_generation, rests_on.valuation_version)
        return ".".join(map(str, (*parts, *versions)))

    def _whole(self, cursor: Cursor[TupleRow], portfolio_id: str) -> SeriesView:
        subject = read_subject(cursor, portfolio_id)
        with self._lock:
            kept = self._kept.get(portfolio_id)
            if kept is not None and kept.subject == subject:
                self._kept.move_to_end(portfolio_id)
                return kept.view
        view = read_series(cursor, portfolio_id, None, None, None)
        if subject.freshness.status == _CURRENT:
            view = view._replace(prepared=series_of(view))
            self._keep(portfolio_id, _Kept(subject, view))
        return view

    def _keep(self, portfolio_id: str, kept: _Kept) -> None:
        with self._lock:
            before = self._kept.pop(portfolio_id, None)
            self._days_kept += len(kept.view.days) - (len(before.view.days) if before else 0)
            self._kept[portfolio_id] = kept
            while self._days_kept > self._days_max and len(self._kept) > 1:
                _, left = self._kept.popitem(last=False)
                self._days_kept -= len(left.view.days)
