"""What is told of each request: a line in the log, a count and a time.

Counted by the template of its route, never by its path: a path holds ids, of which there is no end.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from tidebook.engine.correlating import correlated

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("tidebook.http")

UNMATCHED: Final = "unmatched"
"""The route of a path that no route answers."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ASKED_OFTEN: Final = ("/health/", "/metrics")
_INTERNAL: Final = 500


class RequestsTold(Protocol):
    """Who is told of requests."""

    def began(self) -> None:
        """Take note of a request that is worked on."""
        ...

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take note of a request that was answered."""
        ...


class Exposition(RequestsTold, Protocol):
    """Who is told of requests, and tells everything that was counted."""

    def exposition(self) -> bytes:
        """Return every metric in the text format of Prometheus."""
        ...


class ObservingMiddleware:
    """Tells of every request when its answer has been sent.

    The line names method, path, route, status and time; the query string, the headers and the body
    are left out, for they may hold what is nobody's business.
    """

    def __init__(self, app: ASGIApp, told: RequestsTold | None) -> None:
        """Keep the application inside, and who is told besides the log."""
        self.app = app
        self.told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and look at what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = _INTERNAL
        began = time.perf_counter()
        if self.told is not None:
            self.told.began()

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        state = scope.get("state", {})
        client = state.get("client_span", "")
        with correlated([state.get("correlation_id", "")], client=client):
            try:
                await self.app(scope, receive, send_seen)
            finally:
                self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = str(getattr(scope.get("route"), "path", UNMATCHED))
        if self.told is not None:
            self.told.answered(method, route, status, seconds)
        path: str = scope["path"]
        level = logging.INFO
        if status >= _INTERNAL:
            level = logging.WARNING
        elif path.startswith(_ASKED_OFTEN):
            level = logging.DEBUG
        _log.log(
            level,
            "%s %s answered %s",
            method,
            path,
            status,
            extra={"route": route, "status": status, "seconds": round(seconds, 6)},
        )
