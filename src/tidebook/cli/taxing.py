"""``tidebook tax``: what losses come to for tax."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.output import Answer, Column, Record, write
from tidebook.cli.ruling import User, portfolios_of

if TYPE_CHECKING:
    from tidebook.cli.doors import System
    from tidebook.engine.compliance.ports import Household

taxing = typer.Typer(
    help="What losses come to for tax. Not legal or tax advice.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(taxing, name="tax")

Year = Annotated[int | None, typer.Option(min=1950, max=9998, help="Tax year; this one.")]


@taxing.command("form-8949")
def form_8949(ctx: typer.Context, user: User, *, year: Year = None) -> None:
    """Show the sales of a year as rows of Form 8949; as CSV they are in cents."""
    from tidebook.api.wire.taxes import form_8949_csv, form_8949_of
    from tidebook.engine.compliance.tax_reports import tax_reports

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        asked = year or _this_year(system)
        reports = tax_reports(_household(system, user), asked)
    if invocation.output is Output.CSV:
        typer.echo(form_8949_csv(reports), nl=False)
        return
    records: list[Record] = [
        {**row._asdict(), "currency": one.currency} for one in reports for row in one.rows
    ]
    shown = ("description", "date_sold", "proceeds", "cost_or_other_basis", "code", "adjustment")
    columns = tuple(Column(name, name.replace("_", " ")) for name in (*shown, "gain_or_loss"))
    document = form_8949_of(user, asked, reports)
    _tell(ctx, f"Sales of {user} in {asked}", (columns, records, document))


@taxing.command()
def lots(ctx: typer.Context, user: User) -> None:
    """Show the open lots of a household with their basis for tax."""
    from tidebook.api.wire.taxes import tax_lots_of
    from tidebook.engine.compliance.tax_reports import tax_reports

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        reports = tax_reports(_household(system, user), _this_year(system))
    records: list[Record] = [
        {
            "account": lot.lot.account_id,
            "symbol": lot.lot.security_id,
            "acquired on": lot.acquired_on,
            "held since": lot.held_since,
            "quantity": lot.quantity,
            "cost": lot.cost,
            "deferred": lot.deferred,
            "basis": lot.basis,
        }
        for one in reports
        for lot in one.lots
    ]
    names = ("account", "symbol", "acquired on", "held since", "quantity", "cost", "deferred")
    columns = tuple(Column(name, name) for name in (*names, "basis"))
    document = tax_lots_of(user, reports)
    _tell(ctx, f"Open lots of {user} for tax", (columns, records, document))


@taxing.command("broker-differences")
def broker_differences(ctx: typer.Context, user: User, *, year: Year = None) -> None:
    """Show the sales of a year of which brokers report another disallowed loss, and why."""
    from tidebook.api.wire.taxes import differences_of
    from tidebook.engine.compliance.tax_reports import tax_differences

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        asked = year or _this_year(system)
        found = tax_differences(_household(system, user), asked)
    records: list[Record] = [
        {
            "date": each.on,
            "trade": each.sale_id,
            "account": each.account_id,
            "disallowed": each.disallowed,
            "by the broker": each.disallowed_by_broker,
            "why": ", ".join(each.why),
        }
        for one in found
        for each in one.sales
    ]
    names = ("date", "trade", "account", "disallowed", "by the broker", "why")
    columns = tuple(Column(name, name) for name in names)
    document = differences_of(user, asked, found)
    _tell(ctx, f"Where brokers of {user} report otherwise in {asked}", (columns, records, document))


def _household(system: System, user: str) -> Household:
    return system.compliance.household(portfolios_of(system, user))


def _this_year(system: System) -> int:
    return system.clock.now().astimezone(UTC).year


def _tell(
    ctx: typer.Context,
    title: str,
    said: tuple[tuple[Column, ...], list[Record], dict[str, object]],
) -> None:
    from tidebook.compliance.taxes import NOT_ADVICE

    invocation: Invocation = ctx.obj
    columns, records, document = said
    write(Answer(title, columns, records, document, None, (NOT_ADVICE,)), invocation.output)
