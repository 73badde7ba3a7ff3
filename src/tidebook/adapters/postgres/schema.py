"""The version of the database's schema: what it is, what it should be, and how it gets there.

A database that is up to date is recognised with one query; Alembic, which is slow to load, is
imported only when there is something to upgrade.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.errors import SchemaBehindError, SchemaNewerError, StoreUnavailableError

if TYPE_CHECKING:
    from tidebook.adapters.postgres.snapshots import Pool

_MIGRATIONS = "tidebook.adapters.postgres.migrations"
_FILE_NAME = re.compile(r"(\d{4})_\w+\.py")


class SchemaCheck(NamedTuple):
    """The version of a database beside the version this release works with.

    Attributes:
        current: The version of the database, or None if it has no schema yet.
        head: The version this release works with.
    """

    current: str | None
    head: str

    @property
    def behind(self) -> bool:
        """Whether an upgrade is needed before the database can be used."""
        return self.current != self.head


def head() -> str:
    """Return the schema version this release works with, such as ``0001``."""
    return _revisions()[-1]


def current(conninfo: str) -> str | None:
    """Return the schema version of a database, or None if it has no schema yet.

    Raises:
        StoreUnavailableError: No connection could be made.
    """
    with _connect(conninfo) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return None if row is None else str(row[0])


def check(conninfo: str) -> SchemaCheck:
    """Return whether a database is behind this release, without changing it.

    Raises:
        SchemaNewerError: The database is at a version this release does not know, which a later
            release must have made. To work on it could spoil what that release relies on.
        StoreUnavailableError: No connection could be made.
    """
    found = current(conninfo)
    if found is not None and found not in _revisions():
        raise SchemaNewerError(found, head=head())
    return SchemaCheck(found, head())


def ready(pool: Pool, *, timeout_seconds: float = 2.0) -> None:
    """Return when the database of a running process is at the schema that the process knows.

    Raises:
        SchemaBehindError: It is at an earlier one: an older copy was put in its place.
        SchemaNewerError: A later release has migrated it, as happens while releases change.
        StoreUnavailableError: It does not answer.
    """
    try:
        with snapshot(pool, timeout_seconds=timeout_seconds) as cursor:
            row = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    found = None if row is None else str(row[0])
    if found is not None and found not in _revisions():
        raise SchemaNewerError(found, head=head())
    if found != head():
        raise SchemaBehindError(found, head=head())


def upgrade(conninfo: str) -> SchemaCheck:
    """Bring a database to this release's schema, and return what it was at before.

    All missing steps happen in one transaction or not at all. Any number of processes may call
    this at once: one does the work, the others wait for it.

    Args:
        conninfo: A URL or key-value string, as psycopg takes it.

    Raises:
        SchemaNewerError: A later release has migrated the database.
        StoreUnavailableError: No connection could be made.
    """
    before = check(conninfo)
    if before.behind:
        _run_alembic(conninfo)
    return before


@cache
def _revisions() -> tuple[str, ...]:
    """Return all versions this release knows, oldest first: the numbers of the files."""
    names = (entry.name for entry in files(_MIGRATIONS).joinpath("versions").iterdir())
    return tuple(sorted(found[1] for name in names if (found := _FILE_NAME.fullmatch(name))))


def _run_alembic(conninfo: str) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, seldom needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"conninfo": conninfo})
    # The option is a template in which a percent sign begins a name.
    config.set_main_option("script_location", str(files(_MIGRATIONS)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError:
        # A later release may have upgraded the database while this one waited for the lock.
        check(conninfo)
        raise


def _connect(conninfo: str) -> psycopg.Connection:
    try:
        return psycopg.connect(conninfo)
    except psycopg.OperationalError as refused:
        message = f"the database could not be reached: {refused}"
        raise StoreUnavailableError(
            message, hint="check that the server runs and that the database URL is right"
        ) from refused
