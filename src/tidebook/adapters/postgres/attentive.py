"""Connections on which each side notices that the other is gone without a word.

A machine that loses its power or its network says no goodbye. The server would then keep what the
session holds, locks and the lead among them, for as long as the operating system waits, which is
two hours by default; and a client would wait as long for an answer. Both ask for a sign of life
after ten quiet seconds, and give up after twenty-five.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from psycopg import Connection

_IDLE_SECONDS: Final = 10
_INTERVAL_SECONDS: Final = 5
_COUNT: Final = 3
_GONE_SECONDS: Final = _IDLE_SECONDS + _COUNT * _INTERVAL_SECONDS
_OURS: Final = {
    "connect_timeout": _GONE_SECONDS,
    "keepalives_idle": _IDLE_SECONDS,
    "keepalives_interval": _INTERVAL_SECONDS,
    "keepalives_count": _COUNT,
    "tcp_user_timeout": _GONE_SECONDS * 1000,
}
# On a Unix socket the server takes these and does nothing with them.
_THEIRS: Final = (
    f"SET SESSION tcp_keepalives_idle = {_IDLE_SECONDS}",
    f"SET SESSION tcp_keepalives_interval = {_INTERVAL_SECONDS}",
    f"SET SESSION tcp_keepalives_count = {_COUNT}",
    f"SET SESSION tcp_user_timeout = {_GONE_SECONDS * 1000}",
)


def attentive(conninfo: str) -> str:
    """Return where to connect, with signs of life asked for; what is said there already stands."""
    said = conninfo_to_dict(conninfo)
    return make_conninfo(conninfo, **{name: _OURS[name] for name in _OURS.keys() - said.keys()})


def watch(connection: Connection[Any]) -> None:
    """Have the server ask for signs of life on a new connection."""
    connection.execute("; ".join(_THEIRS).encode())
    if not connection.autocommit:
        connection.commit()
