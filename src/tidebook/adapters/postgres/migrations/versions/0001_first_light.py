"""First light.

Revision ID: 0001
"""

from __future__ import annotations

from tidebook.adapters.postgres.migrations.sql_file import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements beside this file."""
    run_sql_file(__file__)
