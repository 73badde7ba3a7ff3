"""``tidebook actions``: corporate actions as they were sent, and what they did in a portfolio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.output import Answer, Column, Record, write
from tidebook.cli.reading import AsOf, KnownAt, Security

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.views import ActionView, AppliedActionsView, AppliedActionView
    from tidebook.model.actions import CorporateAction

_TERMS = (
    Column("ex_date", "ex-date"),
    Column("action_id", "action"),
    Column("action_type", "type"),
    Column("security_id", "security"),
    Column("new_units", "new", "exact"),
    Column("old_units", "for", "exact"),
    Column("to_security_id", "to"),
    Column("cash_per_unit", "cash per unit", "exact"),
    Column("cash_currency", ""),
)


@app.command()
def actions(
    ctx: typer.Context,
    portfolio: Annotated[
        str | None,
        typer.Argument(
            metavar="[PF]", help="Show what they did in this portfolio.", show_default=False
        ),
    ] = None,
    *,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
) -> None:
    """List corporate actions, or what they did in a portfolio."""
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        if portfolio is None:
            found = system.reader.actions(security, known_at=known_at)
            listed = [one for one in found if as_of is None or one.action.ex_date <= as_of]
            answer = actions_answer(listed)
        else:
            answer = applied_answer(
                system.reader.applied_actions(
                    portfolio, security_id=security, as_of=as_of, known_at=known_at
                )
            )
    write(answer, invocation.output)


def actions_answer(views: Sequence[ActionView]) -> Answer:
    """Return corporate actions as they are in force or were cancelled."""
    records = [
        {
            **_terms(view.action),
            "portfolio_id": view.action.portfolio_id,
            "version": view.version,
            "status": view.status,
            "recorded_at": view.recorded_at,
        }
        for view in views
    ]
    columns = (*_TERMS, Column("portfolio_id", "only in"), Column("status", "status"))
    note = f"{len(records)} corporate actions"
    return Answer("corporate actions", columns, records, {"actions": records}, None, (note,))


def applied_answer(view: AppliedActionsView) -> Answer:
    """Return the corporate actions that moved a portfolio, or wait there."""
    from tidebook.cli.answers import freshness_note, freshness_record, sum_of, title_of

    base = view.portfolio.base_currency
    records = [_applied(one) for one in view.actions]
    total: Record = {"ex_date": "total", "realised_base": sum_of(records, "realised_base")}
    return Answer(
        title_of("corporate actions", view.portfolio),
        (
            *_TERMS,
            Column("quantity", "quantity", "exact"),
            Column("realised_base", f"realised {base}", "amount"),
            Column("status", "status"),
        ),
        records,
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "base_currency": base,
            "freshness": freshness_record(view.freshness),
            "actions": records,
            "totals": {"realised_base": total["realised_base"]},
        },
        total,
        (freshness_note(view.freshness),),
    )


def _applied(view: AppliedActionView) -> Record:
    main = next((entry for entry in view.entries if entry.leg == "main"), None)
    return {
        **_terms(view.action),
        "transaction_id": view.transaction_id,
        "quantity": main.quantity if main else None,
        "realised_local": main.realised_local if main else None,
        "realised_base": main.realised_base if main else None,
        "version": view.version,
        "status": view.status,
        "recorded_at": view.recorded_at,
        "findings": "; ".join(finding.sentence for finding in view.findings) or None,
    }


def _terms(action: CorporateAction) -> Record:
    return {
        "action_id": action.action_id,
        "action_type": action.type.value,
        "security_id": action.security_id,
        "ex_date": action.ex_date,
        "new_units": action.new_units,
        "old_units": action.old_units,
        "to_security_id": action.to_security_id,
        "cost_fraction": action.cost_fraction,
        "cash_per_unit": action.cash_per_unit,
        "cash_currency": action.cash_currency,
        "note": action.note,
    }
