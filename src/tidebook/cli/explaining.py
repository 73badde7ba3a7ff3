"""``tidebook explain``: the tree under a figure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypedDict

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit
from tidebook.cli.reading import AsOf, KnownAt, day as day_of

if TYPE_CHECKING:
    from tidebook.analytics import Rebalancing
    from tidebook.cli.doors import System
    from tidebook.engine.explaining import Explanation, Limits, Question, Shown

_FIGURES_MAX: Final = 1_000_000


class _Named(TypedDict, total=False):
    """Terms that are named with ``--of``."""

    rule_id: str
    amount: str
    row: int
    currency: str
    benchmark: str
    start_date: date
    end_date: date
    rebalancing: Rebalancing


class Leg(StrEnum):
    """Which of the two entries of a transaction is meant."""

    MAIN = "main"
    CASH = "cash"


class Held(StrEnum):
    """Which realised gains a sum is of."""

    SHORT = "short"
    LONG = "long"


Deep = Annotated[int | None, typer.Option(min=1, help="How many levels to show; all if absent.")]
Wide = Annotated[
    int | None, typer.Option(min=1, help="How many rows of one level to show; all if absent.")
]
Transacted = Annotated[
    str | None, typer.Option(metavar="ID", help="What one transaction reported and did.")
]
OnDay = Annotated[
    date | None, typer.Option(parser=day_of, metavar="DAY", help="A day of the daily series.")
]
OfTerm = Annotated[Held | None, typer.Option(help="Sums of gains held short or long term alone.")]
OfUser = Annotated[
    str | None, typer.Option(metavar="ID", help="Whose figures, over all portfolios of a user.")
]
Of = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="What else a figure is of, such as rule_id or row."),
]
Lots = Annotated[str | None, typer.Option(metavar="ID", help="One lot of the security.")]
OfPeriod = Annotated[
    str | None, typer.Option(help="MTD, QTD, YTD, 1Y, 3Y, 5Y, SI, a year, or FROM:TO.")
]
OfGroup = Annotated[
    str | None, typer.Option(metavar="NAME", help="A row of a contribution or an attribution.")
]
Sent = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The JSON body that the answer was asked with; --period names one of its periods.",
    ),
]
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
    lot: Lots = None,
    transaction: Transacted = None,
    leg: Annotated[Leg | None, typer.Option(help="Its entry on the security or on cash.")] = None,
    day: OnDay = None,
    period: OfPeriod = None,
    gross: Annotated[bool, typer.Option("--gross", help="A return before fees.")] = False,
    term: OfTerm = None,
    pair: Pair = None,
    group: OfGroup = None,
    request: Sent = None,
    user: OfUser = None,
    of: Of = None,
    priced: Priced = None,
    depth: Deep = None,
    width: Wide = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Show what a figure was computed from.

    The tree goes down to transactions, prices and rates, and
    is computed again from its leaves; exit code 8 says that the book holds another
    figure than they come to.
    """
    from tidebook.analytics import FeeBasis
    from tidebook.book.holding_periods import Term
    from tidebook.engine.explaining import Limits, Question
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
        None if period is None or request is not None else period_named(period),
        *currencies,
        as_of,
        known_at,
        FeeBasis.GROSS if gross else FeeBasis.NET,
        None if term is None else Term(term.value.upper()),
        group,
        user_id=user,
        **_named(of or []),
    )
    sent = None if request is None else {"period": period, "request": _document(request)}
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        found, tree = _drawn(system, question, Limits(depth, width, _FIGURES_MAX), sent)
    _show(found, tree, invocation.output)
    if found.disagreements:
        raise typer.Exit(Exit.CHECK_FAILED)


def _named(of: list[str]) -> _Named:
    """Return the terms that have no option of their own."""
    from tidebook.analytics import Rebalancing

    found: _Named = {}
    for text in of:
        name, _, value = text.partition("=")
        match name:
            case "rule_id" | "amount" | "currency" | "benchmark" if value:
                found[name] = value
            case "start_date" | "end_date" if value:
                found[name] = day_of(value)
            case "row" if value.isdigit():
                found["row"] = int(value)
            case "rebalancing" if value.upper() in Rebalancing.__members__:
                found["rebalancing"] = Rebalancing[value.upper()]
            case _:
                known = ", ".join(_Named.__annotations__)
                reason = f"{text!r} is none of {known} with a value that it takes"
                raise typer.BadParameter(reason, param_hint="--of")
    return found


def _document(path: Path) -> Mapping[str, object]:
    """Return the body of a request as it lies in a file."""
    from tidebook.api.rows.bodies import decoded_object

    try:
        return decoded_object(path.read_bytes())
    except OSError as fault:
        reason = f"{path} cannot be read: {fault.strerror}"
        raise typer.BadParameter(reason, param_hint="--request") from fault


def _drawn(
    system: System, question: Question, limits: Limits, sent: Mapping[str, object] | None
) -> tuple[Explanation, Shown]:
    from tidebook.engine.explaining import Library, explain as explained, shown

    now = system.clock.now()
    library = Library(system.reader, system.benchmarks, system.compliance, now)
    if sent is not None:
        from tidebook.api.routes.explaining_requests import asked_of

        named = {name: question._asdict()[name] for name in ("figure", "portfolio_id", "group")}
        told = {name: value for name, value in {**named, **sent}.items() if value is not None}
        question = asked_of(told, library).question
    found = explained(system.reader, question, library)
    return found, shown(system.reader, found, limits)


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
