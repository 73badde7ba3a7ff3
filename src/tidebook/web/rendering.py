"""Pages out of values: one function per page, the same bytes for the same values.

A page is whole in itself. Style and script stand inside it and carry the nonce; it asks for no
other file, works without script, and everything from outside is escaped.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tidebook.web.pages import INDEX_PATH
from tidebook.web.policy import checked_nonce
from tidebook.web.views import index_view, portfolio_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.web.charts import Readout
    from tidebook.web.explained import ExplainPage
    from tidebook.web.pages import ErrorPage, IndexPage, PortfolioPage


def render_portfolio(page: PortfolioPage, *, nonce: str) -> str:
    """Return the page of one portfolio.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    return _rendered("portfolio.html.j2", page, nonce, view=portfolio_view(page))


def render_index(page: IndexPage, *, nonce: str) -> str:
    """Return the list of portfolios, or how to begin if there are none.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    return _rendered("index.html.j2", page, nonce, view=index_view(page))


def render_explanation(page: ExplainPage, *, nonce: str) -> str:
    """Return the page of an explanation.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    return _rendered("explain.html.j2", page, nonce, view=None)


def render_error(page: ErrorPage, *, nonce: str) -> str:
    """Return the page of a refusal.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    return _rendered("error.html.j2", page, nonce, view=None)


def _rendered(
    template: str,
    page: PortfolioPage | IndexPage | ErrorPage | ExplainPage,
    nonce: str,
    *,
    view: object,
) -> str:
    index_path = f"{page.root_path}{INDEX_PATH}"
    return rendered(template, nonce, page=page, view=view, index_path=index_path)


def rendered(
    template: str, nonce: str, *, styles: Sequence[str] = ("page.css",), **shown: object
) -> str:
    """Return a template filled in, with its styles and the script of the pages inside it.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            nonce=checked_nonce(nonce),
            style=Markup("\n").join(_package_text(name) for name in styles),
            script=_package_text("page.js"),
            **shown,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tidebook.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["script_json"] = script_json
    return environment


@cache
def _package_text(name: str) -> Markup:
    text = (files("tidebook.web") / "static" / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  (our own file, not a visitor's text)


def script_json(value: Readout) -> Markup:
    """Return JSON that cannot close the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  (escaped just above)
