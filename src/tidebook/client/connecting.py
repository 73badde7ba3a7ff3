"""``tidebook.connect``: a book at an address, in a data directory, or in a PostgreSQL."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tidebook.client.book import Book
from tidebook.client.doors import ProcessDoor, ServerDoor
from tidebook.client.remote import Remote
from tidebook.errors import NoBookError


def connect(url_or_path: str | os.PathLike[str]) -> Book:
    """Return a book to read from.

    Args:
        url_or_path: The address of a server (``http://127.0.0.1:8000``), a data directory, or a
            ``postgresql://`` URL. The last two open the store inside this process, where nothing
            is booked; other settings are taken from the environment.

    Returns:
        The book. Use it in a ``with`` block, or ``close`` it; at the latest it is left when
        Python ends.

    Raises:
        NoBookError: If the directory holds no book.
        StoreError: If the store cannot be opened.
        ServerUnreachableError: If it is an address of no web server.
    """
    named = os.fspath(url_or_path)
    if named.startswith(("http://", "https://")):
        return Book(ServerDoor(Remote(named)))
    from tidebook.config import Settings  # noqa: PLC0415 - a server needs none of this
    from tidebook.wiring import application, open_system  # noqa: PLC0415 - as above

    settings = Settings.from_environment(os.environ)
    if named.startswith(("postgresql://", "postgres://")):
        settings = replace(settings, database_url=named)
        shown = "the database"
    else:
        folder = Path(named).expanduser()
        if not (folder / "pg" / "PG_VERSION").is_file():
            raise NoBookError(str(folder))
        settings = replace(settings, data_dir=folder, database_url=None)
        shown = str(folder)
    system = open_system(settings, run=False)
    return Book(ProcessDoor(shown, application(system), lambda: system.__exit__(None, None, None)))
