"""${message}.

Revision ID: ${up_revision}
"""

from __future__ import annotations

from tidebook.adapters.postgres.migrations.sql_file import run_sql_file

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Run the statements beside this file."""
    run_sql_file(__file__)
