"""The commands that read the book: positions, lots, transactions, performance, findings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.output import write


def day(text: str) -> date:
    """Return a day written as ``2024-03-31``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2024-03-31") from None


def instant(text: str) -> datetime:
    """Return an instant; it must say its offset, because "then" depends on where."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is no instant; write it as 2024-03-31T18:00:00Z")
    return found.astimezone(UTC)


Portfolio = Annotated[str, typer.Argument(metavar="PF", help="Portfolio id.")]
AsOf = Annotated[
    date | None,
    typer.Option("--as-of", parser=day, metavar="DAY", help="Business date; the latest if absent."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        "--known-at", parser=instant, metavar="INSTANT", help="What was believed then, not now."
    ),
]
Security = Annotated[
    str | None, typer.Option("--security", metavar="ID", help="Only this security.")
]


@app.command()
def positions(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
    closed: Annotated[bool, typer.Option("--closed", help="Closed positions too.")] = False,
) -> None:
    """Show what a portfolio holds, cost and value, with totals."""
    from tidebook.cli.answers import positions_answer

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        view = system.reader.positions(
            portfolio, as_of=as_of, known_at=known_at, include_closed=closed
        )
    write(positions_answer(view, security), invocation.output)


@app.command()
def lots(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
) -> None:
    """Show a portfolio's open lots."""
    from tidebook.cli.answers import lots_answer

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        view = system.reader.lots(portfolio, security_id=security, as_of=as_of, known_at=known_at)
    write(lots_answer(view), invocation.output)


@app.command()
def transactions(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    start: Annotated[
        date | None, typer.Option("--from", parser=day, metavar="DAY", help="First business date.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
    skip: Annotated[int, typer.Option(min=0, help="How many to leave out first.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")] = 100,
) -> None:
    """List a portfolio's transactions, latest first."""
    from tidebook.cli.answers import transactions_answer
    from tidebook.engine.queries import TransactionQuery

    invocation: Invocation = ctx.obj
    query = TransactionQuery(
        portfolio, security, start, as_of, skip=skip, limit=limit, known_at=known_at
    )
    with invocation.opened(run=False) as system:
        page = system.reader.transactions(query)
    write(transactions_answer(page), invocation.output)


@app.command()
def performance(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    period: Annotated[
        list[str] | None,
        typer.Option(
            help="MTD, QTD, YTD, 1Y, 3Y, 5Y, SI, SINCE_RESTATEMENT, 18M, 90D, a year, or FROM:TO; "
            "may be repeated."
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Measured in this currency; the portfolio's if absent.")
    ] = None,
    security: Security = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Show time- and money-weighted returns over periods."""
    from tidebook.cli.returns import PERIODS, performance_answer, period_named
    from tidebook.engine.measuring.measured import Scope, measured
    from tidebook.engine.measuring.parts import Choice

    periods = tuple(period_named(word) for word in dict.fromkeys(period or PERIODS))
    invocation: Invocation = ctx.obj
    scope = Scope((portfolio,), Choice(security_id=security), currency, known_at)
    with invocation.opened(run=False) as system:
        view = system.reader.series(portfolio, end=as_of, known_at=known_at)
        found = measured(system.reader, scope, periods)
    write(performance_answer(view, found, periods, as_of), invocation.output)


@app.command()
def findings(
    ctx: typer.Context, portfolio: Portfolio, *, as_of: AsOf = None, known_at: KnownAt = None
) -> None:
    """List what is wrong or doubtful in a portfolio's facts."""
    from tidebook.cli.answers import findings_answer

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        system.reader.portfolio(portfolio, known_at=known_at)
        found = system.reader.findings(portfolio, as_of=as_of, known_at=known_at)
    write(findings_answer(portfolio, found), invocation.output)


@app.command()
def restatements(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="Recorded from then on."),
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
    skip: Annotated[int, typer.Option(min=0, help="How many to leave out first.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")] = 100,
) -> None:
    """List what was written anew, from when, by how much and because of what, latest first."""
    from tidebook.cli.restating import restatements_answer
    from tidebook.engine.queries import RestatementQuery

    invocation: Invocation = ctx.obj
    query = RestatementQuery(portfolio, security, since, skip, limit, as_of, known_at)
    with invocation.opened(run=False) as system:
        page = system.reader.restatements(query)
    write(restatements_answer(page), invocation.output)
