"""The store that the contracts of the read side are held against."""

from __future__ import annotations

from tests.fixtures.reader_pg import book_pool, book_store, book_url

__all__ = ["book_pool", "book_store", "book_url"]
