"""One consistent snapshot per question, and what becomes of one that the database leaves open."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from psycopg import IsolationLevel, OperationalError

from tidebook.adapters.postgres.statements import statements
from tidebook.errors import ForgottenError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from psycopg import Connection, Cursor
    from psycopg.rows import TupleRow
    from psycopg_pool import ConnectionPool

Pool: TypeAlias = "ConnectionPool[Connection[TupleRow]]"


_SQL = statements("retention")


@contextmanager
def snapshot(pool: Pool, *, timeout_seconds: float | None = None) -> Generator[Cursor[TupleRow]]:
    """Give a cursor that sees one state of the whole database, and cannot change it.

    Args:
        pool: Where the connection is borrowed.
        timeout_seconds: How long to wait for one; None leaves it to the pool.

    Raises:
        StoreUnavailableError: When no connection is to be had, or it fails under the question.
    """
    with (
        _lent(pool, timeout_seconds) as connection,
        _reading_only(connection),
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        yield cursor


@contextmanager
def glance(pool: Pool) -> Generator[Cursor[TupleRow]]:
    """Give a cursor each of whose statements sees the database as it is then.

    A question of one statement needs no snapshot that outlives it, and so one exchange with the
    server instead of three.

    Raises:
        StoreUnavailableError: As with :func:`snapshot`.
    """
    with _lent(pool) as connection:
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            if not connection.closed:
                connection.autocommit = False


@contextmanager
def _lent(pool: Pool, timeout_seconds: float | None = None) -> Generator[Connection[TupleRow]]:
    try:
        with pool.connection(timeout=timeout_seconds) as connection:
            yield connection
    except OperationalError as error:
        raise StoreUnavailableError(
            "the database does not answer",
            hint="check that it is running and reachable, then ask again; nothing was changed",
        ) from error


@contextmanager
def believed(pool: Pool, known_at: datetime | None) -> Generator[Cursor[TupleRow]]:
    """Give such a cursor for what was known at an instant; None is now.

    Raises:
        ForgottenError: When what was known then is deleted.
        StoreUnavailableError: As with :func:`snapshot`.
    """
    with snapshot(pool) as cursor:
        if known_at is not None:
            row = cursor.execute(_SQL["horizon"]).fetchone()
            if row is not None and known_at < row[0]:
                raise ForgottenError(known_at, known_from=row[0])
        yield cursor


@contextmanager
def _reading_only(connection: Connection[TupleRow]) -> Generator[None]:
    """Let the next transaction be repeatable-read and read-only, then lend the connection anew."""
    before = connection.isolation_level, connection.read_only
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.isolation_level, connection.read_only = before
