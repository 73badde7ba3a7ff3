"""The read routes about users: the comparison, what was traded, held and won."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response

from tidebook.analytics import Rebalancing
from tidebook.api import samples
from tidebook.api.edge import Day, Edge, EdgeHere, Instant
from tidebook.api.wire.comparative import comparative_of, reply_numbers, simple_of
from tidebook.api.wire.user_figures import metrics_of, portfolio_of, win_rate_of
from tidebook.engine.measuring.comparative import ComparativeRequest, comparative, days_of
from tidebook.engine.measuring.comparing import since_inception
from tidebook.engine.measuring.index_lines import blend_of
from tidebook.engine.user_figures import activity, closed_trades, holdings
from tidebook.engine.users import UserBook, user_book

router = APIRouter(tags=["users"])


def _today(edge: Edge, book: UserBook) -> date:
    """Return the present day where the user's first portfolio is."""
    return edge.clock.now().astimezone(ZoneInfo(book.portfolios[0].time_zone)).date()


@router.get("/users/{user_id:path}/comparative", **samples.answer("comparative"))
def compare(
    edge: EdgeHere,
    user_id: str,
    *,
    benchmark: Annotated[str, Query(max_length=200)] = "SPY",
    start_date: Day = None,
    end_date: Day = None,
    rebalancing: Rebalancing = Rebalancing.MONTHLY,
    simple: bool = False,
    intervals: bool = False,
    known_at: Instant = None,
) -> Response:
    """Compare what a user earned with a benchmark that got the same money on the same days."""
    blend = blend_of(benchmark, rebalancing)
    book = user_book(edge.reader, user_id, known_at=known_at)
    today = _today(edge, book)
    asked = days_of(start_date, end_date, today)
    request = ComparativeRequest(blend, asked.start, asked.end, known_at, intervals)
    view = comparative(edge.reader, edge.desk.benchmarks, book, request)
    told = simple_of if simple else comparative_of
    return reply_numbers(told(view, asked, today, edge.clock.now()))


@router.get("/users/{user_id:path}/metrics", **samples.answer("user_metrics"))
def metrics(edge: EdgeHere, user_id: str, *, known_at: Instant = None) -> Response:
    """Return what a user traded, holds and earned since the first trade."""
    book = user_book(edge.reader, user_id, known_at=known_at)
    done = activity(edge.reader, book, known_at=known_at)
    held = holdings(edge.reader, book, known_at=known_at)
    earned = since_inception(book)
    return reply_numbers(metrics_of(book, done, held, earned, (known_at, edge.clock.now())))


@router.get("/users/{user_id:path}/portfolio", **samples.answer("user_portfolio"))
def portfolio(
    edge: EdgeHere,
    user_id: str,
    *,
    top: Annotated[int, Query(ge=1, le=100)] = 5,
    known_at: Instant = None,
) -> Response:
    """Return a user's totals and every symbol ever traded, best first."""
    book = user_book(edge.reader, user_id, known_at=known_at)
    done = activity(edge.reader, book, known_at=known_at)
    held = holdings(edge.reader, book, known_at=known_at)
    return reply_numbers(portfolio_of(book, done, held, top, (known_at, edge.clock.now())))


@router.get("/users/{user_id:path}/win-rate", **samples.answer("user_win_rate"))
def win_rate(edge: EdgeHere, user_id: str, *, known_at: Instant = None) -> Response:
    """Return how a user's closed trades ended."""
    book = user_book(edge.reader, user_id, known_at=known_at)
    ended = closed_trades(edge.reader, book, known_at=known_at)
    return reply_numbers(win_rate_of(book, ended, (known_at, edge.clock.now())))
