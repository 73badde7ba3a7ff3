"""The program ``tidebook``: its commands, the options they share, and how a run ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from tidebook.cli.doors import Doors, Invocation, Output
from tidebook.cli.exits import Exit, exit_of
from tidebook.cli.refusals import TRACE_VERBOSITY, print_refusal
from tidebook.errors import TidebookError

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUED: Final = frozenset({"--data", "--url", "-o", "--output"})
_ORDER: Final = (
    "demo",
    "serve",
    "import",
    "cancel",
    "reprocess",
    "positions",
    "lots",
    "gains",
    "transactions",
    "actions",
    "performance",
    "risk",
    "compare",
    "tearsheet",
    "explain",
    "compliance",
    "tax",
    "findings",
    "reconcile",
    "health",
    "restatements",
    "verify",
    "dlq",
    "retention",
    "db",
    "version",
)
"""The commands as the help lists them: first what a newcomer needs."""
_FLAGS: Final = frozenset({"-q", "--quiet", "-v", "-vv", "--verbose"})


def hoisted(args: Sequence[str]) -> list[str]:
    """Return the arguments with the shared options first, wherever they stood.

    So ``tidebook positions P1 -o json`` means ``tidebook -o json positions P1``. What follows
    ``--`` stays where it is.

    >>> hoisted(["positions", "P1", "-o", "json", "--security", "ACME"])
    ['-o', 'json', 'positions', 'P1', '--security', 'ACME']
    """
    first: list[str] = []
    rest: list[str] = []
    waiting = list(args)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*first, *rest, word, *waiting]
        if word in _VALUED and waiting:
            first += [word, waiting.pop(0)]
        elif word in _FLAGS or word.partition("=")[0] in _VALUED:
            first.append(word)
        else:
            rest.append(word)
    return first + rest


class _Program(TyperGroup):
    """The root command: takes shared options anywhere and turns refusals into exit codes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own type
        return super().parse_args(ctx, hoisted(args))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return super().invoke(ctx)
        except TidebookError as error:
            trace = int(ctx.params.get("verbose") or 0) >= TRACE_VERBOSITY
            print_refusal(error, sys.stderr, trace=trace)
            raise typer.Exit(exit_of(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None


app = typer.Typer(
    name="tidebook",
    cls=_Program,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="The options above may also stand after the command. Data goes to standard output, "
    "everything else to standard error. Every setting also has a TIDEBOOK_* variable.",
)


@app.callback()
def program(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Directory of the embedded database.", show_default="~/.local/share/..."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Import, cancel or reprocess on this server.")
    ] = None,
    output: Annotated[
        Output | None,
        typer.Option("-o", "--output", help="table (on a terminal), json (elsewhere) or csv."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print data and faults only.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="-vv shows the trace of a fault.")
    ] = 0,
) -> None:
    """A portfolio book of record with analytics and control: exact, correctable, explained."""
    doors = ctx.obj
    if not isinstance(doors, Doors):
        from tidebook.cli.local import local_doors

        doors = local_doors()
    chosen = output or (Output.TABLE if sys.stdout.isatty() else Output.JSON)
    ctx.obj = Invocation(doors, data, url, chosen, quiet, verbose)


@app.command()
def version() -> None:
    """Print the version."""
    from tidebook import __version__

    typer.echo(__version__)
