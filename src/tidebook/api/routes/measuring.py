"""The routes that measure: what portfolios, groups of them and parts of them returned."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import NamedTuple

from fastapi import APIRouter
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Edge, EdgeHere, JsonBody, day_in
from tidebook.api.etags import Question, tagged_beside_benchmarks, tagged_question
from tidebook.api.formats import Accept, told_as
from tidebook.api.replies import Json, reply
from tidebook.api.rows.bodies import decoded_object
from tidebook.api.wire import performance as wire, risk as risk_wire, series_tables, shapes
from tidebook.api.wire.scope import AskedScope, choice_json
from tidebook.engine.measuring.benchmark_returns import index_line
from tidebook.engine.measuring.index_lines import blend_of
from tidebook.engine.measuring.many_returns import returns_of_each
from tidebook.engine.measuring.measured import Measured, Scope, measured
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    day_coverage,
    money_weighted_performance,
    performance,
)
from tidebook.engine.measuring.risk import risk
from tidebook.engine.measuring.ruled import ruled_performance
from tidebook.engine.ports import Reader
from tidebook.errors import NoPortfoliosError

router = APIRouter(tags=["measures"])


class Asking(NamedTuple):
    """What a request measures: the series, the day it is as of, and the periods."""

    measured: Measured
    request: Request
    scope: Json

    def about(self, *, with_basis: bool = True) -> Json:
        """Return what the answer says of itself.

        Money-weighted returns have no fee basis: fees are flows of the owner.
        """
        basis = {"net_or_gross": self.request.basis.value} if with_basis else {}
        as_of = self.request.as_of
        return {
            "scope": {"as_of_date": as_of.isoformat(), **basis, **self.scope},
            "currency": self.measured.currency,
            "freshness": freshness_on(self.measured, as_of),
        }


@router.post("/portfolios/performance", **samples.performance_of_several())
def time_weighted_returns_of_several(
    edge: EdgeHere, body: JsonBody, accept: Accept = None
) -> Response:
    """Return time-weighted returns of several portfolios together, as percent numbers."""
    asked = wire.asked(decoded_object(body), edge.clock.now(), of_several=True)
    members = members_of(edge.reader, asked.scope)
    if asked.scope.group is not None and asked.scope.group.each:
        as_of = asked.scope.as_of or edge.clock.now().date()
        request = Request(as_of, asked.periods, asked.scope.basis)
        told = wire.each_json(returns_of_each(edge.reader, members, request), request)
        return told_as(accept, lambda: told, lambda: series_tables.each_of(told))
    found = asking(edge, members, asked.scope, asked.periods)
    return _returns(accept, found, asked)


@router.post("/portfolios/performance/mwr", **samples.money_weighted_of_several())
def money_weighted_returns_of_several(edge: EdgeHere, body: JsonBody) -> Response:
    """Return money-weighted returns of several portfolios together, as fractions."""
    asked = wire.asked(
        decoded_object(body), edge.clock.now(), of_several=True, by_each=False, by_rules=False
    )
    found = asking(edge, members_of(edge.reader, asked.scope), asked.scope, asked.periods)
    periods = money_weighted_performance(found.measured.series, found.request)
    return reply(wire.rates_json(periods, asked, found.about(with_basis=False)))


@router.post("/portfolios/{portfolio_id:path}/performance", **samples.performance())
def time_weighted_returns(
    edge: EdgeHere, request: HttpRequest, portfolio_id: str, body: JsonBody, accept: Accept = None
) -> Response:
    """Return time-weighted returns of a portfolio or a part of it, as percent numbers."""
    asked = wire.asked(decoded_object(body), edge.clock.now())

    def answer() -> Response:
        return _returns(accept, asking(edge, (portfolio_id,), asked.scope, asked.periods), asked)

    return tagged_question(edge, request, Question(portfolio_id, body, asked.scope.as_of), answer)


@router.post("/portfolios/{portfolio_id:path}/performance/mwr", **samples.money_weighted())
def money_weighted_returns(
    edge: EdgeHere, request: HttpRequest, portfolio_id: str, body: JsonBody
) -> Response:
    """Return money-weighted returns of a portfolio or a part of it, as fractions."""
    asked = wire.asked(decoded_object(body), edge.clock.now(), by_rules=False)

    def answer() -> Response:
        found = asking(edge, (portfolio_id,), asked.scope, asked.periods)
        periods = money_weighted_performance(found.measured.series, found.request)
        return reply(wire.rates_json(periods, asked, found.about(with_basis=False)))

    return tagged_question(edge, request, Question(portfolio_id, body, asked.scope.as_of), answer)


def _returns(accept: Accept, found: Asking, asked: wire.Asked) -> Response:
    series, about, rules = found.measured.series, found.about(), asked.rules
    if rules is None:
        periods = performance(series, found.request)
        return told_as(
            accept,
            lambda: wire.returns_json(periods, asked, about),
            lambda: series_tables.returns_of(periods, about),
        )
    ruled = ruled_performance(series, found.request, rules)
    return told_as(
        accept,
        lambda: wire.ruled_json(ruled, asked, rules, about),
        lambda: series_tables.returns_of([one.told for one in ruled], about),
    )


@router.post("/portfolios/risk", **samples.risk_of_several())
def risk_of_several(edge: EdgeHere, body: JsonBody, accept: Accept = None) -> Response:
    """Return the risk of several portfolios together."""
    asked = risk_wire.asked(decoded_object(body), edge.clock.now(), of_several=True)
    return _risk_told(accept, _risk(edge, members_of(edge.reader, asked.scope), asked))


@router.post("/portfolios/{portfolio_id:path}/risk", **samples.risk())
def risk_of_one(
    edge: EdgeHere, request: HttpRequest, portfolio_id: str, body: JsonBody, accept: Accept = None
) -> Response:
    """Return the risk of a portfolio or a part of it."""
    asked = risk_wire.asked(decoded_object(body), edge.clock.now())
    question = Question(portfolio_id, body, asked.scope.as_of, asked.scope.known_at)
    answer, told = partial(_risk, edge, (portfolio_id,), asked), partial(_risk_told, accept)
    if asked.benchmark is None:
        return tagged_question(edge, request, question, lambda: told(answer()))
    symbols = tuple(part.symbol for part in blend_of(*asked.benchmark).parts)
    question = question._replace(symbols=symbols)
    return tagged_beside_benchmarks(edge, request, question, answer, told)


def _risk_told(accept: Accept, document: Json) -> Response:
    return told_as(accept, lambda: document, lambda: series_tables.risk_of(document))


def _risk(edge: Edge, portfolio_ids: tuple[str, ...], asked: risk_wire.AskedRisk) -> Json:
    found = asking(edge, portfolio_ids, asked.scope, asked.periods)
    if asked.benchmark is None:
        periods = risk(found.measured.series, found.request, asked.terms)
        return risk_wire.risk_json(periods, asked, found.about())
    levels_of = edge.desk.benchmarks.levels
    rates_from = edge.reader, asked.scope.known_at
    as_of = found.request.as_of
    line = index_line(found.measured, asked.benchmark, levels_of, rates_from, as_of)
    about = read_by_now(edge, found, asked.scope).about()
    about["benchmark"] = risk_wire.benchmark_json(line, as_of)
    benchmark = line.returns(as_of)
    periods = risk(found.measured.series, found.request, asked.terms, benchmark)
    return risk_wire.risk_json(periods, asked, about)


def members_of(reader: Reader, asked: AskedScope) -> tuple[str, ...]:
    """Return the portfolios of a group.

    Raises:
        NoPortfoliosError: If a client has none, or the book none at all.
    """
    group = asked.group
    if group is not None and group.portfolio_ids is not None:
        return group.portfolio_ids
    client_id = None if group is None else group.client_id
    found = reader.portfolios(cif_id=client_id, known_at=asked.known_at)
    if not found:
        raise NoPortfoliosError(client_id)
    return tuple(each.portfolio_id for each in found)


def asking(
    edge: Edge,
    portfolio_ids: tuple[str, ...],
    asked: AskedScope,
    periods: tuple[NamedPeriod, ...],
) -> Asking:
    """Return what is measured, as of which day, and what of the scope an answer repeats."""
    scope = Scope(portfolio_ids, asked.choice, asked.currency, asked.known_at)
    return told_of(edge, measured(edge.reader, scope, periods), asked, periods)


def told_of(
    edge: Edge, found: Measured, asked: AskedScope, periods: tuple[NamedPeriod, ...]
) -> Asking:
    """Return the same of what was read already."""
    as_of = asked.as_of or day_in(edge, found.time_zone)
    request = Request(as_of, periods, asked.basis)
    scope_told = {**choice_json(asked.choice), **_members(asked, found.portfolio_ids)}
    # What is known up to now was asked for: the answer says when that was.
    read = found.freshness._replace(known_at=found.freshness.known_at or edge.clock.now())
    return Asking(found._replace(freshness=read), request, scope_told)


def read_by_now(edge: Edge, found: Asking, asked: AskedScope) -> Asking:
    """Return the same, read at this instant: levels may have been fetched since the book was.

    Whoever asks again for what was known at the instant that the answer tells is to get them too.
    """
    if asked.known_at is not None:
        return found
    read = found.measured.freshness._replace(known_at=edge.clock.now())
    return found._replace(measured=found.measured._replace(freshness=read))


def freshness_on(found: Measured, as_of: date) -> Json:
    """Return what an answer rests on, with the coverage of its last day."""
    days = found.series.days
    last = next((day for day in reversed(days) if day.on <= as_of), None)
    return shapes.covered(found.freshness, None if last is None else day_coverage(last))


def _members(asked: AskedScope, portfolio_ids: tuple[str, ...]) -> Json:
    return {} if asked.group is None else {"portfolio_ids": list(portfolio_ids)}
