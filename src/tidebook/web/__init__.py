"""The pages of Tidebook: values in, HTML text out.

A page is filled in by whoever has the figures, and rendered here without reading a store, a clock
or the network. Send ``page.csp(nonce)`` as the Content-Security-Policy header with it, and draw a
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

__all__ = [
    "INDEX_PATH",
    "PORTFOLIO_PATH_PREFIX",
    "CurvePoint",
    "DrawdownPoint",
    "ErrorPage",
    "FindingRow",
    "IndexPage",
    "IndexRow",
    "PeriodRow",
    "PortfolioPage",
    "PositionRow",
    "RestatementRow",
    "WorstDrawdown",
    "content_security_policy",
    "portfolio_path",
    "render_error",
    "render_index",
    "render_portfolio",
]
