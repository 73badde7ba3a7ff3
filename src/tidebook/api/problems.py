"""Every refusal as a problem document (RFC 9457): the one table from error to status.

The status comes from the nearest ancestor in the table, so that a new error under a known branch
needs no line of its own. What a document says is what the error says: sentence, remedy and code.
What nobody foresaw says nothing of itself but the correlation id under which it was logged.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from tidebook import errors as e
from tidebook.api.replies import PROBLEM_TYPE, Json, reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

STATUS: Mapping[type[e.TidebookError], int] = {
    e.TidebookError: 500,
    e.InputError: 422,
    e.MalformedBodyError: 400,
    e.UnknownParameterError: 400,
    e.BodyTooLargeError: 413,
    e.MediaTypeError: 415,
    e.NotAcceptableError: 406,
    e.NotFoundError: 404,
    e.ConflictError: 409,
    e.StoreError: 500,
    e.StoreUnavailableError: 503,
    e.FencedError: 503,
    e.OverloadedError: 429,
    e.StagesAwayError: 503,
    e.AnalyticsError: 422,
    e.MarketDataError: 503,
    e.ServerError: 502,
    e.UnsafeNonceError: 500,
    e.BusError: 503,
}
RETRY_AFTER_SECONDS = 5
"""When to come back to a store that cannot be reached just now."""

_UNFORESEEN_HINT = "try again; if it happens again, report the correlation id with what was sent"


class Problem(NamedTuple):
    """One refusal, ready to be laid out as a document or as a page."""

    status: int
    code: str
    detail: str
    hint: str
    errors: Sequence[e.Fault] = ()
    unlisted: int = 0
    headers: Mapping[str, str] = {}

    @property
    def title(self) -> str:
        """The name of the status."""
        return HTTPStatus(self.status).phrase


def status_of(kind: type[e.TidebookError]) -> int:
    """Return the HTTP status of an error class."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem_of(error: e.TidebookError) -> Problem:
    """Return what is to be said about an error of ours.

    An error of status 500 is about the inside of the system; its sentence is left out.
    """
    status = status_of(type(error))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return unforeseen()
    listed = error if isinstance(error, e.InvalidRequestError) else None
    return Problem(
        status,
        error.code,
        str(error),
        error.hint,
        listed.faults if listed else (),
        listed.unlisted if listed else 0,
        _retry_after(status, error),
    )


def _retry_after(status: int, error: e.TidebookError) -> Mapping[str, str]:
    if isinstance(error, e.OverloadedError):
        return {"Retry-After": str(error.retry_after_seconds)}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}


def unforeseen() -> Problem:
    """Return what is to be said about an error that nobody foresaw."""
    return Problem(
        500, "internal", "the request could not be answered for a reason inside", _UNFORESEEN_HINT
    )


def no_route(path: str) -> Problem:
    """Return the refusal of a path that leads nowhere."""
    return Problem(
        404, "route.unknown", f"there is nothing at {path}", "see /docs for what there is"
    )


def no_method(method: str, path: str, headers: Mapping[str, str]) -> Problem:
    """Return the refusal of a method that a path does not have."""
    allowed = headers.get("allow") or headers.get("Allow") or ""
    hint = f"{path} answers {allowed}" if allowed else "see /docs for what there is"
    return Problem(
        405, "method.not-allowed", f"{path} does not answer {method}", hint, headers=headers
    )


def told(problem: Problem) -> e.Problem:
    """Return what of a refusal is said to people."""
    return e.Problem(
        problem.status, problem.code, problem.detail, problem.hint, tuple(problem.errors)
    )


def document(problem: Problem, *, instance: str, correlation_id: str) -> Json:
    """Return a problem as the members of its document."""
    body: Json = {
        "type": f"/docs/problems#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
        "hint": problem.hint,
        "correlation_id": correlation_id,
        "errors": [fault._asdict() for fault in problem.errors],
    }
    if problem.unlisted:
        body["errors_unlisted"] = problem.unlisted
    return body


def response(problem: Problem, *, instance: str, correlation_id: str) -> Response:
    """Return a problem as a response."""
    return reply(
        document(problem, instance=instance, correlation_id=correlation_id),
        problem.status,
        headers=problem.headers,
        media_type=PROBLEM_TYPE,
    )
