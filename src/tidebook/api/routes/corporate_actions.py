"""The read routes of corporate actions: as they were sent, and what they did in a portfolio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Day, EdgeHere, Instant, Text
from tidebook.api.replies import Json, amount, amount_or_null, instant, instant_or_null, reply
from tidebook.api.wire import shapes

if TYPE_CHECKING:
    from tidebook.engine.views import ActionView, AppliedActionView
    from tidebook.model.actions import CorporateAction

router = APIRouter(tags=["query"])


@router.get("/corporate-actions/", **samples.answer("corporate_actions"))
def corporate_actions(
    edge: EdgeHere, *, security_id: Text = None, known_at: Instant = None
) -> Response:
    """List corporate actions by ex-date, cancelled ones too: all, or those of one security."""
    found = edge.reader.actions(security_id, known_at=known_at)
    return reply(
        {
            "corporate_actions": [_action_of(view) for view in found],
            "known_at": instant_or_null(known_at),
        }
    )


@router.get(
    "/portfolios/{portfolio_id:path}/corporate-actions", **samples.answer("applied_actions")
)
def applied_actions(
    edge: EdgeHere,
    portfolio_id: str,
    *,
    security_id: Text = None,
    start_date: Day = None,
    end_date: Day = None,
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """Return the corporate actions that did something in a portfolio, or wait, and their gains."""
    last = min((day for day in (end_date, as_of) if day is not None), default=None)
    view = edge.reader.applied_actions(
        portfolio_id, security_id=security_id, start=start_date, as_of=last, known_at=known_at
    )
    return reply(
        {
            "portfolio_id": portfolio_id,
            "corporate_actions": [_applied_of(one) for one in view.actions],
            "freshness": shapes.freshness_of(view.freshness),
        }
    )


def _terms(action: CorporateAction) -> Json:
    return {
        "action_id": action.action_id,
        "action_type": action.type.value,
        "security_id": action.security_id,
        "ex_date": action.ex_date.isoformat(),
        "new_units": amount(action.new_units),
        "old_units": amount(action.old_units),
        "to_security_id": action.to_security_id,
        "cost_fraction": amount_or_null(action.cost_fraction),
        "cash_per_unit": amount(action.cash_per_unit),
        "cash_currency": action.cash_currency,
    }


def _action_of(view: ActionView) -> Json:
    return {
        **_terms(view.action),
        "portfolio_id": view.action.portfolio_id,
        "note": view.action.note,
        "version": view.version,
        "status": view.status,
        "recorded_at": instant(view.recorded_at),
    }


def _applied_of(view: AppliedActionView) -> Json:
    gaining = next((entry for entry in view.entries if entry.realised_base is not None), None)
    return {
        **_terms(view.action),
        "note": view.action.note,
        "version": view.version,
        "status": view.status,
        "recorded_at": instant(view.recorded_at),
        "transaction_id": view.transaction_id,
        "realized_gain_loss": None if gaining is None else amount_or_null(gaining.realised_base),
        "realized_gain_loss_local": (
            None if gaining is None else amount_or_null(gaining.realised_local)
        ),
        "entries": [shapes.entry_of(entry) for entry in view.entries],
        "findings": [shapes.finding_of(finding) for finding in view.findings],
    }
