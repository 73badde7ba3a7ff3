"""``tidebook serve`` and ``tidebook db``: the server and its database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation


@app.command()
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port; 8000, query 8001, book 8002, series 8003, live 8004, control 8005. 0: any.",
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(help="ingest, book, series, query, control, live (commas between), or all."),
    ] = None,
) -> None:
    """Serve HTTP and the pages, and book what comes in.

    With --role this process does a part of it, beside others on the same database. Prints the
    address on standard output when it answers, and logs to standard error. Ctrl-C or SIGTERM
    stops it after the batch it is at.
    """
    from tidebook.config import port_of, roles_of

    invocation: Invocation = ctx.obj
    settings = invocation.settings()
    if role is not None:
        roles = roles_of(role)
        named = invocation.doors.environment.get("TIDEBOOK_PORT")
        settings = replace(settings, roles=roles, port=settings.port if named else port_of(roles))
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end
        invocation.doors.serve(settings, on_ready=typer.echo)


database = typer.Typer(help="The database's schema.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(database, name="db")


@database.command()
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to the schema of this release."""
    invocation: Invocation = ctx.obj
    typer.echo(invocation.doors.migrator.upgrade(invocation.settings()))


@database.command()
def current(ctx: typer.Context) -> None:
    """Print the schema version of the database.

    Exit code 8 says that it is not the version this release works with.
    """
    from tidebook.cli.exits import Exit

    invocation: Invocation = ctx.obj
    found, head = invocation.doors.migrator.current(invocation.settings())
    typer.echo(found or "none")
    if found != head:
        typer.echo(f"this release works with {head}; run tidebook db upgrade", err=True)
        raise typer.Exit(Exit.CHECK_FAILED)
