"""Where the pages are, and how they are asked for: HTML out of one reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse

from tidebook.engine.explaining import Question
from tidebook.engine.measuring.tearsheet import Told, tear_sheet
from tidebook.engine.ports import OVERVIEW_MAX
from tidebook.errors import Fault, InvalidRequestError
from tidebook.model import moments
from tidebook.model.periods import period_named
from tidebook.web.assembly import ROOT_PATH, index_page, portfolio_page
from tidebook.web.explained import EXPLAIN_PATH, Asked, explain_page
from tidebook.web.pages import INDEX_PATH, TEAR_SHEET_PATH, ErrorPage, portfolio_path
from tidebook.web.policy import content_security_policy
from tidebook.web.rendering import (
    render_error,
    render_explanation,
    render_index,
    render_portfolio,
)
from tidebook.web.tearsheet import render_tear_sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from tidebook.engine.benchmarks import LevelsOf
    from tidebook.engine.ports import Reader
    from tidebook.errors import Problem

_INDEX = f"{ROOT_PATH}{INDEX_PATH}"


@dataclass(frozen=True, slots=True)
class Pages:
    """The list of portfolios and a page for each, ready to be joined to an HTTP application.

    Attributes:
        reader: What is shown.
        version: Shown at the foot of the list.
        new_nonce: Gives at least 16 unguessable base64 characters for each page.
        levels_of: Where the levels of a benchmark come from: its name, first and last day.
        router: The routes; ``/`` leads to the list.
    """

    reader: Reader
    version: str
    new_nonce: Callable[[], str]
    levels_of: LevelsOf
    router: APIRouter = field(default_factory=lambda: APIRouter(include_in_schema=False))

    def __post_init__(self) -> None:
        """Name the routes. A portfolio has two addresses: one to be typed, one to be linked."""
        self.router.add_api_route("/", _home)
        self.router.add_api_route(_INDEX, self._index)
        self.router.add_api_route(f"{ROOT_PATH}{EXPLAIN_PATH}", self._explain)
        self.router.add_api_route(f"{ROOT_PATH}{TEAR_SHEET_PATH}", self._tear_sheet)
        for prefix in (portfolio_path("", root_path=ROOT_PATH), f"{ROOT_PATH}/portfolios/"):
            self.router.add_api_route(prefix + "{portfolio_id:path}", self._portfolio)

    def owns(self, path: str) -> bool:
        """Tell whether whoever asks for a path came for a page."""
        return path == ROOT_PATH or path.startswith(_INDEX)

    def refusal(self, problem: Problem, *, correlation_id: str) -> HTMLResponse:
        """Return a refusal as a page; the faults of an address are told instead of counted."""
        detail = "; ".join(fault.detail for fault in problem.faults) or problem.detail
        hint = "correct the address and ask again" if problem.faults else problem.hint
        title = HTTPStatus(problem.status).phrase
        page = ErrorPage(problem.status, title, detail, hint, correlation_id, root_path=ROOT_PATH)
        nonce = self.new_nonce()
        return _html(render_error(page, nonce=nonce), page.csp(nonce), problem.status)

    def _index(self, as_of: str = "", known_at: str = "") -> HTMLResponse:
        """Show the portfolios."""
        day, instant = _day(as_of), _instant(known_at)
        rows = self.reader.overview(limit=OVERVIEW_MAX + 1, as_of=day, known_at=instant)
        page = index_page(rows, self.version, as_of=day, known_at=instant)
        nonce = self.new_nonce()
        return _html(render_index(page, nonce=nonce), page.csp(nonce))

    def _portfolio(self, portfolio_id: str, as_of: str = "", known_at: str = "") -> HTMLResponse:
        """Show one portfolio. A field of the page's form that was left empty asks for nothing."""
        report = self.reader.report(portfolio_id, as_of=_day(as_of), known_at=_instant(known_at))
        page = portfolio_page(report)
        nonce = self.new_nonce()
        return _html(render_portfolio(page, nonce=nonce), page.csp(nonce))

    def _explain(  # noqa: PLR0913 - one parameter per query parameter
        self,
        figure: str,
        portfolio_id: str,
        *,
        security_id: str = "",
        day: str = "",
        period: str = "",
        as_of: str = "",
        known_at: str = "",
    ) -> HTMLResponse:
        """Show the tree under one figure."""
        question = Question(
            figure,
            portfolio_id,
            security_id or None,
            day=_day(day, "day"),
            period=period_named(period) if period else None,
            as_of=_day(as_of),
            known_at=_instant(known_at),
        )
        asked = Asked(figure, portfolio_id, security_id, day, period, as_of, known_at)
        page = explain_page(self.reader, question, asked, ROOT_PATH)
        nonce = self.new_nonce()
        return _html(render_explanation(page, nonce=nonce), page.csp(nonce))

    def _tear_sheet(
        self,
        portfolio_id: str,
        benchmark: str = "",
        period: str = "SI",
        as_of: str = "",
        known_at: str = "",
    ) -> HTMLResponse:
        """Show the tear sheet of a portfolio, beside a benchmark if one is named."""
        told = Told(
            portfolio_id,
            period_named(period),
            benchmark or None,
            as_of=_day(as_of),
            known_at=_instant(known_at),
        )
        sheet = tear_sheet(self.reader, told, self.levels_of)
        nonce = self.new_nonce()
        return _html(render_tear_sheet(sheet, nonce=nonce), content_security_policy(nonce))


def create_pages(
    reader: Reader,
    *,
    version: str,
    new_nonce: Callable[[], str],
    levels_of: LevelsOf,
) -> Pages:
    """Return the pages over a reader.

    Args:
        reader: Where what is shown comes from; each page is one question to it.
        version: Shown at the foot of the list.
        new_nonce: Gives at least 16 unguessable base64 characters for each page.
        levels_of: Where the levels of a benchmark come from: its name, first and last day.
    """
    return Pages(reader, version, new_nonce, levels_of)


async def _home() -> RedirectResponse:
    """Lead to the list of portfolios."""
    return RedirectResponse(_INDEX)


def _day(text: str, name: str = "as_of") -> date | None:
    found = moments.day_of(text)
    if text and found is None:
        raise _refused(name, moments.why_no_day(text))
    return found


def _instant(text: str) -> datetime | None:
    found = moments.instant_of(text)
    if text and found is None:
        raise _refused("known_at", moments.why_no_instant_in_address(text))
    return found


def _refused(name: str, why: str) -> InvalidRequestError:
    return InvalidRequestError([Fault(f"/query/{name}", "parameter.value-error", why)])


def _html(text: str, policy: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        text,
        status,
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
