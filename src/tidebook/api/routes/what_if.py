"""The what-if route: what facts would change, without sending them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import EdgeHere, JsonBody
from tidebook.api.replies import reply
from tidebook.api.rows.bodies import decoded_object
from tidebook.api.wire import explained_difference as difference, what_if as wire
from tidebook.engine.explaining import Supposition, explain_difference
from tidebook.engine.whatif import what_if

router = APIRouter(tags=["query"])


@router.post("/portfolios/{portfolio_id:path}/what-if/explain", **samples.what_if_explain())
def what_if_explain(edge: EdgeHere, portfolio_id: str, body: JsonBody) -> Response:
    """Tell where one figure of a what-if comes from: its tree without the facts and with them."""
    now = edge.clock.now()
    document = decoded_object(body)
    asked = difference.asked(document, edge.reader, portfolio_id, now)
    found = explain_difference(edge.reader, asked.question, Supposition(asked.hypothesis, now))
    return reply(difference.document_of(found, edge.reader, asked.limits))


@router.post("/portfolios/{portfolio_id:path}/what-if", **samples.what_if())
def what_if_route(edge: EdgeHere, portfolio_id: str, body: JsonBody) -> Response:
    """Tell what would be different if facts were sent; nothing is written."""
    now = edge.clock.now()
    asked = wire.supposed(decoded_object(body), edge.reader, now, commits=False)
    preview = what_if(edge.reader, portfolio_id, asked.hypothesis, asked.question)
    return reply(wire.preview_json(preview))
