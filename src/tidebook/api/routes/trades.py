"""``POST /trades``: one trade of a user, with all that its booking needs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.correlation import correlation_id_of
from tidebook.api.edge import EdgeHere, JsonBody
from tidebook.api.prefer import preference
from tidebook.api.replies import Json, reply
from tidebook.api.rows import bodies
from tidebook.api.rows.trades import TRADES
from tidebook.api.sending import Prefer

if TYPE_CHECKING:
    from tidebook.engine.user_trades import TradeReceipt, UserTrade

router = APIRouter(tags=["users"])

_CREATED, _OK = 201, 200
_MESSAGES = {
    "new": "The trade is durable and will be booked.",
    "known": "The trade was sent before with the same content; nothing has changed.",
    "corrected": "The trade was sent before with another content and is corrected.",
}


@router.post("/trades", **samples.trade())
async def take_trade(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in one trade of a user; the first one makes the user's portfolio."""
    correlation_id = correlation_id_of(request)

    def take() -> tuple[UserTrade, TradeReceipt]:
        trade = bodies.one_fact(body, TRADES, edge.clock.now())
        return trade, edge.desk.trades.take(trade, correlation_id)

    trade, taken = await run_in_threadpool(take)
    asked = preference(prefer or ())
    is_booked = taken.receipt is None
    if asked.wait_seconds is not None and taken.receipt is not None:
        until = partial(edge.commands.wait, taken.receipt, timeout_seconds=asked.wait_seconds)
        waited = await edge.waiting.wait(until)
        is_booked = waited is True
        asked = asked if waited is not None else asked._replace(wait_seconds=None)
    headers = {"Preference-Applied": asked.applied} if asked.applied else {}
    status = _CREATED if taken.outcome == "new" else _OK
    answer = _answer(trade, taken, is_booked=is_booked)
    return reply(answer | {"correlation_id": correlation_id}, status, headers=headers)


def _answer(trade: UserTrade, taken: TradeReceipt, *, is_booked: bool) -> Json:
    return {
        "id": taken.trade_id,
        "status": "accepted",
        "message": _MESSAGES[taken.outcome],
        "outcome": taken.outcome,
        "booked": is_booked,
        "user_id": trade.user_id,
        "portfolio_id": taken.portfolio_id,
        "transaction_ids": [fact.transaction_id for fact in taken.transactions],
    }
