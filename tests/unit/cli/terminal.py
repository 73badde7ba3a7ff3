"""Run the command line in this process against a book in memory."""

# ruff: noqa: ARG002 - a door has the parameters that the real one needs

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from tidebook.cli.doors import Doors
from tidebook.cli.program import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from tidebook.cli.doors import Migrator, Opener, Server
    from tidebook.config import Settings


class NoSchema:
    """A schema that is up to date."""

    def upgrade(self, settings: Settings) -> str:
        return "0001"

    def current(self, settings: Settings) -> tuple[str | None, str]:
        return "0001", "0001"


def no_server(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
    """End before being ready, as a server does whose port is taken."""


def terminal(
    opener: Opener,
    *args: str,
    server: Server = no_server,
    migrator: Migrator | None = None,
    opened: list[str] | None = None,
) -> Result:
    """Return what a command printed and its exit code."""
    browser = (opened if opened is not None else []).append
    environment = {"HOME": "/nowhere"}
    doors = Doors(opener, server, migrator or NoSchema(), environment, browser)
    return CliRunner().invoke(app, list(args), obj=doors, prog_name="tidebook")
