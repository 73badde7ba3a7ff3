"""``tidebook reconcile`` and ``tidebook health``: the book held against others, and its data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.exits import Exit
from tidebook.cli.output import write
from tidebook.cli.reading import AsOf, KnownAt, Portfolio
from tidebook.model.assertions import BalanceAssertion

if TYPE_CHECKING:
    from tidebook.cli.doors import System


@app.command()
def reconcile(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Compare with this CSV of assertions; nothing of it is stored."
        ),
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Compare a portfolio with what a broker says it holds.

    Ends with 10 when anything differs, and with 4 when there was nothing to compare.
    """
    from tidebook.cli.check_answers import reconciliation_answer

    invocation: Invocation = ctx.obj
    stated = None if file is None else _stated(file)
    with invocation.opened(run=False) as system:
        view = system.reader.reconciliation(
            portfolio, as_of=as_of, known_at=known_at, stated=stated
        )
    write(reconciliation_answer(view), invocation.output)
    if view.found.differing:
        raise typer.Exit(Exit.DIVERGED)
    if not view.found.outcomes:
        raise typer.Exit(Exit.NOT_FOUND)


def _stated(file: Path) -> list[BalanceAssertion]:
    """Return the assertions of a file; with a fault in any row there is no comparison at all."""
    from tidebook.adapters.csvfile import FileKind, read_file
    from tidebook.cli.door import examine

    found = examine(str(file), read_file(file, FileKind.ASSERTIONS), datetime.now(UTC))
    for fault in found.bad:
        where = f"{fault.file}:{fault.line}" + (f": {fault.column}" if fault.column else "")
        typer.echo(f"{where}: {fault.what}", err=True)
    if found.bad:
        raise typer.Exit(Exit.INVALID_INPUT)
    return [row.fact for row in found.good if isinstance(row.fact, BalanceAssertion)]


@app.command()
def health(
    ctx: typer.Context,
    portfolio: Annotated[
        str | None, typer.Argument(metavar="[PF]", help="Portfolio id; all portfolios if absent.")
    ] = None,
    *,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    stale_days: Annotated[
        int, typer.Option(min=0, help="Business days after which a price or a rate is stale.")
    ] = 5,
    skip: Annotated[int, typer.Option(min=0, help="Portfolios to leave out first.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Portfolios to sum up.")] = 100,
) -> None:
    """Show what is doubtful in the data, by money at stake."""
    from tidebook.cli.check_answers import health_answer, health_summary_answer

    invocation: Invocation = ctx.obj
    if portfolio is None and (as_of is not None or known_at is not None):
        raise typer.BadParameter("a past state is shown for one portfolio; name it", ctx)
    with invocation.opened(run=False) as system:
        if portfolio is None:
            found = system.reader.health_summary(
                skip=skip, limit=limit, today=_today(system), stale_days=stale_days
            )
            answer = health_summary_answer(found, skip)
        else:
            is_now = as_of is None and known_at is None
            view = system.reader.health(
                portfolio,
                as_of=as_of,
                known_at=known_at,
                today=_today(system) if is_now else None,
                stale_days=stale_days,
            )
            answer = health_answer(view, stale_days)
    write(answer, invocation.output)


def _today(system: System) -> date:
    return system.clock.now().astimezone(UTC).date()
