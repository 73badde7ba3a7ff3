"""The pool of connections that one process shares."""

from __future__ import annotations

from typing import Any

from psycopg_pool import ConnectionPool

_CONNECTIONS_MAX = 24
_TIMEOUT_SECONDS = 10.0


def open_pool(conninfo: str) -> ConnectionPool[Any]:
    """Return an open pool; whoever waits ten seconds for a connection is told that none came."""
    pool: ConnectionPool[Any] = ConnectionPool(
        conninfo, min_size=2, max_size=_CONNECTIONS_MAX, timeout=_TIMEOUT_SECONDS, open=False
    )
    pool.open()
    return pool
