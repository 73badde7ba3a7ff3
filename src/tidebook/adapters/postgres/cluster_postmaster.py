"""The first process of a running server, as its pid file and the operating system show it.

A pid file outlives a server that was killed, and its number may by then belong to any other
process. So a number counts as a running server only if that process is a PostgreSQL, is not a
zombie, and, where the system tells, works in this very directory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

SOCKET_LOCK = ".s.PGSQL.5432.lock"

_STATUS_LINE = 7
_SOCKET_LINE = 4
_PROC = Path("/proc")
_POLL_SECONDS = 0.005


class Postmaster(NamedTuple):
    """A running server.

    Attributes:
        pid: Its first process.
        socket_dir: The folder of its socket, or None if it has none yet or at all.
        ready: Whether it takes connections.
    """

    pid: int
    socket_dir: Path | None
    ready: bool


def pid_file(pgdata: Path) -> Path:
    """Return where a server writes who it is."""
    return pgdata / "postmaster.pid"


def read_postmaster(pgdata: Path) -> Postmaster | None:
    """Return the server that runs on a directory, or None if there is no live one."""
    said = _read_claim(pid_file(pgdata))
    if said is None or not is_server(said.pid, pgdata):
        return None
    return said


def clear_stale_claims(pgdata: Path, socket_dir: Path) -> None:
    """Remove the claims of a dead server whose number now belongs to something else.

    A claim is the pid file, or the lock file beside the socket. PostgreSQL deals by itself with a
    number that no process has. One that was given to another process of the same account, or that
    a zombie still holds, it takes for a live server and refuses to start. Its own guard against
    surviving children does not need the files: the shared memory is found by the directory.
    """
    for claim in (pid_file(pgdata), socket_dir / SOCKET_LOCK):
        said = _read_claim(claim)
        if said is not None and process_exists(said.pid) and not is_server(said.pid, pgdata):
            claim.unlink(missing_ok=True)


def is_server(pid: int, pgdata: Path) -> bool:
    """Return whether a process is a live PostgreSQL server on a directory."""
    if not process_exists(pid):
        return False
    state, name = _state_and_name(pid)
    if state.startswith("Z") or name not in {"postgres", "postmaster"}:
        return False
    try:
        # A server enters its data directory before it writes its pid file.
        works_in = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return True
    return works_in == pgdata.resolve()


def stop_server(pid: int, pgdata: Path, *, timeout_seconds: float) -> None:
    """Stop a server cleanly, and return when its process is gone.

    The signal is that of ``pg_ctl stop -m fast``: open transactions are rolled back, a checkpoint
    is written, and the next start has nothing to recover. A server that has not ended within the
    timeout is told to end at once; it loses nothing that was committed, but recovers at the
    next start.
    """
    for demand in (signal.SIGINT, signal.SIGQUIT):
        if not is_server(pid, pgdata):
            return
        _signal(pid, demand)
        if _gone(pid, pgdata, timeout_seconds=timeout_seconds):
            return


def process_exists(pid: int) -> bool:
    """Return whether the operating system knows the number, as a zombie or otherwise."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _gone(pid: int, pgdata: Path, *, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while is_server(pid, pgdata):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(pid: int, demand: signal.Signals) -> None:
    try:
        os.kill(pid, demand)
    except ProcessLookupError:
        return


def _read_claim(claim: Path) -> Postmaster | None:
    try:
        lines = claim.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    if not lines or not lines[0].strip().lstrip("-").isdecimal():
        return None
    socket_dir = lines[_SOCKET_LINE].strip() if len(lines) > _SOCKET_LINE else ""
    return Postmaster(
        # A negative number marks a single-user server.
        pid=abs(int(lines[0])),
        socket_dir=Path(socket_dir) if socket_dir else None,
        ready=len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready",
    )


def _state_and_name(pid: int) -> tuple[str, str]:
    """Return the one-letter state and the program name of a process, empty if it is gone."""
    if _PROC.joinpath("self").exists():
        try:
            line = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "", ""
        # The name stands in parentheses and may hold any character, so both ends are sought.
        name = line[line.index("(") + 1 : line.rindex(")")]
        return line[line.rindex(")") + 2], name
    listed = subprocess.run(  # noqa: S603 - a fixed command
        ["ps", "-o", "state=,comm=", "-p", str(pid)],  # noqa: S607 - found on PATH on every POSIX system
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, command = listed.stdout.strip().partition(" ")
    return state, Path(command.strip()).name
