"""The pages of Tidebook: one question to a reader each, HTML out.

``create_pages`` makes the routes. Beneath them ``assembly`` turns what the reader answers into the
values of a page, and ``rendering`` turns these into text without reading a store, a clock or the
network. Send ``page.csp(nonce)`` as the Content-Security-Policy header with a page, and draw a
fresh nonce for every response.
"""

from __future__ import annotations

from tidebook.web.pages import (
    INDEX_PATH,
    PORTFOLIO_PATH_PREFIX,
    CurvePoint,
    DrawdownPoint,
    ErrorPage,
    FindingRow,
    HealthRow,
    IndexPage,
    IndexRow,
    PeriodRow,
    PortfolioPage,
    PositionRow,
    RestatementRow,
    WorstDrawdown,
    portfolio_path,
)
from tidebook.web.policy import content_security_policy
from tidebook.web.rendering import render_error, render_index, render_portfolio
from tidebook.web.routes import Pages, create_pages

__all__ = [
    "INDEX_PATH",
    "PORTFOLIO_PATH_PREFIX",
    "CurvePoint",
    "DrawdownPoint",
    "ErrorPage",
    "FindingRow",
    "HealthRow",
    "IndexPage",
    "IndexRow",
    "Pages",
    "PeriodRow",
    "PortfolioPage",
    "PositionRow",
    "RestatementRow",
    "WorstDrawdown",
    "content_security_policy",
    "create_pages",
    "portfolio_path",
    "render_error",
    "render_index",
    "render_portfolio",
]
