"""As whom the embedded server runs.

PostgreSQL refuses to run as root, and serves a data directory only for the account that owns it.
An ordinary user needs nothing. Root has two ways: a user namespace, in which the same files look
as if an ordinary user owned them; or an account that is made for such things, which is then handed
the directory. No account is ever created and no permission of a parent folder is ever changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidebook.errors import ForeignDirectoryError, RootRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

if sys.platform != "win32":
    import pwd

_NAMESPACE = ("--user", "--map-user=1000", "--map-group=1000", "--")
_ACCOUNTS = ("postgres", "nobody")
_ROOT = 0


class Account(NamedTuple):
    """An account of the operating system."""

    name: str
    uid: int
    gid: int


class Identity(NamedTuple):
    """How to start a program so that PostgreSQL accepts who it is.

    Attributes:
        uid: Who owns the data directory's files, as seen from this process.
        gid: The group of those files.
        prefix: The command that goes before the program.
        account: The account to change to, or None to stay who we are.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    account: Account | None = None

    def command(self, program: Path, *arguments: str) -> list[str]:
        """Return the whole command line for a program."""
        return [*self.prefix, str(program), *arguments]

    def hand_over(self, path: Path) -> None:
        """Give a file or folder to the account the server runs as."""
        if self.account is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def popen(self, command: Sequence[str], *, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, so that Ctrl-C does not reach it."""
        account = self.account
        return subprocess.Popen(  # noqa: S603 - only the server programs
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            # The programs refuse a working directory that their account may not enter.
            cwd="/",
            env=server_environment(),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def server_environment() -> dict[str, str]:
    """Return the environment of the server programs: no secrets of ours, messages in English."""
    kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


def choose_identity(
    data_dir: Path,
    owner_uid: int | None,
    *,
    effective_uid: int | None = None,
    namespaces: Callable[[], str | None] | None = None,
    accounts: Callable[[], Sequence[Account]] | None = None,
) -> Identity:
    """Return as whom the server of a data directory is to run.

    Args:
        data_dir: The directory, to name it in a refusal.
        owner_uid: Who owns the database files, or None if there are none yet.
        effective_uid: Who we are, in place of the process's own.
        namespaces: Probe that returns the path of ``unshare`` if user namespaces work here.
        accounts: Probe that returns the accounts root may change to.

    Raises:
        ForeignDirectoryError: The files belong to another account.
        RootRefusedError: We are root and neither way is open.
    """
    uid = os.geteuid() if effective_uid is None else effective_uid
    if uid != _ROOT:
        if owner_uid not in {None, uid}:
            raise ForeignDirectoryError(str(data_dir), owner=_name_of(owner_uid))
        return Identity(uid, os.getegid())
    usable = (service_accounts if accounts is None else accounts)()
    if owner_uid not in {None, _ROOT}:
        for account in usable:
            if account.uid == owner_uid:
                return Identity(account.uid, account.gid, account=account)
        raise ForeignDirectoryError(str(data_dir), owner=_name_of(owner_uid))
    unshare = (user_namespaces if namespaces is None else namespaces)()
    if unshare is not None:
        return Identity(_ROOT, os.getegid(), prefix=(unshare, *_NAMESPACE))
    if not usable:
        raise RootRefusedError(
            str(data_dir),
            why="user namespaces are closed here and there is no account postgres or nobody",
        )
    return Identity(usable[0].uid, usable[0].gid, account=usable[0])


def user_namespaces() -> str | None:
    """Return the path of ``unshare`` if it can map root to an ordinary user here, else None."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    try:
        tried = subprocess.run(  # noqa: S603 - a fixed command
            [unshare, *_NAMESPACE, "true"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return unshare if tried.returncode == 0 else None


def service_accounts() -> tuple[Account, ...]:
    """Return the accounts that root may run the server as, the better one first."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return tuple(
        Account(name, known[name].pw_uid, known[name].pw_gid) for name in _ACCOUNTS if name in known
    )


def hand_over_directory(data_dir: Path, pgdata: Path, identity: Identity) -> None:
    """Make a data directory reachable for the account the server runs as.

    Does nothing unless the server runs as another account than ours. Database files that root
    owns change hands. The data directory itself changes hands only if it has to.

    Raises:
        RootRefusedError: A folder above the data directory bars the account.
    """
    account = identity.account
    if account is None:
        return
    if not _can_enter(data_dir, account) and data_dir.stat().st_uid == _ROOT:
        identity.hand_over(data_dir)
    if not _can_enter(data_dir, account):
        raise RootRefusedError(
            str(data_dir), why=f"the account {account.name} cannot reach that directory"
        )
    if pgdata.exists() and pgdata.stat().st_uid == _ROOT:
        for folder, _, files in os.walk(pgdata):
            identity.hand_over(Path(folder))
            for name in files:
                identity.hand_over(Path(folder, name))


def _can_enter(folder: Path, account: Account) -> bool:
    tried = subprocess.run(  # noqa: S603 - a fixed command
        ["test", "-x", folder],  # noqa: S607 - found on PATH on every POSIX system
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return tried.returncode == 0


def _name_of(uid: int | None) -> str:
    for entry in pwd.getpwall():
        if entry.pw_uid == uid:
            return f"the account {entry.pw_name}"
    return f"the account with uid {uid}"
