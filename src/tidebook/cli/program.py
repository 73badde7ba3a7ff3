"""The whole program: every command, joined to one run of the process."""

from __future__ import annotations

import sys

import typer

from tidebook.cli import (
    acting,
    checking,
    comparing,
    correcting,
    demo,
    explaining,
    gaining,
    importing,
    keeping,
    reading,
    risks,
    ruling,
    serving,
    stating,
    taxing,
    tearing,
    verifying,
)
from tidebook.cli.app import app
from tidebook.cli.refusals import last_words

COMMAND_MODULES = (
    acting,
    checking,
    comparing,
    correcting,
    demo,
    explaining,
    gaining,
    importing,
    keeping,
    reading,
    ruling,
    risks,
    serving,
    stating,
    taxing,
    tearing,
    verifying,
)
"""Importing them is what adds their commands."""


def run() -> None:
    """Run the command line of this process and exit."""
    verbosity = sum(word.count("v") for word in sys.argv[1:] if word in {"-v", "-vv"})
    sys.excepthook = last_words(verbosity)
    typer.main.get_command(app)(prog_name="tidebook")
