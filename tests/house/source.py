"""What a house rule reads, and what it says."""

from __future__ import annotations

import ast
import shutil
import subprocess
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = PurePosixPath("src/tidebook")


class Fault(NamedTuple):
    """One place where a rule is broken, and how to mend it."""

    path: PurePosixPath
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}, {self.remedy}"


class Source(NamedTuple):
    """A text file of the repository, with its path from the root."""

    path: PurePosixPath
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_python(self) -> bool:
        return self.path.suffix == ".py"

    @property
    def states_the_rules(self) -> bool:
        """Tell whether the file must write down the very words that are forbidden elsewhere."""
        return self.path.is_relative_to("tests/house")

    def tree(self) -> ast.Module:
        return _parse(self.text)

    def is_in(self, *names: str) -> bool:
        """Tell whether the file is one of these modules or packages of tidebook."""
        if not self.path.is_relative_to(PACKAGE):
            return False
        inside = self.path.relative_to(PACKAGE).with_suffix("")
        return any(inside.is_relative_to(name) for name in names)

    def fault(self, line: int, what: str, remedy: str) -> Fault:
        return Fault(self.path, line, what, remedy)


class Rule(Protocol):
    """A function from one file to the faults in it."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, source: Source, /) -> Iterator[Fault]: ...


def sample(path: str, text: str) -> Source:
    """Make a source of a few lines, so that a rule can be seen to fail."""
    return Source(PurePosixPath(path), text)


def repository(root: Path = ROOT) -> Iterator[Source]:
    """Yield every text file that is, or is about to be, part of the repository."""
    for name in sorted(_names(root)):
        path = root / name
        if path.is_file():
            try:
                yield Source(PurePosixPath(name), path.read_text("utf-8"))
            except UnicodeDecodeError:
                continue  # a picture or an archive has no lines to judge


def _names(root: Path) -> list[str]:
    if not (root / ".git").exists() or shutil.which("git") is None:
        return _names_on_disk(root)
    listing = subprocess.run(
        # A clone made by another user is still the clone that is being checked.
        ["git", "-c", "safe.directory=*", "ls-files", "-zco", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listing.stdout.split("\0") if name]


def _names_on_disk(root: Path) -> list[str]:
    """List the files of an unpacked archive, without the folders that git would ignore."""
    ignored = {".git"} | {
        line.rstrip("/")
        for line in (root / ".gitignore").read_text("utf-8").splitlines()
        if line.endswith("/")
    }
    return [
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file()
        and not any(
            fnmatch(part, name) for part in path.relative_to(root).parts for name in ignored
        )
    ]


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)
