"""POST /explain: the tree under a figure of an answer that was asked for with a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.analytics import Linking, Rebalancing
from tidebook.api import samples
from tidebook.api.edge import EdgeHere, JsonBody
from tidebook.api.replies import reply
from tidebook.api.routes import explaining
from tidebook.api.routes.compliance import order_of
from tidebook.api.routes.measuring import members_of
from tidebook.api.rows.bodies import decoded_object, refusal
from tidebook.api.rows.compliance import orders_in
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire import contribution as wire
from tidebook.engine.explaining import (
    AskedOrders,
    AskedParts,
    Library,
    Limits,
    Question,
    explain,
    shown,
)
from tidebook.engine.measuring.attributing import BenchmarkGroup
from tidebook.engine.measuring.benchmark_returns import index_line
from tidebook.engine.measuring.measured import Scope
from tidebook.engine.users import portfolios_of
from tidebook.errors import InvalidFigureError

if TYPE_CHECKING:
    from tidebook.api.wire.scope import AskedScope
    from tidebook.engine.measuring.measured import Measured
    from tidebook.engine.measuring.performance import NamedPeriod

router = APIRouter(tags=["explain"])

_BODY: Final = Names.of(
    (
        "figure",
        "portfolio_id",
        "user_id",
        "group",
        "period",
        "request",
        "rule_id",
        "amount",
        "row",
        "depth",
        "width",
    )
)


class Asked(NamedTuple):
    """Which figure of which answer, and how much of its tree is shown."""

    question: Question
    limits: Limits


@router.post("/explain", **samples.explain_request())
def explain_answer(edge: EdgeHere, body: JsonBody) -> Response:
    """Return the tree under a figure of an answer, told by the body that the answer was asked with.

    ``request`` is that body, ``period`` the name of one of its periods, ``group`` a row; without
    ``portfolio_id`` the answer is that of several portfolios.
    """
    library = explaining.library_of(edge)
    asked = asked_of(decoded_object(body), library)
    found = explain(edge.reader, asked.question, library)
    return reply(explaining.document_of(found, shown(edge.reader, found, asked.limits)))


def asked_of(document: Mapping[str, object], library: Library) -> Asked:
    """Return a request to explain a figure of another request's answer.

    Raises:
        InvalidRequestError: With every fault of the request.
        InvalidFigureError: If the figure is of no answer to a body, or the period is none of it.
    """
    faults = Faults()
    body = RowReader(document, _BODY, pointer="", faults=faults, now=library.now)
    figure, named = body.identifier("figure"), body.optional_text("period")
    portfolio_id, group = body.optional_text("portfolio_id"), body.optional_text("group")
    user_id, rule_id = body.optional_text("user_id"), body.optional_text("rule_id")
    amount = body.optional_text("amount")
    row = body.whole("row", default=0, most=explaining.ROW_MAX) if body.has("row") else None
    sent = body.fields("request")
    limits = Limits(
        body.whole("depth", default=12, most=explaining.DEPTH_MAX),
        body.whole("width", default=50, most=explaining.WIDTH_MAX),
    )
    if faults.count:
        raise refusal(faults)
    reader = _READERS.get(figure.partition(".")[0])
    if reader is None:
        hint = f"send the body of one of {', '.join(_READERS)}, or ask GET /explain"
        raise InvalidFigureError(figure, "is of no answer to a body", hint=hint)
    request = reader(_Sent(sent, portfolio_id, named, library, user_id))
    question = Question(
        figure, group=group, request=request, rule_id=rule_id, amount=amount, row=row
    )
    return Asked(question, limits)


class _Sent(NamedTuple):
    """The body of the answer's request, whose answer it is, the period and what is read."""

    body: Mapping[str, object]
    portfolio_id: str | None
    period: str | None
    library: Library
    user_id: str | None

    def members(self, scope: AskedScope) -> Scope:
        """Return what is measured."""
        ids = (self.portfolio_id,) if self.portfolio_id else members_of(self.library.reader, scope)
        return Scope(ids, scope.choice, scope.currency, scope.known_at)

    def named(self, figure: str, periods: Sequence[NamedPeriod]) -> NamedPeriod:
        """Return the period that is meant; the only one needs no name."""
        found = [one for one in periods if self.period in {None, one.name}]
        if len(found) == 1:
            return found[0]
        names = ", ".join(one.name for one in periods)
        raise InvalidFigureError(figure, "is of one period", hint=f"name one as period: {names}")

    def last_day(self, scope: AskedScope, found: Measured) -> date:
        """Return the day that periods end on."""
        here = self.library.now.astimezone(ZoneInfo(found.time_zone)).date()
        return scope.as_of or here


def _contribution(sent: _Sent) -> AskedParts:
    of_several = sent.portfolio_id is None
    asked = wire.asked_contribution(sent.body, sent.library.now, of_several=of_several)
    return AskedParts(
        sent.members(asked.scope),
        sent.named("contribution", asked.periods),
        asked.scope.basis,
        partial(sent.last_day, asked.scope),
        asked.dimension,
        asked.linking,
    )


def _attribution(sent: _Sent) -> AskedParts:
    of_several = sent.portfolio_id is None
    asked = wire.asked_attribution(sent.body, sent.library.now, of_several=of_several)
    library = sent.library

    def groups_of(found: Measured) -> list[BenchmarkGroup]:
        last = sent.last_day(asked.scope, found)
        return [
            BenchmarkGroup(each.group, each.weight, total=each.total, local=each.local)
            if each.symbol is None
            else BenchmarkGroup(
                each.group,
                each.weight,
                index_line(
                    found,
                    (each.symbol, Rebalancing.DAILY),
                    library.benchmarks.levels,
                    (library.reader, asked.scope.known_at),
                    last,
                ),
            )
            for each in asked.benchmark
        ]

    return AskedParts(
        sent.members(asked.scope),
        sent.named("attribution", asked.periods),
        asked.scope.basis,
        partial(sent.last_day, asked.scope),
        asked.dimension,
        Linking.CARINO,
        asked.terms,
        groups_of,
    )


def _orders(sent: _Sent) -> AskedOrders:
    user_id, library = sent.user_id or "", sent.library
    asked = orders_in(sent.body, library.now)
    ids = [one.portfolio_id for one in portfolios_of(library.reader, user_id)]
    return AskedOrders(
        tuple(ids),
        tuple(order_of(user_id, one, ids) for one in asked.orders),
        tuple(order_of(user_id, one, ids) for one in asked.still_open),
        asked.at,
    )


_READERS: Final[Mapping[str, Callable[[_Sent], AskedParts | AskedOrders]]] = {
    "contribution": _contribution,
    "attribution": _attribution,
    "order": _orders,
}
