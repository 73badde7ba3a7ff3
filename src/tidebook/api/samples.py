"""What the documentation shows: for every route its request, an example of it and of the answer.

The examples live in two files beside this module; a test holds their shapes equal to what
the routes take and answer.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import msgspec
from starlette.responses import Response

from tidebook.api.replies import PROBLEM_TYPE, Json
from tidebook.api.rows.kinds import TRANSACTIONS, Door
from tidebook.api.rows.reader import camel
from tidebook.api.rows.trades import TRADES, TradeSide
from tidebook.api.rows.transaction_types import TYPES
from tidebook.model.actions import ActionType
from tidebook.model.cancellations import FactKind
from tidebook.model.instruments import OptionRight
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RouteOptions = dict[str, Any]

_NUMBERS = frozenset(
    {
        "quantity",
        "qty",
        "fee",
        "price",
        "gross_transaction_amount",
        "trade_fee",
        "tax",
        "accrued_interest",
        "transaction_fx_rate",
        "to_quantity",
        "rate",
        "multiplier",
        "strike",
        "short_term_tax_rate",
        "long_term_tax_rate",
        "long_term_months",
        "new_units",
        "old_units",
        "cost_fraction",
        "cash_per_unit",
        "tolerance",
    }
)
_DATES = frozenset(
    {
        "open_date",
        "close_date",
        "price_date",
        "rate_date",
        "business_date",
        "ex_date",
        "assertion_date",
        "expires_on",
        "from",
    }
)
_WORDS: Mapping[str, Iterable[str]] = {
    "transaction_type": TYPES,
    "action_type": ActionType,
    "cost_basis_method": CostMethod,
    "method": CostMethod,
    "settlement": Settlement,
    "option_right": OptionRight,
    "kind": FactKind,
    "side": TradeSide,
}
_LISTS: Mapping[str, tuple[str, ...]] = {
    "lots": ("lot_id", "quantity"),
    "cost_basis_method_changes": ("from", "method"),
}
_OBJECTS = frozenset({"raw"})
_FLAGS = frozenset({"is_leverage_allowed", "allow_short", "cancelled"})
_PROBLEM_REPLY: Json = {
    "description": "A refusal, as a problem document (RFC 9457)",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA: Json = {
    "title": "Problem",
    "type": "object",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "hint",
        "correlation_id",
        "errors",
    ],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "stable; what programs may rely on"},
        "hint": {"type": "string", "description": "what to do about it"},
        "correlation_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "errors_unlisted": {"type": "integer", "description": "faults beyond the listed hundred"},
    },
}


@cache
def examples() -> dict[str, Json]:
    """Return every example by name."""
    folder = files("tidebook.api")
    found: dict[str, Json] = {}
    for name in ("samples.json", "samples_measures.json", "samples_roles.json"):
        found |= cast("dict[str, Json]", msgspec.json.decode((folder / name).read_bytes()))
    return found


def answer(name: str) -> RouteOptions:
    """Return what a read route says of itself."""
    return {"response_class": Response, "responses": _responses(200, "The answer", name)}


def ingestion(door: Door[Any]) -> RouteOptions:
    """Return what a write route for a list of rows says of itself."""
    schema: Json = {
        "type": "object",
        "required": [door.wrapper],
        "properties": {door.wrapper: {"type": "array", "items": row_schema(door)}},
    }
    body: Json = {door.wrapper: [examples()[f"row:{door.wrapper}"]]}
    return _writing(schema, body, "queued", status=202)


def single_transaction() -> RouteOptions:
    """Return what the write route for one transaction says of itself."""
    example = examples()["row:transactions"]
    return _writing(row_schema(TRANSACTIONS), example, "queued_single", status=201)


def reprocessing() -> RouteOptions:
    """Return what the reprocessing route says of itself."""
    schema: Json = {
        "type": "object",
        "required": ["transaction_ids"],
        "properties": {"transaction_ids": {"type": "array", "items": {"type": "string"}}},
    }
    return _writing(schema, {"transaction_ids": ["T-1"]}, "queued", status=202)


def performance() -> RouteOptions:
    """Return what the time-weighted route says of itself."""
    return _asking("performance_request", "performance")


def money_weighted() -> RouteOptions:
    """Return what the money-weighted route says of itself."""
    return _asking("mwr_request", "mwr")


def performance_of_several() -> RouteOptions:
    """Return what the time-weighted route for several portfolios says of itself."""
    return _asking("performance_of_several_request", "performance_of_several")


def money_weighted_of_several() -> RouteOptions:
    """Return what the money-weighted route for several portfolios says of itself."""
    return _asking("mwr_of_several_request", "mwr_of_several")


def risk() -> RouteOptions:
    """Return what the risk route says of itself."""
    return _asking("risk_request", "risk")


def risk_of_several() -> RouteOptions:
    """Return what the risk route for several portfolios says of itself."""
    return _asking("risk_of_several_request", "risk_of_several")


def contribution() -> RouteOptions:
    """Return what the contribution route says of itself."""
    return _asking("contribution_request", "contribution")


def attribution() -> RouteOptions:
    """Return what the attribution route says of itself."""
    return _asking("attribution_request", "attribution")


def contribution_of_several() -> RouteOptions:
    """Return what the contribution route for several portfolios says of itself."""
    return _asking("contribution_of_several_request", "contribution_of_several")


def attribution_of_several() -> RouteOptions:
    """Return what the attribution route for several portfolios says of itself."""
    return _asking("attribution_of_several_request", "attribution_of_several")


def what_if() -> RouteOptions:
    """Return what the what-if route says of itself."""
    return _asking("what_if_request", "what_if")


def what_if_explain() -> RouteOptions:
    """Return what the route that explains a what-if says of itself."""
    return _asking("what_if_explain_request", "what_if_explain")


def explain_request() -> RouteOptions:
    """Return what the route that explains an answer to a body says of itself."""
    return _asking("explain_request", "explain_answer")


def what_if_commit() -> RouteOptions:
    """Return what the route that commits a what-if says of itself."""
    return _writing({"type": "object"}, examples()["what_if_commit_request"], "queued", status=202)


def compliance_check() -> RouteOptions:
    """Return what the route that judges orders says of itself."""
    return _asking("compliance_check_request", "compliance_check")


def compliance_policy() -> RouteOptions:
    """Return what the route that states what kind of account it is says of itself."""
    return _asking("compliance_policy_request", "compliance_policy")


def compliance_acknowledgement() -> RouteOptions:
    """Return what the route for acknowledgements says of itself."""
    example = examples()["compliance_acknowledgement_request"]
    return {
        "response_class": Response,
        "status_code": 201,
        "responses": _responses(201, "It is kept", "compliance_acknowledgement"),
        "openapi_extra": _request_body({"type": "object"}, example),
    }


def trade() -> RouteOptions:
    """Return what the route for a user's trade says of itself."""
    responses = _responses(201, "The trade is durable and will be booked", "trade")
    responses[200] = _example("The trade was known already, or is corrected", "trade_known")
    return {
        "response_class": Response,
        "status_code": 201,
        "responses": responses,
        "openapi_extra": _request_body(row_schema(TRADES), examples()["trade_request"]),
    }


