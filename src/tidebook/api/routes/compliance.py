"""The routes about rules: what they say of trades, of orders to come, and what they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.correlation import correlation_id_of
from tidebook.api.edge import Day, Edge, EdgeHere, Instant, JsonBody, today
from tidebook.api.replies import Json, reply
from tidebook.api.rows import account_policies, compliance as rows
from tidebook.api.wire import (
    account_policies as policy_wire,
    account_standings as account_wire,
    compliance as wire,
)
from tidebook.compliance.taxes import NOT_ADVICE
from tidebook.engine.compliance.accounts import account_standings
from tidebook.engine.compliance.acknowledging import Said, acknowledged
from tidebook.engine.compliance.open_orders import check_with_open
from tidebook.engine.compliance.pretrade import Order, account_of_order
from tidebook.engine.compliance.unbooked import not_booked
from tidebook.engine.users import portfolios_of
from tidebook.errors import UnknownVerdictError

router = APIRouter(tags=["compliance"])

_CREATED = 201
AUDITS_MAX = 1000


@router.get("/compliance/rules", **samples.answer("compliance_rules"))
def rules(edge: EdgeHere, as_of: Day = None) -> Response:
    """Return every version of every rule, with its parameters and its source."""
    return reply(wire.rules_json(as_of or today(edge)))


@router.get("/users/{user_id:path}/compliance", **samples.answer("user_compliance"))
def compliance(
    edge: EdgeHere,
    user_id: str,
    *,
    limit: Annotated[int, Query(ge=1, le=AUDITS_MAX)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
    not_applicable: bool = False,
    known_at: Instant = None,
) -> Response:
    """Return what the rules say of a user's trades, latest first; ``skip`` counts trades."""
    ids = _portfolios(edge, user_id)
    page = edge.compliance.verdicts(ids, skip=skip, limit=limit, known_at=known_at)
    audited = wire.Audited(user_id, page, not_booked(edge.reader, ids, known_at))
    return reply(wire.audits_of(audited, limit=limit, with_inapplicable=not_applicable))


@router.get(
    "/users/{user_id:path}/compliance/trades/{trade_id:path}",
    **samples.answer("compliance_history"),
)
def history(edge: EdgeHere, user_id: str, trade_id: str) -> Response:
    """Return all that was ever said of a trade, oldest first."""
    ids = _portfolios(edge, user_id)
    kept = edge.compliance.history(ids, trade_id)
    if not kept:
        raise UnknownVerdictError(trade_id)
    seen = [
        one
        for one in edge.compliance.verdicts(ids, limit=1).acknowledgements
        if one.transaction_id == trade_id
    ]
    return reply({"trade_id": trade_id} | wire.history_of(user_id, kept, seen))


@router.get("/users/{user_id:path}/compliance/accounts", **samples.answer("compliance_accounts"))
def accounts(edge: EdgeHere, user_id: str, as_of: Day = None) -> Response:
    """Return where the accounts of a user and the household stand when a day is over."""
    household = edge.compliance.household(_portfolios(edge, user_id))
    found = account_standings(household, as_of or today(edge))
    return reply(account_wire.standings_of(user_id, found))


@router.post("/users/{user_id:path}/compliance/check", **samples.compliance_check())
def check(edge: EdgeHere, user_id: str, body: JsonBody) -> Response:
    """Judge orders before they are sent; nothing is stored."""
    sent = rows.orders_of(body, edge.clock.now())
    known = {one.portfolio_id: one for one in portfolios_of(edge.reader, user_id)}
    checked = check_with_open(
        lambda orders: edge.orders.check(list(known), orders, sent.at),
        [order_of(user_id, one, list(known)) for one in sent.orders],
        [order_of(user_id, one, list(known)) for one in sent.still_open],
    )
    answer: Json = {
        "user_id": user_id,
        "allowed": all(one.check.is_allowed for one in checked),
        "orders": [wire.order_check_of(one) for one in checked],
        "disclaimer": NOT_ADVICE,
    }
    return reply(answer)


@router.get(
    "/users/{user_id:path}/compliance/acknowledgements",
    **samples.answer("compliance_acknowledgements"),
)
def acknowledgements(
    edge: EdgeHere,
    user_id: str,
    *,
    limit: Annotated[int, Query(ge=1, le=AUDITS_MAX)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
    known_at: Instant = None,
) -> Response:
    """Return who let which verdicts of a user's trades stand, and why, latest first."""
    page = edge.compliance.verdicts(_portfolios(edge, user_id), limit=1, known_at=known_at)
    kept = page.acknowledgements[::-1]
    found = wire.acknowledgements_of(user_id, kept[skip : skip + limit], total=len(kept))
    return reply(found)


@router.post(
    "/users/{user_id:path}/compliance/acknowledgements", **samples.compliance_acknowledgement()
)
def acknowledge(request: Request, edge: EdgeHere, user_id: str, body: JsonBody) -> Response:
    """Keep for ever that someone has seen a verdict and lets it stand, and why."""
    now = edge.clock.now()
    seen = rows.seen_of(body, now)
    names = wire.rule_ids_of(seen.rule_id)
    said = Said(seen.trade_id, seen.rule_id, names, seen.actor, seen.reason)
    kept = acknowledged(
        edge.compliance, _portfolios(edge, user_id), said, correlation_id_of(request), now
    )
    answer = {"trade_id": seen.trade_id, "rule_id": kept.rule_id}
    return reply(answer | wire.acknowledgement_of(kept), _CREATED)


@router.get(
    "/portfolios/{portfolio_id:path}/compliance/policy", **samples.answer("compliance_policy")
)
def policy(edge: EdgeHere, portfolio_id: str) -> Response:
    """Return what is stated of an account; what nobody stated is taken as shown."""
    edge.reader.portfolio(portfolio_id)
    return reply(policy_wire.policy_answer(portfolio_id, edge.compliance.policy(portfolio_id)))


@router.put("/portfolios/{portfolio_id:path}/compliance/policy", **samples.compliance_policy())
def put_policy(edge: EdgeHere, portfolio_id: str, body: JsonBody) -> Response:
    """State what kind of account a portfolio is, from a day on; its trades are judged again."""
    now = edge.clock.now()
    edge.compliance.save_policy(portfolio_id, account_policies.policy_of(body, now), now)
    return reply(policy_wire.policy_answer(portfolio_id, edge.compliance.policy(portfolio_id)))


def order_of(user_id: str, sent: rows.OrderSent, known: list[str]) -> Order:
    """Return an order as it is judged, on the account of the user that it names."""
    return Order(
        sent.order_id,
        account_of_order(user_id, sent.account_id, known),
        sent.symbol,
        sent.side,
        sent.quantity,
        sent.price,
        sent.asset_class,
    )


def _portfolios(edge: Edge, user_id: str) -> list[str]:
    return [one.portfolio_id for one in portfolios_of(edge.reader, user_id)]
