"""The statements of a migration, kept in a ``.sql`` file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic import op

if TYPE_CHECKING:
    import psycopg


def run_sql_file(migration: str) -> None:
    """Run the ``.sql`` file that lies beside a migration, as one script in its transaction.

    The script goes to the server as it is written: a percent sign or a colon means nothing
    special, and any number of statements may follow each other.

    Args:
        migration: The ``__file__`` of the migration.

    Raises:
        psycopg.Error: A statement failed; the whole upgrade is rolled back.
    """
    script = Path(migration).with_suffix(".sql").read_bytes()
    # Straight to the driver: only a statement without parameters may be a script of many.
    connection = cast("psycopg.Connection", op.get_bind().connection.driver_connection)
    connection.execute(script)
