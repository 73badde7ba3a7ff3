"""The command line."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command that the process was started with, and exit with its code."""
    from tidebook.cli.program import run

    run()
