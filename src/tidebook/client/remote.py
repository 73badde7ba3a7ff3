"""A running server, reached over HTTP with the standard library alone."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from tidebook.errors import Fault, Problem, ServerRefusedError, ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.request import OpenerDirector

_TIMEOUT_SECONDS: Final = 120.0
_ATTEMPTS_MAX: Final = 8
_PAUSE_SECONDS_MAX: Final = 30.0
_COME_BACK: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Reply(NamedTuple):
    """What the server answered: the status, the JSON document, and the bytes it was read from."""

    status: int
    document: Mapping[str, Any]
    content: bytes = b""


class Remote:
    """The HTTP doors of one server.

    A server on this machine is reached directly, whatever proxy the environment names.
    """

    def __init__(self, url: str, *, sleep: Callable[[float], object] = time.sleep) -> None:
        """Keep the address; nothing is sent yet.

        Raises:
            ServerUnreachableError: If it is no address of a web server.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ServerUnreachableError(url, why="it is no address such as http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._sleep = sleep
        near = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        self._opener: OpenerDirector = build_opener(*([ProxyHandler({})] if near else []))

    def get(self, path: str) -> Reply:
        """Ask for a document."""
        return self._patiently(Request(self._url + path))  # noqa: S310 - the scheme was checked

    def post(self, path: str, body: object, *, wait_seconds: int | None = None) -> Reply:
        """Send a document; with ``wait_seconds`` the answer waits until it is booked.

        A server that is full is asked again after the pause it names, which is safe because a
        repeated fact changes nothing.

        Raises:
            ServerRefusedError: If the server said no.
            ServerUnreachableError: If no answer came.
        """
        headers = {"Content-Type": "application/json"}
        if wait_seconds is not None:
            headers["Prefer"] = f"wait={wait_seconds}"
        content = json.dumps(body, ensure_ascii=False).encode()
        return self._patiently(Request(self._url + path, content, headers))  # noqa: S310 - checked

    def _patiently(self, request: Request) -> Reply:
        for _ in range(_ATTEMPTS_MAX - 1):
            try:
                return self._once(request)
            except HTTPError as error:
                if error.code not in _COME_BACK:
                    raise self._refused(error) from None
                self._sleep(_pause_seconds(error))
        try:
            return self._once(request)
        except HTTPError as error:
            raise self._refused(error) from None

    def _once(self, request: Request) -> Reply:
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                content = answer.read()
                return Reply(answer.status, document_of(content), content)
        except HTTPError:
            raise
        except URLError as error:
            raise ServerUnreachableError(self._url, why=str(error.reason)) from None
        except OSError as error:
            raise ServerUnreachableError(self._url, why=str(error)) from None

    def _refused(self, error: HTTPError) -> ServerRefusedError:
        return refusal_of(self._url, error.code, error.read(), str(error.reason))


def refusal_of(url: str, status: int, content: bytes, reason: str) -> ServerRefusedError:
    """Return a refusal as a server worded it; ``reason`` is what HTTP itself says of the status."""
    problem = document_of(content)
    return ServerRefusedError(
        url,
        Problem(
            status,
            str(problem.get("code") or reason),
            str(problem.get("detail") or problem.get("title") or reason),
            str(problem.get("hint") or "read the server's log under the correlation id"),
            _faults(problem.get("errors")),
        ),
    )


def _pause_seconds(error: HTTPError) -> float:
    asked = error.headers.get("Retry-After", "1")
    return min(float(asked) if asked.isdecimal() else 1.0, _PAUSE_SECONDS_MAX)


def _faults(listed: object) -> tuple[Fault, ...]:
    if not isinstance(listed, list):
        return ()
    rows = cast("list[dict[str, object]]", listed)
    return tuple(Fault(*(str(row.get(field, "")) for field in Fault._fields)) for row in rows)


def document_of(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object that an answer holds; an empty one where it holds something else."""
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}
