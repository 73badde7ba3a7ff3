"""The store that the contracts are held against."""

from __future__ import annotations

from tests.fixtures.postgres import cluster, database_url, migrated_template, new_database
from tests.fixtures.reader_pg import emptied_store, shared_url, small_pool

__all__ = [
    "cluster",
    "database_url",
    "emptied_store",
    "migrated_template",
    "new_database",
    "shared_url",
    "small_pool",
]
