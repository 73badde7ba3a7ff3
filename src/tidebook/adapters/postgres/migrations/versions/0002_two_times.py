"""Two times: past versions of what had none, and a log of what was restated and why.

Revision ID: 0002
"""

from __future__ import annotations

from tidebook.adapters.postgres.migrations.sql_file import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements beside this file."""
    run_sql_file(__file__)
