"""The complete book: corporate actions, carried lots, cost methods that change, contracts.

Revision ID: 0003
"""

from __future__ import annotations

from tidebook.adapters.postgres.migrations.sql_file import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements beside this file."""
    run_sql_file(__file__)
