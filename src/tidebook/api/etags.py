"""Entity tags: whether an answer would be the one that the caller has, known without making it.

A tag names the state of the book and the market that an answer follows from, and the question. A
book that is being restated promises nothing, and its answers have no tag.
"""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, cast

from starlette.requests import Request
from starlette.responses import Response

from tidebook.api.edge import day_in, today
from tidebook.api.replies import reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tidebook.api.edge import Edge
    from tidebook.api.replies import Json

_TAG_LENGTH = 32


class Question(NamedTuple):
    """What is asked of a portfolio in a body, and the day it is as of where it names one."""

    portfolio_id: str
    body: bytes
    as_of: date | None


def tagged(
    edge: Edge, request: Request, portfolio_id: str, answer: Callable[[], Response]
) -> Response:
    """Return an answer about a portfolio with its tag, or 304 where the caller has it already.

    The state is read before the answer is made: one that moves in between makes the answer newer
    than its tag, so that the next question is answered in full.
    """
    return _of_state(edge, request, portfolio_id, answer, lambda: (today(edge).isoformat(),))


def tagged_question(
    edge: Edge, request: Request, question: Question, answer: Callable[[], Response]
) -> Response:
    """Return the answer to a question in a body with its tag, or 304 where the caller has it.

    As :func:`tagged`. The answer must follow from the book alone, for levels of a benchmark are no
    part of its state. Where the question names no day it is as of the portfolio's own present day.
    """
    portfolio_id, body, as_of = question

    def about() -> tuple[str, ...]:
        on = as_of or day_in(edge, edge.reader.portfolio(portfolio_id).time_zone)
        return sha256(body).hexdigest(), on.isoformat()

    return _of_state(edge, request, portfolio_id, answer, about)


def _of_state(
    edge: Edge,
    request: Request,
    portfolio_id: str,
    answer: Callable[[], Response],
    about: Callable[[], tuple[str, ...]],
) -> Response:
    state = edge.reader.state(portfolio_id)
    if state is None:
        return answer()
    tag = _tag(edge, request, (state, *about()))
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if _has(request, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    found = answer()
    found.headers.update(headers)
    return found


def tagged_by_content(
    request: Request, document: Json, told: Callable[[Json], Response] = reply
) -> Response:
    """Return an answer with a tag of what it says, or 304 where the caller has it already.

    For what may change while the book does not: a list of transactions shows those that wait, which
    move no generation. When it was read is no part of the tag; the format that is accepted is.
    """
    freshness = document.get("freshness")
    if isinstance(freshness, dict):
        timeless = {**cast("Json", freshness), "known_at": None}
        said = reply({**document, "freshness": timeless}).body
    else:
        said = reply(document).body
    accepted = request.headers.get("accept", "").encode()
    tag = f'"{sha256(bytes(said) + accepted).hexdigest()[:_TAG_LENGTH]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if _has(request, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    found = told(document)
    found.headers.update(headers)
    return found


def _tag(edge: Edge, request: Request, about: tuple[str, ...]) -> str:
    """Return the tag of an answer about a state and a day; in some, days to today are counted."""
    parts = (
        edge.settings.version,
        request.url.path,
        request.url.query,
        request.headers.get("accept", ""),
        *about,
    )
    digest = sha256("\n".join(parts).encode()).hexdigest()
    return f'"{digest[:_TAG_LENGTH]}"'


def _has(request: Request, tag: str) -> bool:
    held = request.headers.get("if-none-match", "")
    words = [word.strip().removeprefix("W/") for word in held.split(",")]
    return tag in words or "*" in words
