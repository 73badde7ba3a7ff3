"""The real doors: the composition root, the schema and the browser, imported when first used."""

from __future__ import annotations

import os
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidebook.cli.doors import Doors, System

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from tidebook.config import Settings


def local_doors() -> Doors:
    """Return the doors of this process and this machine."""
    return Doors(_open_system, _serve, _Schema(), os.environ, webbrowser.open)


def _open_system(settings: Settings, *, run: bool) -> AbstractContextManager[System]:
    from tidebook.wiring import open_system

    return open_system(settings, run=run)


def _serve(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
    from tidebook.wiring import serve

    serve(settings, on_ready=on_ready)


class _Schema:
    """The schema of the database that the settings name."""

    def upgrade(self, settings: Settings) -> str:
        from tidebook.adapters.postgres import schema

        with _database(settings) as conninfo:
            schema.upgrade(conninfo)
        return schema.head()

    def current(self, settings: Settings) -> tuple[str | None, str]:
        from tidebook.adapters.postgres import schema

        with _database(settings) as conninfo:
            return schema.current(conninfo), schema.head()


@contextmanager
def _database(settings: Settings) -> Generator[str]:
    """Hold the database open and say how to connect to it."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    from tidebook.adapters.postgres import EmbeddedCluster

    with EmbeddedCluster.start(settings.data_dir, pg_bin=settings.pg_bin) as cluster:
        yield cluster.conninfo
