"""The restatement log: what was written anew, because of what, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.causes import causes_from
from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.rows import INFINITY, moment, utc
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.causes import Amounts, SeriesRestated
from tidebook.engine.views import RestatementsPage, RestatementView

if TYPE_CHECKING:
    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.engine.queries import RestatementQuery

_SQL: Final = statements("read_restatements")


def read_restatements(cursor: Cursor[TupleRow], query: RestatementQuery) -> RestatementsPage:
    """Return a page of a portfolio's restatements, latest first."""
    subject = read_subject(cursor, query.portfolio_id, as_of=query.as_of, known_at=query.known_at)
    wanted = {
        **query._asdict(),
        "since": query.since or f"-{INFINITY}",
        "as_of": query.as_of or INFINITY,
        "known_at": moment(query.known_at),
    }
    total = cursor.execute(_SQL["count"], wanted).fetchall()[0][0]
    views = tuple(map(_view, cursor.execute(_SQL["page"], wanted)))
    return RestatementsPage(*subject, total, query.skip, query.limit, views)


def _view(row: TupleRow) -> RestatementView:
    before = None if row[8] is None else Amounts(*row[8:11])
    after = None if row[11] is None else Amounts(*row[11:14])
    series = None if row[14] is None else SeriesRestated(row[2], *row[14:19])
    return RestatementView._make(
        (*row[:6], utc(row[6]), causes_from(row[7]), before, after, series)
    )
