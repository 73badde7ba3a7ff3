"""The routes that take a result apart: contribution, attribution and the bridge."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidebook.analytics import Rebalancing
from tidebook.api import samples
from tidebook.api.edge import Day, Edge, EdgeHere, Instant, JsonBody, day_in
from tidebook.api.etags import Question, tagged, tagged_beside_benchmarks, tagged_question
from tidebook.api.replies import Json, reply
from tidebook.api.routes.measuring import Asking, members_of, read_by_now, told_of
from tidebook.api.rows.bodies import decoded_object
from tidebook.api.wire import contribution as wire, shapes
from tidebook.api.wire.scope import AskedScope
from tidebook.engine.measuring.attributing import BenchmarkGroup, attribution
from tidebook.engine.measuring.benchmark_returns import index_line
from tidebook.engine.measuring.bridging import bridge
from tidebook.engine.measuring.broken_down import BrokenDown
from tidebook.engine.measuring.contributing import contribution
from tidebook.engine.measuring.index_lines import blend_of
from tidebook.engine.measuring.measured import Scope
from tidebook.engine.measuring.parts import Dimension
from tidebook.engine.measuring.performance import NamedPeriod
from tidebook.model.periods import period_named

router = APIRouter(tags=["measures"])


@router.post("/portfolios/contribution", **samples.contribution_of_several())
def contributions_of_several(edge: EdgeHere, body: JsonBody) -> Response:
    """Return what each group of holdings added to the return of several portfolios together."""
    asked = wire.asked_contribution(decoded_object(body), edge.clock.now(), of_several=True)
    return reply(_contributions(edge, members_of(edge.reader, asked.scope), asked))


@router.post("/portfolios/attribution", **samples.attribution_of_several())
def attributions_of_several(edge: EdgeHere, body: JsonBody) -> Response:
    """Return why several portfolios together returned something else than a benchmark."""
    asked = wire.asked_attribution(decoded_object(body), edge.clock.now(), of_several=True)
    return reply(_attributions(edge, members_of(edge.reader, asked.scope), asked))


@router.post("/portfolios/{portfolio_id:path}/contribution", **samples.contribution())
def contributions(edge: EdgeHere, request: Request, portfolio_id: str, body: JsonBody) -> Response:
    """Return what each group of holdings added to the return, as percent numbers."""
    asked = wire.asked_contribution(decoded_object(body), edge.clock.now())
    return tagged_question(
        edge,
        request,
        Question(portfolio_id, body, asked.scope.as_of),
        lambda: reply(_contributions(edge, (portfolio_id,), asked)),
    )


@router.post("/portfolios/{portfolio_id:path}/attribution", **samples.attribution())
def attributions(edge: EdgeHere, request: Request, portfolio_id: str, body: JsonBody) -> Response:
    """Return why the return was another than the benchmark's, as percent numbers."""
    asked = wire.asked_attribution(decoded_object(body), edge.clock.now())
    question = Question(portfolio_id, body, asked.scope.as_of, asked.scope.known_at)
    answer = partial(_attributions, edge, (portfolio_id,), asked)
    named = [each.symbol for each in asked.benchmark if each.symbol is not None]
    if not named:
        return tagged_question(edge, request, question, lambda: reply(answer()))
    symbols = tuple(part.symbol for text in named for part in blend_of(text).parts)
    return tagged_beside_benchmarks(edge, request, question._replace(symbols=symbols), answer)


@router.get("/portfolios/{portfolio_id:path}/bridge", **samples.answer("bridge"))
def value_bridge(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    period: Annotated[str, Query(max_length=50)] = "SI",
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """Return how the value at the start of a period became that at its end, exact."""
    asked = period_named(period)

    def answer() -> Response:
        portfolio = edge.reader.portfolio(portfolio_id, known_at=known_at)
        last = as_of or day_in(edge, portfolio.time_zone)
        freshness = edge.reader.freshness(portfolio_id, as_of=as_of, known_at=known_at)
        freshness = freshness._replace(known_at=freshness.known_at or edge.clock.now())
        found = bridge(edge.reader, portfolio_id, asked, last, known_at)
        told = wire.bridge_json(found, portfolio_id)
        return reply({**told, "freshness": shapes.freshness_of(freshness)})

    return tagged(edge, request, portfolio_id, answer)


def _contributions(
    edge: Edge, portfolio_ids: tuple[str, ...], asked: wire.AskedContribution
) -> Json:
    found, asking_for = _broken_down(
        edge, portfolio_ids, asked.scope, asked.periods, asked.dimension
    )
    periods = contribution(found, asking_for.request, asked.linking)
    return wire.contributions_json(periods, asked, asking_for.about())


def _attributions(edge: Edge, portfolio_ids: tuple[str, ...], asked: wire.AskedAttribution) -> Json:
    found, asking_for = _broken_down(
        edge, portfolio_ids, asked.scope, asked.periods, asked.dimension
    )
    benchmark = [_group(edge, each, asking_for, asked.scope) for each in asked.benchmark]
    periods = attribution(found, benchmark, asking_for.request, asked.terms)
    return wire.attribution_json(periods, asked, read_by_now(edge, asking_for, asked.scope).about())


def _broken_down(
    edge: Edge,
    portfolio_ids: tuple[str, ...],
    scope: AskedScope,
    periods: tuple[NamedPeriod, ...],
    dimension: Dimension,
) -> tuple[BrokenDown, Asking]:
    wanted = Scope(portfolio_ids, scope.choice, scope.currency, scope.known_at)
    found = edge.breakdowns.of(edge.reader, wanted, periods, dimension)
    return found, told_of(edge, found.whole, scope, periods)


def _group(edge: Edge, asked: wire.AskedGroup, found: Asking, scope: AskedScope) -> BenchmarkGroup:
    if asked.symbol is None:
        return BenchmarkGroup(asked.group, asked.weight, total=asked.total, local=asked.local)
    levels_of = edge.desk.benchmarks.levels
    line = index_line(
        found.measured,
        (asked.symbol, Rebalancing.DAILY),
        levels_of,
        (edge.reader, scope.known_at),
        found.request.as_of,
    )
    return BenchmarkGroup(asked.group, asked.weight, line)
