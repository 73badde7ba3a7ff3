"""``tidebook tearsheet``: everything told of one portfolio, in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.reading import AsOf, KnownAt, Portfolio


@app.command()
def tearsheet(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    benchmark: Annotated[
        str | None, typer.Option(help='A benchmark, a security id, or "60% SPY + 40% AGG".')
    ] = None,
    period: Annotated[
        str, typer.Option(help="YTD, 5Y, 2024, 18M, FROM:TO, or SI for all of it.")
    ] = "SI",
    frequency: Annotated[
        str, typer.Option(help="DAILY, CALENDAR_DAILY for markets that never close, or WEEKLY.")
    ] = "DAILY",
    risk_free: Annotated[
        float, typer.Option(help="The yearly rate without risk, as a fraction.")
    ] = 0.0,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Where to write it; PF.html if absent."),
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Write returns, risk, drawdowns and money of a portfolio as one HTML file."""
    from secrets import token_urlsafe

    from tidebook.analytics import Frequency
    from tidebook.engine.measuring.risk import RiskTerms
    from tidebook.engine.measuring.tearsheet import Told, tear_sheet
    from tidebook.errors import UnwritableFileError
    from tidebook.model.periods import period_named
    from tidebook.web.tearsheet import render_tear_sheet

    if frequency.upper() not in {"DAILY", "CALENDAR_DAILY", "WEEKLY"}:
        raise typer.BadParameter("it is DAILY, CALENDAR_DAILY or WEEKLY", param_hint="--frequency")
    terms = RiskTerms(
        frequency=Frequency(frequency.upper()), risk_free_annual=risk_free, confidence=0.95
    )
    told = Told(portfolio, period_named(period), benchmark, terms, as_of, known_at)
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        sheet = tear_sheet(system.reader, told, system.benchmarks.levels)
    text = render_tear_sheet(sheet, nonce=token_urlsafe(18))
    path = to or Path(f"{portfolio.replace('/', '-')}.html")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnwritableFileError(str(path), error.strerror or str(error)) from error
    if not invocation.quiet:
        typer.echo(f"{path}: {sheet.span.start} to {sheet.span.end}", err=True)
