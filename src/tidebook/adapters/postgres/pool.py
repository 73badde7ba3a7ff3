"""The pool of connections that one process shares."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from psycopg_pool import ConnectionPool

from tidebook.adapters.postgres.attentive import attentive, watch
from tidebook.adapters.postgres.lists import write_lists_plainly

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg import Connection

    from tidebook.engine.telemetry import Telemetry

_CONNECTIONS_MAX = 24
_TIMEOUT_SECONDS = 10.0


class ToldPool(ConnectionPool[Any]):
    """A pool that tells of every use of a connection: the wait for it, and how long it was held.

    Nobody is told before somebody is named in ``telemetry``.
    """

    telemetry: Telemetry | None = None

    @contextmanager
    def connection(self, timeout: float | None = None) -> Generator[Connection[Any]]:
        """Lend a connection for a transaction."""
        asked = perf_counter()
        got: float | None = None
        try:
            with super().connection(timeout) as connection:
                got = perf_counter()
                yield connection
        finally:
            if self.telemetry is not None and got is not None:
                self.telemetry.transaction(
                    waited_seconds=got - asked, held_seconds=perf_counter() - got
                )


def _configure(connection: Connection[Any]) -> None:
    watch(connection)
    write_lists_plainly(connection)


def open_pool(conninfo: str) -> ToldPool:
    """Return an open pool; whoever waits ten seconds for a connection is told that none came."""
    pool = ToldPool(
        attentive(conninfo),
        min_size=2,
        max_size=_CONNECTIONS_MAX,
        timeout=_TIMEOUT_SECONDS,
        open=False,
        configure=_configure,
    )
    pool.open()
    return pool
