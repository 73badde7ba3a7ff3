"""GET /explain: the tree under a figure, as data or drawn as text."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse, Response

from tidebook.analytics import FeeBasis, Rebalancing
from tidebook.api import samples
from tidebook.api.edge import Day, Edge, EdgeHere, Instant, Text
from tidebook.api.replies import Json, day_or_null, instant_or_null, reply
from tidebook.api.wire.figure_fields import fields_of
from tidebook.api.wire.shapes import freshness_of
from tidebook.book.holding_periods import Term
from tidebook.book.postings import Leg
from tidebook.engine.explaining import (
    FIGURES,
    TERMS,
    Explanation,
    Library,
    Limits,
    Question,
    Shown,
    explain,
    faults,
    lines,
    needs_of,
    notes,
    shown,
    value_text,
)
from tidebook.model.periods import PeriodRequest, period_named

router = APIRouter(tags=["explain"])

DEPTH_MAX = 100
WIDTH_MAX = 10_000
ROW_MAX = 1_000_000


class Form(StrEnum):
    """How a tree is written."""

    JSON = "json"
    TEXT = "text"


Depth = Annotated[int, Query(ge=1, le=DEPTH_MAX)]
Width = Annotated[int, Query(ge=1, le=WIDTH_MAX)]


@router.get("/explain/figures", **samples.answer("explain_figures"))
def figures() -> Response:
    """List the figures that can be explained: what each is, what it needs, which fields it is."""
    return reply({"figures": [_figure(name) for name in FIGURES]})


@router.get("/explain", **samples.answer("explain"))
def explain_figure(
    edge: EdgeHere,
    *,
    figure: Annotated[str, Query(max_length=100)],
    portfolio_id: Text = None,
    security_id: Text = None,
    lot_id: Text = None,
    transaction_id: Text = None,
    leg: Leg | None = None,
    day: Day = None,
    period: Text = None,
    net_or_gross: FeeBasis = FeeBasis.NET,
    term: Term | None = None,
    from_currency: Text = None,
    to_currency: Text = None,
    user_id: Text = None,
    rule_id: Text = None,
    amount: Text = None,
    row: Annotated[int | None, Query(ge=0, le=ROW_MAX)] = None,
    currency: Text = None,
    benchmark: Annotated[str | None, Query(max_length=200)] = None,
    start_date: Day = None,
    end_date: Day = None,
    rebalancing: Rebalancing | None = None,
    as_of: Day = None,
    known_at: Instant = None,
    depth: Depth = 12,
    width: Width = 50,
    format: Form = Form.JSON,  # noqa: A002 - the name of the parameter
) -> Response:
    """Return the tree under a figure, from it down to transactions, prices and rates.

    A period is a word such as YTD, a year, or FROM:TO with two days.
    The figure is computed again from the leaves of the whole tree, also where parts of it are
    folded away. Without ``as_of`` a period ends today in the portfolio's time zone.
    """
    days = None if period is None else period_named(period)
    question = Question(
        figure,
        portfolio_id,
        security_id,
        lot_id,
        transaction_id,
        None if leg is None else leg.value,
        day,
        days,
        from_currency,
        to_currency,
        as_of or _today(edge, portfolio_id, days),
        known_at,
        net_or_gross,
        term,
        user_id=user_id,
        rule_id=rule_id,
        amount=amount,
        row=row,
        currency=currency,
        benchmark=benchmark,
        start_date=start_date,
        end_date=end_date,
        rebalancing=rebalancing,
    )
    found = explain(edge.reader, question, library_of(edge))
    tree = shown(edge.reader, found, Limits(depth, width))
    if format is Form.TEXT:
        return PlainTextResponse("\n".join((*lines(tree), *notes(found), *faults(found))) + "\n")
    return reply(document_of(found, tree))


def library_of(edge: Edge) -> Library:
    """Return what figures of more than one portfolio's book are drawn from."""
    return Library(edge.reader, edge.desk.benchmarks, edge.compliance, edge.clock.now())


def _today(edge: Edge, portfolio_id: str | None, period: PeriodRequest | None) -> date | None:
    """Return the day that "to date" ends on; other figures are of the latest day of the book."""
    if period is None or portfolio_id is None:
        return None
    zone = edge.reader.portfolio(portfolio_id).time_zone
    return edge.clock.now().astimezone(ZoneInfo(zone)).date()


def document_of(found: Explanation, tree: Shown) -> Json:
    """Return an explanation as data."""
    question, freshness = found.question, found.freshness
    return {
        "figure": found.figure.full_name,
        "definition": found.figure.definition,
        "portfolio_id": question.portfolio_id,
        "security_id": question.security_id,
        "value": tree.value,
        "unit": tree.unit,
        "recomputed": value_text(found.recomputed),
        "agrees": not found.disagreements,
        "unvalued": list(found.unvalued),
        "tree": tree_of(tree),
        "freshness": None if freshness is None else freshness_of(freshness),
    }


def tree_of(tree: Shown) -> Json:
    """Return one figure of a tree with what is shown below it."""
    source, folded = tree.source, tree.folded
    return {
        "label": tree.label,
        "value": tree.value,
        "unit": tree.unit,
        "formula": tree.formula,
        "source": None
        if source is None
        else {
            "kind": source.kind,
            "id": source.id,
            "day": day_or_null(source.on),
            "version": source.version,
            "recorded_at": instant_or_null(source.recorded_at),
            "correlation_id": source.correlation_id,
            "row": source.row,
            "figure": source.figure,
            "portfolio_id": source.portfolio_id,
        },
        "children": [tree_of(child) for child in tree.children],
        "folded": None if folded is None else folded._asdict(),
    }


def _figure(name: str) -> Json:
    figure = FIGURES[name]
    terms = TERMS[figure.scope]
    return {
        "figure": name,
        "definition": figure.definition,
        "needs": list(needs_of(figure)),
        "takes": list(terms.takes),
        "fields": fields_of(name),
    }
