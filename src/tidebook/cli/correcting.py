"""``tidebook cancel`` and ``tidebook reprocess``: what never happened, and what to fold again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidebook.cli.door import GoodRow
    from tidebook.cli.output import Record
    from tidebook.cli.targets import Target

cancelling = typer.Typer(
    help="Cancel facts: the book is then as if they had never been sent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(cancelling, name="cancel")

Wait = Annotated[int, typer.Option(min=0, help="Seconds to wait until the book is right again.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change and write nothing.")
]
Days = Annotated[list[str], typer.Argument(metavar="DAY...", help="Days such as 2024-03-31.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="Currency code.")]


@cancelling.command("transaction")
def cancel_transactions(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="TRANSACTION_ID...")],
    *,
    portfolio: Annotated[
        str | None,
        typer.Option(metavar="PF", help="Their portfolio; looked up where the book knows them."),
    ] = None,
    wait: Wait = 60,
    dry_run: DryRun = False,
) -> None:
    """Cancel transactions. Sending one again with other content brings it back."""
    place = {} if portfolio is None else {"portfolio_id": portfolio}
    _cancel(
        ctx,
        "transaction",
        [{"transaction_id": one, **place} for one in ids],
        None if dry_run else wait,
    )


@cancelling.command("corporate-action")
def cancel_actions(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ACTION_ID...")],
    *,
    wait: Wait = 60,
    dry_run: DryRun = False,
) -> None:
    """Cancel corporate actions."""
    _cancel(ctx, "corporate_action", [{"action_id": one} for one in ids], None if dry_run else wait)


@cancelling.command("market-price")
def cancel_prices(
    ctx: typer.Context,
    security: Annotated[str, typer.Argument(metavar="SECURITY", help="Security id.")],
    days: Days,
    *,
    wait: Wait = 60,
    dry_run: DryRun = False,
) -> None:
    """Cancel closing prices of a security."""
    rows = [{"security_id": security, "price_date": day} for day in days]
    _cancel(ctx, "market_price", rows, None if dry_run else wait)


@cancelling.command("fx-rate")
def cancel_rates(
    ctx: typer.Context,
    source: Currency,
    target: Currency,
    days: Days,
    *,
    wait: Wait = 60,
    dry_run: DryRun = False,
) -> None:
    """Cancel exchange rates of a pair, as it was quoted."""
    pair = {"from_currency": source, "to_currency": target}
    _cancel(ctx, "fx_rate", [{**pair, "rate_date": day} for day in days], None if dry_run else wait)


@cancelling.command("business-date")
def cancel_business_dates(
    ctx: typer.Context, days: Days, *, wait: Wait = 60, dry_run: DryRun = False
) -> None:
    """Cancel business dates."""
    _cancel(
        ctx, "business_date", [{"business_date": day} for day in days], None if dry_run else wait
    )


@cancelling.command("balance-assertion")
def cancel_assertions(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ASSERTION_ID...")],
    *,
    wait: Wait = 60,
) -> None:
    """Cancel balance assertions: they are kept, and compared no more."""
    _cancel(ctx, "balance_assertion", [{"assertion_id": one} for one in ids], wait)


@app.command()
def reprocess(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="TRANSACTION_ID...")],
    *,
    wait: Wait = 60,
) -> None:
    """Fold the positions of transactions again from their facts.

    Nothing changes where the book is right. An id that the book does not know asks for nothing.
    """
    _send(ctx, "reprocess", len(ids), lambda target: target.reprocess(ids), wait)


def _cancel(
    ctx: typer.Context, kind: str, named: Sequence[Mapping[str, str]], wait_seconds: int | None
) -> None:
    """Send cancellations of one kind through the door of all cancellations.

    Without a time to wait nothing is sent, and what would change is shown.

    Raises:
        InvalidRequestError: If one of them names no fact of its kind.
    """
    from tidebook.adapters.csvfile import FileKind
    from tidebook.cli.door import checked

    bodies = [{"kind": kind, **one} for one in named]
    rows = checked(FileKind.CANCELLATIONS, bodies, datetime.now(UTC))
    if wait_seconds is None:
        _show_changes(ctx, rows)
        return
    _send(
        ctx,
        "cancel",
        len(rows),
        lambda target: target.send(FileKind.CANCELLATIONS, rows),
        wait_seconds,
    )


def _show_changes(ctx: typer.Context, rows: Sequence[GoodRow]) -> None:
    from tidebook.cli.dry_run import changes_of, with_changes
    from tidebook.cli.output import Answer, Column, write

    invocation: Invocation = ctx.obj
    found = changes_of(invocation, [("cancellations", [row.fact for row in rows])])
    record: Record = {"accepted": 0, "dry_run": True}
    columns = (Column("accepted", "accepted", "exact"), Column("dry_run", "dry run"))
    write(with_changes(Answer("cancel", columns, [record], record), found), invocation.output)


def _send(
    ctx: typer.Context, what: str, count: int, send: Callable[[Target], None], wait_seconds: int
) -> None:
    """Send, wait until the book is right, and say so."""
    from tidebook.cli.output import Answer, Column, write
    from tidebook.cli.targets import opened_target

    invocation: Invocation = ctx.obj
    with opened_target(invocation) as target:
        send(target)
        is_booked = target.settle(wait_seconds)
    columns = (Column("accepted", "accepted", "exact"), Column("booked", "booked"))
    record: Record = {"accepted": count, "booked": is_booked}
    said = () if is_booked else ("taken, and not all booked yet; nothing more has to be done",)
    write(Answer(what, columns, [record], record, None, said), invocation.output)
    raise typer.Exit(Exit.OK if is_booked else Exit.PARTIAL)
