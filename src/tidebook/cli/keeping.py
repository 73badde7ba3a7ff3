"""``tidebook dlq`` and ``tidebook retention``: what could not be processed, and what is old."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.cli.output import Answer, Record
    from tidebook.engine.dead_letters import DeadLetter

letters = typer.Typer(
    help="Records that could not be processed.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(letters, name="dlq")


@letters.command("list")
def list_letters(
    ctx: typer.Context,
    *,
    topic: Annotated[str | None, typer.Option(help="Only those set apart from this topic.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those too that were replayed.")
    ] = False,
) -> None:
    """List dead letters, oldest first, each with the reason and the record as it was sent."""
    from tidebook.cli.output import write

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        found = system.dead_letters.letters(topic=topic, everything=everything)
    write(_answer(f"{len(found)} dead letters", found), invocation.output)


@letters.command()
def replay(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="As dlq list names them.")
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were not replayed yet.")
    ] = False,
) -> None:
    """Send dead letters again to the topic they came from, once each.

    It is for after what was wrong with them is mended, by a new release for example. A record that
    fails again becomes a new dead letter. A running server books them.
    """
    from tidebook.cli.output import write

    invocation: Invocation = ctx.obj
    if bool(ids) == everything:
        raise typer.BadParameter("name dead letters, or ask for all of them", param_hint="--all")
    with invocation.opened(run=False) as system:
        chosen = ids or [each.letter_id for each in system.dead_letters.letters()]
        sent = system.dead_letters.replay(chosen, f"CLI:{uuid.uuid4()}")
    write(_answer(f"{len(sent)} dead letters replayed", sent), invocation.output)


@app.command()
def retention(ctx: typer.Context) -> None:
    """Delete what is kept for long enough, as a server does by itself once an hour.

    Records of the log that everybody has read go after TIDEBOOK_RETENTION_LOG_DAYS, what was
    replaced after TIDEBOOK_RETENTION_KNOWN_DAYS, where that is set. Dead letters stay until they
    are replayed.
    """
    from tidebook.cli.output import Answer, Column, write

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        deleted = system.retire()
    records: list[Record] = [
        {"table": table, "deleted": count} for table, count in sorted(deleted.items())
    ]
    columns = (Column("table", "table"), Column("deleted", "deleted", "exact"))
    write(Answer("retention", columns, records, {"deleted": dict(deleted)}), invocation.output)


def _answer(title: str, found: Sequence[DeadLetter]) -> Answer:
    from tidebook.cli.output import Answer, Column

    records: list[Record] = [dict(each._asdict()) for each in found]
    columns = (
        Column("letter_id", "id"),
        Column("at", "set apart"),
        Column("original_topic", "topic"),
        Column("reason", "why"),
        Column("replayed_at", "replayed"),
    )
    return Answer(title, columns, records, {"dead_letters": records})
