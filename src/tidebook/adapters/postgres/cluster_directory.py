"""What the data directory of the embedded cluster holds, and who may use it at once.

``pg`` is PostgreSQL's own; beside it lie the password, the socket, the log and two lock files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidebook.errors import DataDirectoryError, DirectoryInUseError

if TYPE_CHECKING:
    from collections.abc import Generator

    from tidebook.adapters.postgres.cluster_identity import Identity

if sys.platform != "win32":
    import fcntl

# An address of a Unix socket holds 104 bytes on macOS and 108 on Linux, the end mark included.
_SOCKET_PATH_MAX = 100
_SOCKET_NAME = ".s.PGSQL.5432"
_LOG_BYTES_MAX = 8 * 1024 * 1024


class DataDirectory(NamedTuple):
    """The places within a data directory."""

    path: Path

    @property
    def pgdata(self) -> Path:
        """The files of PostgreSQL."""
        return self.path / "pg"

    @property
    def password_file(self) -> Path:
        """The password of the only role, readable by its owner alone."""
        return self.path / "cluster.password"

    @property
    def log_file(self) -> Path:
        """What the server and initdb write."""
        return self.path / "cluster.log"

    @property
    def users_lock(self) -> Path:
        """Locked shared by every process that uses the server."""
        return self.path / "cluster.lock"

    @property
    def turn_lock(self) -> Path:
        """Locked by the one process that is starting or stopping the server."""
        return self.path / "cluster.turn"

    @property
    def socket_pointer(self) -> Path:
        """Names the folder of the socket when the data directory's own path is too long."""
        return self.path / "cluster.socket"

    def major(self) -> int | None:
        """Return the major version that made the database files, or None if there are none.

        Raises:
            DataDirectoryError: The file that tells it holds something else.
        """
        try:
            text = (self.pgdata / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except PermissionError as refused:
            raise unusable(self.path, refused) from refused
        if not text.isdecimal():
            message = f"{self.pgdata}/PG_VERSION says {text!r}, which is no version of PostgreSQL"
            raise DataDirectoryError(
                message, hint="restore the data directory from a backup, or choose another one"
            )
        return int(text)

    def owner_uid(self) -> int | None:
        """Return who owns the database files, or None if there are none.

        Raises:
            DataDirectoryError: We may not look into the directory.
        """
        try:
            return self.pgdata.stat().st_uid
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise unusable(self.path, refused) from refused


def unusable(path: Path, why: OSError) -> DataDirectoryError:
    """Return the refusal for a directory that the operating system will not let us use."""
    return DataDirectoryError(
        f"data directory {path} cannot be used: {why.strerror or why}",
        hint="choose a directory that this user may write with TIDEBOOK_DATA_DIR",
    )


def open_directory(data_dir: Path) -> DataDirectory:
    """Return a data directory, made for its owner alone if it does not exist.

    Raises:
        DataDirectoryError: It cannot be made, or is not a folder.
    """
    path = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() would follow links
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise unusable(path, refused) from refused
    return DataDirectory(path)


def password_of(directory: DataDirectory) -> str | None:
    """Return the password of the cluster, or None if none was ever written here."""
    try:
        return directory.password_file.read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except PermissionError as refused:
        raise unusable(directory.password_file, refused) from refused


def write_password(directory: DataDirectory, identity: Identity) -> str:
    """Return a new random password, kept on disk before anything is protected with it."""
    password = secrets.token_urlsafe(32)
    draft = directory.path / "cluster.password.new"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password + "\n")
        file.flush()
        os.fsync(file.fileno())
    identity.hand_over(draft)
    draft.replace(directory.password_file)
    sync_folder(directory.path)
    return password


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_folder(directory: DataDirectory, identity: Identity) -> Path:
    """Return the folder for the socket: private to the server's account, with a short path.

    It lies in the data directory if that path is short enough, else in a temporary folder that
    the pointer file names. A pointed-at folder is taken again only if nobody else can have made it.
    """
    folder = directory.path / "socket"
    if not _fits(folder):
        folder = _pointed_at(directory, identity) or _new_pointed_at(directory)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    identity.hand_over(folder)
    return folder


def open_log(directory: DataDirectory) -> int:
    """Return a descriptor that appends to the log; a log that has grown long is set aside."""
    log = directory.log_file
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Lease:
    """A share in the use of a cluster, given up with :meth:`close` or by the end of the process."""

    def __init__(self, directory: DataDirectory) -> None:
        """Take a share; to be called by the process whose turn it is."""
        self._pid = os.getpid()
        self._file = os.open(directory.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
        self._open = True
        self.alone = self.is_last()
        """Whether nobody else had a share when this one was taken."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    @property
    def held(self) -> bool:
        """Whether this process has the share: a forked child does not, it only inherited it."""
        return self._open and self._pid == os.getpid()

    def is_last(self) -> bool:
        """Return whether nobody else has a share. If so, none is given out until we close."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the share up."""
        if self._open:
            self._open = False
            os.close(self._file)


@contextmanager
def my_turn(directory: DataDirectory, *, timeout_seconds: float) -> Generator[None]:
    """Hold the right to start or stop the server, which one process has at a time.

    Raises:
        DirectoryInUseError: Another process kept its turn for longer than the timeout.
        DataDirectoryError: The lock file cannot be made.
    """
    try:
        file = os.open(directory.turn_lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as refused:
        raise unusable(directory.path, refused) from refused
    try:
        deadline = time.monotonic() + timeout_seconds
        while not _locked(file):
            if time.monotonic() > deadline:
                holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
                raise DirectoryInUseError(
                    str(directory.path),
                    pid=int(holder) if holder.isdecimal() else 0,
                    why=f"which has been starting or stopping it for {timeout_seconds:.0f} seconds",
                )
            time.sleep(0.01)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fits(folder: Path) -> bool:
    # libpq takes a comma in a host for the start of the next host.
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_MAX and "," not in str(folder)


def _pointed_at(directory: DataDirectory, identity: Identity) -> Path | None:
    try:
        folder = Path(directory.socket_pointer.read_text(encoding="utf-8").strip())
        status = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700  # noqa: PLR2004
    return folder if private and status.st_uid == identity.uid and _fits(folder) else None


def _new_pointed_at(directory: DataDirectory) -> Path:
    temporary = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="tidebook-", dir=temporary))
    if not _fits(folder):
        shutil.rmtree(folder)
        folder = Path(tempfile.mkdtemp(prefix="tidebook-", dir="/tmp"))
    directory.socket_pointer.write_text(f"{folder}\n", encoding="utf-8")
    return folder
