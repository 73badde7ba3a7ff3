"""Connections on which each side notices that the other is gone without a word.

A machine that loses its power or its network says no goodbye. The server would then keep what the
session holds, locks and the lead among them, for as long as the operating system waits, which is
two hours by default; and a client would wait as long for an answer. Both ask for a sign of life
after ten quiet seconds, and give up after twenty-five.

Every connection names the process that it belongs to, so that all of them are found when that
process is frozen (see :mod:`tidebook.adapters.postgres.lead`).
"""

from __future__ import annotations

import os
from functools import cache
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


PROCESS_DIGITS: Final = 12
"""With how many digits the name of a connection ends that say to which process it belongs."""
_NAME_MAX: Final = 32


def attentive(conninfo: str, purpose: str = "") -> str:
    """Return where to connect, with signs of life asked for; what is said there already stands.

    Its name, ``tidebook`` unless another is said there, goes on with the purpose and the process.
    """
    said = conninfo_to_dict(conninfo)
    name = str(said.get("application_name") or "tidebook")[:_NAME_MAX]
    words = (name, purpose, this_process())
    return make_conninfo(
        conninfo,
        application_name=" ".join(filter(None, words)),
        **{option: _OURS[option] for option in _OURS.keys() - said.keys()},
    )


def this_process() -> str:
    """Return what this process calls itself, and no other one on any machine."""
    return _process(os.getpid())


@cache
def _process(_pid: int) -> str:
    """Return what no other process on any machine calls itself."""
    return os.urandom(PROCESS_DIGITS // 2).hex()


def watch(connection: Connection[Any]) -> None:
    """Have the server ask for signs of life on a new connection."""
    connection.execute("; ".join(_THEIRS).encode())
    if not connection.autocommit:
        connection.commit()
