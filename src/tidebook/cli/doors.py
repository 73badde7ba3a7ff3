"""What the commands need from outside themselves, and how one command was called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tidebook.config import Settings
    from tidebook.engine.benchmarks import Benchmarks
    from tidebook.engine.compliance.ports import Compliance
    from tidebook.engine.dead_letters import DeadLetters
    from tidebook.engine.ports import Clock, Commands, Reader


class System(Protocol):
    """A running system, as far as the commands use it."""

    @property
    def commands(self) -> Commands:
        """Where facts go in."""
        ...

    @property
    def reader(self) -> Reader:
        """Where the book is read."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    @property
    def dead_letters(self) -> DeadLetters:
        """The records that could not be processed."""
        ...

    def retire(self) -> Mapping[str, int]:
        """Delete what is kept for long enough; return how many rows of which table."""
        ...

    @property
    def benchmarks(self) -> Benchmarks:
        """What to compare with."""
        ...

    @property
    def compliance(self) -> Compliance:
        """What rules say of trades."""
        ...


class Opener(Protocol):
    """Opens the local store; with ``run`` it also books what is taken in."""

    def __call__(self, settings: Settings, *, run: bool) -> AbstractContextManager[System]:
        """Return the system, open until the context ends."""
        ...


class Server(Protocol):
    """Serves HTTP until the process is interrupted."""

    def __call__(self, settings: Settings, *, on_ready: Callable[[str], None]) -> None:
        """Serve; call ``on_ready`` once with the address when requests are answered."""
        ...


class Migrator(Protocol):
    """Knows the version of the database's schema."""

    def upgrade(self, settings: Settings) -> str:
        """Bring the schema to the newest version and return it."""
        ...

    def current(self, settings: Settings) -> tuple[str | None, str]:
        """Return the version in the database and the newest one."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """The outside world of one run of the command line; tests hand in their own."""

    open_system: Opener
    serve: Server
    migrator: Migrator
    environment: Mapping[str, str]
    open_browser: Callable[[str], object]


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Invocation:
    """How one command was called: the options that stand before or after any command."""

    doors: Doors
    data_dir: Path | None
    url: str | None
    output: Output
    quiet: bool
    verbosity: int

    def settings(self) -> Settings:
        """Return the settings of the environment, with ``--data`` going before them.

        A data directory named on the command line means the embedded database in it, so it sets
        an external one aside.

        Raises:
            typer.BadParameter: If a server was named: a local answer would be another book's.
        """
        from tidebook.config import Settings

        if self.url is not None:
            raise typer.BadParameter(
                "only import, cancel and reprocess can be told a server; this command opens the "
                "local store, so leave --url out or run it where the data is",
                param_hint="--url",
            )
        settings = Settings.from_environment(self.doors.environment)
        if self.data_dir is None:
            return settings
        return replace(settings, data_dir=self.data_dir, database_url=None)

    def opened(self, *, run: bool) -> AbstractContextManager[System]:
        """Open the local store."""
        return self.doors.open_system(self.settings(), run=run)
