"""The correlation id: one name for a request, in its response, its log lines and its facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from tidebook.engine.traces import parent_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"
LENGTH_MAX = 200

_is_usable = re.compile(rf"[\x21-\x7e]{{1,{LENGTH_MAX}}}").fullmatch
_INGESTION = ("/ingest/", "/reprocess/", "/trades")


class CorrelationMiddleware:
    """Gives every request an id, its client's or a new one, and every response the same.

    A client's id of more than 200 characters, or with others than visible ASCII, is not taken: it
    would go into logs and headers as it is. The response then tells the new one. A client that
    sends no id but a ``traceparent`` has its trace for a name, in every role.
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
        parent = parent_in(Headers(scope=scope).get("traceparent", ""))
        client = ""
        if _is_usable(sent):
            correlation_id = sent
        elif parent is not None:
            correlation_id, client = parent
        else:
            correlation_id = f"{prefix}:{self.new_id()}"
        state = scope.setdefault("state", {})
        state["correlation_id"], state["client_span"] = correlation_id, client

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
            await send(message)

        await self.app(scope, receive, send_named)


def correlation_id_of(request: Request) -> str:
    """Return the id of a request."""
    return request.state.correlation_id
