"""The store that some stories are told on."""

from __future__ import annotations

from tests.fixtures.postgres import cluster, database_url, migrated_template, new_database

__all__ = ["cluster", "database_url", "migrated_template", "new_database"]
