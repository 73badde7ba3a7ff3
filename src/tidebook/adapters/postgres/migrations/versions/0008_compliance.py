"""Compliance: policies of accounts, verdicts on trades, acknowledgements.

Revision ID: 0008
"""

from __future__ import annotations

from tidebook.adapters.postgres.migrations.sql_file import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements beside this file."""
    run_sql_file(__file__)
