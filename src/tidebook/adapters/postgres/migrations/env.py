"""What Alembic runs: all steps that are missing, in one transaction, one process at a time."""

from __future__ import annotations

from typing import cast

import psycopg
from alembic import context
from sqlalchemy import NullPool, create_engine, text

# Any number that nothing else in the database locks: the bytes of "tidebook".
_UPGRADE_LOCK = int.from_bytes(b"tidebook", "big")


def _upgrade(conninfo: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            # Alembic reads the version after this line, so a process that had to wait for
            # another one's upgrade finds nothing left to do.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
            context.run_migrations()


_upgrade(cast("str", context.config.attributes["conninfo"]))
