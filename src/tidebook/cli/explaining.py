"""``tidebook explain``: the tree under a figure."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit
from tidebook.cli.reading import AsOf, KnownAt, day as day_of

if TYPE_CHECKING:
    from tidebook.engine.explaining import Explanation, Shown

_FIGURES_MAX: Final = 1_000_000


class Leg(StrEnum):
    """Which of the two entries of a transaction is meant."""

    MAIN = "main"
    CASH = "cash"


class Held(StrEnum):
    """Which realised gains a sum is of."""

    SHORT = "short"
    LONG = "long"


OfTerm = Annotated[Held | None, typer.Option(help="Sums of gains held short or long term alone.")]
Pair = Annotated[str | None, typer.Option(metavar="FROM/TO", help="The currencies of market.rate.")]
Priced = Annotated[
    str | None, typer.Option("--security", metavar="ID", help="As the argument SECURITY.")
]


@app.command()
def explain(
    ctx: typer.Context,
    figure: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE", help="Such as cost, lot.cost or period.twr; an unknown one lists all."
        ),
    ],
    portfolio: Annotated[
        str | None, typer.Argument(metavar="[PF]", help="Portfolio id; for all but market figures.")
    ] = None,
    security: Annotated[
        str | None, typer.Argument(metavar="[SECURITY]", help="The whole portfolio if absent.")
    ] = None,
    *,
    lot: Annotated[str | None, typer.Option(metavar="ID", help="One lot of the security.")] = None,
    transaction: Annotated[
        str | None, typer.Option(metavar="ID", help="What one transaction reported and did.")
    ] = None,
    leg: Annotated[Leg | None, typer.Option(help="Its entry on the security or on cash.")] = None,
    day: Annotated[
        date | None, typer.Option(parser=day_of, metavar="DAY", help="A day of the daily series.")
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="MTD, QTD, YTD, 1Y, 3Y, 5Y, SI, a year, or FROM:TO.")
    ] = None,
    gross: Annotated[bool, typer.Option("--gross", help="A return before fees.")] = False,
    term: OfTerm = None,
    pair: Pair = None,
    priced: Priced = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="How many levels to show; all if absent.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="How many rows of one level to show; all if absent.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Show what a figure was computed from.

    The tree goes down to transactions, prices and rates.
    The tree is computed again from its leaves; exit code 8 says that the book holds another
    figure than they come to.
    """
    from tidebook.analytics import FeeBasis
    from tidebook.book.holding_periods import Term
    from tidebook.engine.explaining import Limits, Question, explain as explained, shown
    from tidebook.model.periods import period_named

    if security is not None and priced not in {None, security}:
        raise typer.BadParameter("two securities are named", param_hint="--security")
    currencies = _currencies(pair)
    question = Question(
        figure,
        portfolio,
        security or priced,
        lot,
        transaction,
        None if leg is None else leg.value,
        day,
        None if period is None else period_named(period),
        *currencies,
        as_of,
        known_at,
        FeeBasis.GROSS if gross else FeeBasis.NET,
        None if term is None else Term(term.value.upper()),
    )
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        found = explained(system.reader, question)
        tree = shown(system.reader, found, Limits(depth, width, _FIGURES_MAX))
    _show(found, tree, invocation.output)
    if found.disagreements:
        raise typer.Exit(Exit.CHECK_FAILED)


def _currencies(pair: str | None) -> tuple[str | None, str | None]:
    if pair is None:
        return None, None
    source, slash, target = pair.partition("/")
    if not (source and slash and target):
        raise typer.BadParameter(f"{pair!r} is no pair; write it as USD/EUR", param_hint="--pair")
    return source, target


def _show(found: Explanation, tree: Shown, output: Output) -> None:
    from tidebook.engine.explaining import faults, lines, notes

    if output is Output.JSON:
        from tidebook.api.routes.explaining import document_of
        from tidebook.cli.output import json_text

        typer.echo(json_text(document_of(found, tree)))
        return
    if output is Output.CSV:
        raise typer.BadParameter("a tree has no form in CSV; ask for table or json")
    for line in (*lines(tree), *notes(found)):
        typer.echo(line)
    for line in faults(found):
        typer.echo(line, err=True)
