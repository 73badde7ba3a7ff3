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
    from datetime import date, datetime

    from tidebook.api.edge import Edge
    from tidebook.api.replies import Json

_TAG_LENGTH = 32


class Question(NamedTuple):
    """What is asked of a portfolio in a body, and the times and benchmarks that it names."""

    portfolio_id: str
    body: bytes
    as_of: date | None
    known_at: datetime | None = None
    symbols: tuple[str, ...] = ()

    def on(self, edge: Edge) -> date:
        """Return the day it is as of: without one in the body the portfolio's own present day."""
        return self.as_of or day_in(edge, edge.reader.portfolio(self.portfolio_id).time_zone)

    def about(self, on: date) -> tuple[str, ...]:
        """Return what tells it, as of a day, from another one."""
        return sha256(self.body).hexdigest(), on.isoformat()


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

    As :func:`tagged`. The answer must follow from the book alone; see
    :func:`tagged_beside_benchmarks`.
    """

    def about() -> tuple[str, ...]:
        return question.about(question.on(edge))

    return _of_state(edge, request, question.portfolio_id, answer, about)


def tagged_beside_benchmarks(
    edge: Edge,
    request: Request,
    question: Question,
    answer: Callable[[], Json],
    told: Callable[[Json], Response] = reply,
) -> Response:
    """Return the answer to a question that follows from levels of benchmarks as well.

    As :func:`tagged`; the tag names which levels are kept of them. Where a provider is to be asked
    for more, or has just refused, only the answer itself can tell: the tag is of what it says.
    """
    benchmarks = edge.desk.benchmarks
    state = edge.reader.state(question.portfolio_id, prices_of=question.symbols)
    if state is None:
        return told(answer())
    on = question.on(edge)
    wanted = question.symbols, on, question.known_at
    levels = benchmarks.stamp(*wanted)
    if levels is None:
        return tagged_by_content(request, answer(), told)
    headers = _headers(_tag(edge, request, (state, levels, *question.about(on))))
    if _has(request, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    document = answer()
    if benchmarks.stamp(*wanted) != levels:
        return tagged_by_content(request, document, told)
    found = told(document)
    found.headers.update(headers)
    return found


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
    headers = _headers(_tag(edge, request, (state, *about())))
    if _has(request, headers["ETag"]):
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
    headers = _headers(f'"{sha256(bytes(said) + accepted).hexdigest()[:_TAG_LENGTH]}"')
    if _has(request, headers["ETag"]):
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


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}


def _has(request: Request, tag: str) -> bool:
    held = request.headers.get("if-none-match", "")
    words = [word.strip().removeprefix("W/") for word in held.split(",")]
    return tag in words or "*" in words
