"""The correlation id: one name for a request, in its response, its log lines and its facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"
LENGTH_MAX = 200

_is_usable = re.compile(rf"[\x21-\x7e]{{1,{LENGTH_MAX}}}").fullmatch
_INGESTION = ("/ingest/", "/reprocess/")


class CorrelationMiddleware:
    """Gives every request an id, its client's or a new one, and every response the same.

    A client's id of more than 200 characters, or with others than visible ASCII, is not taken: it
    would go into logs and headers as it is. The response then tells the new one.
    """

    def __init__(self, app: ASGIApp, new_id: Callable[[], str]) -> None:
        """Keep the application inside, and where new ids come from."""
        self.app = app
        self.new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request and pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        prefix = "ING" if scope["path"].startswith(_INGESTION) else "QRY"
        correlation_id = sent if _is_usable(sent) else f"{prefix}:{self.new_id()}"
        scope.setdefault("state", {})["correlation_id"] = correlation_id

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
            await send(message)

        await self.app(scope, receive, send_named)


class UnforeseenMiddleware:
    """Answers what nobody foresaw with a refusal that says nothing about the inside.

    The framework's own net would answer without the correlation id, and then raise the error again
    for the server to log a second time.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Response]) -> None:
        """Keep the application inside, and what to answer."""
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer for it if nothing else does."""
        has_begun = False

        async def send_watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        except Exception as error:  # edge: whatever it is, the client gets one answer
            if scope["type"] != "http" or has_begun:
                raise
            await self.answer(Request(scope), error)(scope, receive, send)


def correlation_id_of(request: Request) -> str:
    """Return the id of a request."""
    return request.state.correlation_id
