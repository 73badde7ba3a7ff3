"""Tidebook: a portfolio book of record with analytics and control."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from tidebook.client import Book

__all__ = ["__version__", "connect"]

__version__ = "0.1.0"


def connect(url_or_path: str | os.PathLike[str]) -> Book:
    """Return a book to read from: a server's address, a data directory, or a database URL.

    See :func:`tidebook.client.connect`, which says what is raised.

    Args:
        url_or_path: Such as ``http://127.0.0.1:8000``, a directory that ``tidebook serve --data``
            was given, or ``postgresql://...``.
    """
    from tidebook.client import connect as opened  # noqa: PLC0415 - a bare import stays quick

    return opened(url_or_path)
