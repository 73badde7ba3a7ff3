"""The pool of connections that one process shares."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import ref

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

    Nobody is told before somebody is named in ``telemetry``. It also knows which sessions of the
    server are its own.
    """

    telemetry: Telemetry | None = None

    def __init__(self, conninfo: str) -> None:
        """Keep where to connect; nobody is connected before :meth:`open`.

        Whoever waits ten seconds for a connection is told that none came.
        """
        self._sessions: dict[int, ref[Connection[Any]]] = {}
        super().__init__(
            attentive(conninfo),
            min_size=2,
            max_size=_CONNECTIONS_MAX,
            timeout=_TIMEOUT_SECONDS,
            open=False,
            configure=self._configure,
        )

    def _configure(self, connection: Connection[Any]) -> None:
        watch(connection)
        write_lists_plainly(connection)
        self._sessions[connection.info.backend_pid] = ref(connection)

    def has_session(self, backend_pid: int) -> bool:
        """Tell whether a session of the server, by its process id there, is of this pool."""
        known = self._sessions.get(backend_pid)
        connection = known() if known is not None else None
        # The server gives the id to others once the session has ended.
        return connection is not None and not connection.closed

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


def open_pool(conninfo: str) -> ToldPool:
    """Return an open pool."""
    pool = ToldPool(conninfo)
    pool.open()
    return pool
