"""Transactions, what each did to the book, and what is to be said about it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.reader_references import read_actions
from tidebook.adapters.postgres.rows import (
    TRANSACTION_COLUMNS,
    booked_entry_from,
    finding_from,
    moment,
    span,
    transaction_from,
    utc,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.views import EntriesView, TransactionsPage, TransactionView
from tidebook.errors import InputError
from tidebook.model.actions import ActionType
from tidebook.model.facts import TransactionType
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.engine.queries import TransactionQuery
    from tidebook.engine.views import EntryView
    from tidebook.model.actions import CorporateAction
    from tidebook.model.findings import Finding

_ENDINGS: Final = frozenset({ActionType.MERGER, ActionType.IDENTIFIER_CHANGE})
_SQL: Final = statements("read_transactions")
_ARRIVAL: Final = TRANSACTION_COLUMNS + 5
"""Where the statements say to which portfolio something was carried."""
_KEYS: Final = (TRANSACTION_COLUMNS + 3, TRANSACTION_COLUMNS + 4, TRANSACTION_COLUMNS + 6)
"""Where they say on which securities a transaction is booked: main, cash, arrival."""
_INSTANT: Final = "coalesce(t.traded_at, t.business_date::timestamp AT TIME ZONE 'UTC') {0}"
_SORTS: Final[Mapping[str, str]] = {
    "transaction_date": "t.business_date {0}, " + _INSTANT,
    "quantity": "t.quantity {0}",
    "price": "t.price {0}",
    "gross_transaction_amount": "t.gross {0}",
}


def _page_statement(columns: str, direction: str) -> bytes:
    order = f'{columns}, t.transaction_id COLLATE "C" {{0}}'.format(direction)
    return _SQL["page"].replace(b":order", order.encode())


def _believed(statement: bytes) -> bytes:
    """Return a statement that looks at the bookings of an instant, not at those of now."""
    return statement.replace(b"transactions AS t", _SQL["believed"] + b" AS t")


_PAGES: Final = {
    (name, descending): _page_statement(columns, "DESC" if descending else "ASC")
    for name, columns in _SORTS.items()
    for descending in (True, False)
}


def read_transactions(cursor: Cursor[TupleRow], query: TransactionQuery) -> TransactionsPage:
    """Return a page of a portfolio's transactions.

    A security matches where it was reported, where it was booked and where it was carried to: those
    of a cash account are found by either name. Equal places in the order are settled by
    transaction id.

    Raises:
        InputError: When the page is to be sorted by anything that is not a sort of the query.
    """
    statement = _PAGES.get((query.sort_by, query.descending))
    if statement is None:
        raise InputError(
            f"transactions cannot be sorted by {query.sort_by!r}",
            hint=f"sort by one of {', '.join(_SORTS)}",
        )
    subject = read_subject(cursor, query.portfolio_id, as_of=query.end, known_at=query.known_at)
    wanted = {
        "portfolio_id": query.portfolio_id,
        "security_id": query.security_id,
        "known_at": moment(query.known_at),
        "skip": query.skip,
        "limit": query.limit,
        **span(query.start, query.end),
    }
    counting = _SQL["count"]
    if query.known_at is not None:
        counting, statement = _believed(counting), _believed(statement)
    count = cursor.execute(counting, wanted).fetchall()[0][0]
    rows = cursor.execute(statement, wanted).fetchall()
    views = _views(cursor, [query.portfolio_id], rows, query.known_at)
    return TransactionsPage(*subject, count, query.skip, query.limit, views)


def read_transaction(
    cursor: Cursor[TupleRow], transaction_id: str, known_at: datetime | None
) -> TransactionView | None:
    """Return one transaction, or None when no such fact is known."""
    wanted = {"transaction_id": transaction_id, "known_at": moment(known_at)}
    statement = _SQL["transaction"]
    if known_at is not None:
        statement = _believed(statement)
    rows = cursor.execute(statement, wanted).fetchall()
    if not rows:
        return None
    arrival: str | None = rows[0][_ARRIVAL]
    portfolio_ids = {rows[0][1]} if arrival is None else {rows[0][1], arrival}
    return _views(cursor, sorted(portfolio_ids), rows, known_at)[0]


def is_known(cursor: Cursor[TupleRow], transaction_id: str) -> bool:
    """Tell whether there is a transaction with this id now."""
    wanted = {"transaction_id": transaction_id}
    return cursor.execute(_SQL["is_known"], wanted).fetchone() is not None


def read_entries(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    market: MarketCache,
    portfolio_id: str,
    *,
    security_id: str | None = None,
    start: date | None = None,
    as_of: date | None = None,
    known_at: datetime | None = None,
    realised: bool = False,
) -> EntriesView:
    """Return all entries of a portfolio, or of one of its keys, each key's in their order."""
    subject = read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    wanted = {
        "portfolio_id": portfolio_id,
        "security_id": security_id,
        "known_at": moment(known_at),
        "realised": realised,
        **span(start, as_of),
    }
    rows = cursor.execute(_SQL["portfolio_entries"], wanted)
    entries = tuple(map(booked_entry_from, rows))
    named = [one.entry.security_id for one in entries]
    known = market.instruments_known(cursor, named, known_at)
    actions: tuple[CorporateAction, ...] = ()
    if any(one.type in _ENDINGS for one in entries):
        actions = tuple(
            view.action
            for view in read_actions(cursor, None, known_at)
            if view.action.type in _ENDINGS
        )
    return EntriesView(*subject, entries, tuple(known.values()), actions)


def _views(
    cursor: Cursor[TupleRow],
    portfolio_ids: Sequence[str],
    rows: Sequence[TupleRow],
    known_at: datetime | None,
) -> tuple[TransactionView, ...]:
    """Return transactions with their entries in portfolios and findings, in two statements."""
    if not rows:
        return ()
    wanted = {
        "portfolio_ids": portfolio_ids,
        "transaction_ids": [row[0] for row in rows],
        "security_ids": list({row[place] for row in rows for place in _KEYS} - {None}),
        "known_at": moment(known_at),
    }
    entries: defaultdict[str, list[EntryView]] = defaultdict(list)
    for row in cursor.execute(_SQL["entries"], wanted):
        entries[row[0]].append(booked_entry_from(row).entry)
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    # What was carried here waits, if it does, where it was sent.
    owners = {"portfolio_ids": sorted({*portfolio_ids, *(row[1] for row in rows)})}
    for row in cursor.execute(_SQL["findings"], {**wanted, **owners}):
        findings[row[2]].append(finding_from(row))
    return tuple(_view(row, entries[row[0]], findings[row[0]]) for row in rows)


def _view(
    row: TupleRow, entries: Sequence[EntryView], findings: Sequence[Finding]
) -> TransactionView:
    transaction = transaction_from(row)
    status = "BOOKED"
    if transaction.type is TransactionType.CANCELLED:
        status = "CANCELLED"
    elif any(finding.severity is Severity.WAITING for finding in findings):
        status = "WAITING"
    version, on, recorded_at = row[TRANSACTION_COLUMNS : TRANSACTION_COLUMNS + 3]
    return TransactionView(
        transaction,
        version,
        on,
        utc(recorded_at),
        status,
        tuple(entries),
        tuple(findings),
    )