def benchmark_update() -> RouteOptions:
    """Return what the route that starts an update of benchmarks says of itself."""
    return {
        "response_class": Response,
        "status_code": 202,
        "responses": _responses(202, "An update runs", "benchmark_update"),
    }


def live_events() -> RouteOptions:
    """Return what the route that sends live events says of itself."""
    return {
        "response_class": Response,
        "status_code": 202,
        "responses": _responses(202, "The events are with the bus", "live_events"),
        "openapi_extra": _request_body({"type": "object"}, examples()["live_events_request"]),
    }


def live_stream() -> RouteOptions:
    """Return what the route that pushes snapshots says of itself."""
    example = 'id: 7\nevent: snapshot\ndata: {"portfolio_id": "P-1", "total_equity": 11068.18}\n\n'
    told = {"description": "Snapshots", "content": {"text/event-stream": {"example": example}}}
    return {"response_class": Response, "responses": {200: told, "default": _PROBLEM_REPLY}}


def metrics() -> RouteOptions:
    """Return what the route for metrics says of itself."""
    example = "# TYPE tidebook_database_up gauge\ntidebook_database_up 1.0\n"
    told = {"description": "The metrics", "content": {"text/plain": {"example": example}}}
    return {"response_class": Response, "responses": {200: told, "default": _PROBLEM_REPLY}}


def row_schema(door: Door[Any]) -> Json:
    """Return the schema of one row; every name may also be spelt in camelCase."""
    required = [name for name in door.fields if name in door.required]
    described = {"description": "Every name may be spelt in snake_case or camelCase."}
    return {**_object_schema(door.fields, required), **described}


def _object_schema(names: Iterable[str], required: Iterable[str]) -> Json:
    return {
        "type": "object",
        "required": list(required),
        "properties": {name: _field_schema(name) for name in names},
    }


def _field_schema(name: str) -> Json:
    spelling = f"also {camel(name)}" if camel(name) != name else ""
    if name in _NUMBERS:
        kind: Json = {"type": ["string", "number"], "format": "decimal"}
    elif name in _FLAGS:
        kind = {"type": "boolean"}
    elif name in _WORDS:
        kind = {"type": "string", "enum": list(_WORDS[name])}
    elif name in _OBJECTS:
        kind = {"type": "object"}
    elif name in _LISTS:
        kind = {"type": "array", "items": _object_schema(_LISTS[name], _LISTS[name])}
    else:
        kind = {"type": "string", **({"format": "date"} if name in _DATES else {})}
    return {**kind, **({"description": spelling} if spelling else {})}


def _asking(request: str, answered: str) -> RouteOptions:
    return {
        "response_class": Response,
        "responses": _responses(200, "The answer", answered),
        "openapi_extra": _request_body({"type": "object"}, examples()[request]),
    }


def _writing(schema: Json, example: Json, answered: str, *, status: int) -> RouteOptions:
    responses = _responses(status, "The facts are durable and will be booked", answered)
    responses[201] = responses.get(201) or _example("The facts are booked", "booked")
    return {
        "response_class": Response,
        "status_code": status,
        "responses": responses,
        "openapi_extra": _request_body(schema, example),
    }


def _request_body(schema: Json, example: Json) -> Json:
    media = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": media}}


def _responses(status: int, description: str, name: str) -> dict[int | str, Json]:
    return {status: _example(description, name), "default": _PROBLEM_REPLY}


def _example(description: str, name: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"example": examples()[name]}},
    }
