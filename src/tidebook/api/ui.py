"""The pages: HTML out of the same reader that answers the queries."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tidebook import web
from tidebook.api import pages
from tidebook.api.edge import Day, Edge, EdgeHere, Instant
from tidebook.api.problems import Problem
from tidebook.engine.ports import Reader
from tidebook.model.portfolios import Portfolio

router = APIRouter(include_in_schema=False)

INDEX = f"{pages.ROOT_PATH}/"
_LINKED = web.portfolio_path("", root_path=pages.ROOT_PATH)


class Rendered(NamedTuple):
    """A page's text and the policy it was written for."""

    text: str
    policy: str


@router.get("/")
async def home() -> RedirectResponse:
    """Lead to the list of portfolios."""
    return RedirectResponse(INDEX)


@router.get(INDEX)
def index(edge: EdgeHere) -> Response:
    """Show every portfolio."""
    entries = (_entry(edge.reader, one) for one in edge.reader.portfolios())
    page = pages.index_page(entries, edge.settings.version)
    nonce = edge.new_nonce()
    return _html(Rendered(web.render_index(page, nonce=nonce), page.csp(nonce)))


@router.get(_LINKED + "{portfolio_id:path}")
@router.get(f"{pages.ROOT_PATH}/portfolios/{{portfolio_id:path}}")
def portfolio(
    edge: EdgeHere, portfolio_id: str, as_of: Day = None, known_at: Instant = None
) -> Response:
    """Show one portfolio."""
    reader = edge.reader
    positions = reader.positions(portfolio_id, as_of=as_of, known_at=known_at)
    views = pages.PortfolioViews(
        positions=positions,
        series=reader.series(portfolio_id, known_at=known_at),
        results=reader.results(portfolio_id, as_of=as_of, known_at=known_at),
        findings=reader.findings(portfolio_id),
        restatements=reader.restatements(portfolio_id),
    )
    page = pages.portfolio_page(views)
    nonce = edge.new_nonce()
    return _html(Rendered(web.render_portfolio(page, nonce=nonce), page.csp(nonce)))


def refusal_page(edge: Edge, problem: Problem, correlation_id: str) -> Response:
    """Return a refusal as a page, for those who came by browser."""
    page = web.ErrorPage(
        problem.status,
        problem.title,
        problem.detail,
        problem.hint,
        correlation_id,
        root_path=pages.ROOT_PATH,
    )
    nonce = edge.new_nonce()
    rendered = Rendered(web.render_error(page, nonce=nonce), page.csp(nonce))
    return _html(rendered, problem.status, headers=dict(problem.headers))


def is_page(path: str) -> bool:
    """Tell whether a path belongs to the pages."""
    return path == pages.ROOT_PATH or path.startswith(INDEX)


def _entry(reader: Reader, portfolio: Portfolio) -> pages.IndexEntry:
    freshness = reader.freshness(portfolio.portfolio_id)
    if freshness.as_of is None:
        return pages.IndexEntry(portfolio, freshness, None)
    series = reader.series(portfolio.portfolio_id, start=freshness.as_of)
    return pages.IndexEntry(portfolio, freshness, series.days[-1] if series.days else None)


def _html(
    rendered: Rendered, status: int = 200, *, headers: dict[str, str] | None = None
) -> Response:
    return HTMLResponse(
        rendered.text,
        status,
        headers={
            **(headers or {}),
            "Content-Security-Policy": rendered.policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
