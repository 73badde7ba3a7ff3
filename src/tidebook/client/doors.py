"""The two doors to a book: a server over HTTP, and the same application inside this process.

Both answer with the same bytes, because the same application makes them.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import unquote, urlencode

from tidebook.client.remote import refusal_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from tidebook.client.remote import Remote

    _Message = MutableMapping[str, Any]
    _Application = Callable[
        [
            _Message,
            Callable[[], Awaitable[_Message]],
            Callable[[_Message], Awaitable[None]],
        ],
        Awaitable[None],
    ]

Document = dict[str, Any]
_JSON: Final = (b"content-type", b"application/json")


class Door(Protocol):
    """Where a book is read."""

    def get(self, path: str, query: Mapping[str, object]) -> Document:
        """Return what stands at an address; a part of the query that is None is left out."""
        ...

    def post(self, path: str, body: Document) -> Document:
        """Return the answer to a question that needs a body."""
        ...

    def close(self) -> None:
        """Leave what was opened."""
        ...


class ServerDoor:
    """A server, over HTTP."""

    def __init__(self, remote: Remote) -> None:
        """Keep where the server is."""
        self._remote = remote

    def get(self, path: str, query: Mapping[str, object]) -> Document:
        """Return what stands at an address."""
        return _decoded(self._remote.get(_addressed(path, query)).content)

    def post(self, path: str, body: Document) -> Document:
        """Return the answer to a question that needs a body."""
        return _decoded(self._remote.post(path, body).content)

    def close(self) -> None:
        """Do nothing: no connection is kept."""


class ProcessDoor:
    """The application itself, called without a network; it is asked one thing at a time."""

    def __init__(self, name: str, application: object, close: Callable[[], object]) -> None:
        """Keep the application.

        Args:
            name: What a refusal calls it: the data directory, or the database.
            application: The ASGI application.
            close: Ends what was opened for it; called once, at the latest when Python ends.
        """
        self._name = name
        self._application = cast("_Application", application)
        # A notebook has an event loop of its own in its thread, so the application has another.
        self._thread = ThreadPoolExecutor(1, "tidebook-client")
        self._ended = weakref.finalize(self, close)

    def get(self, path: str, query: Mapping[str, object]) -> Document:
        """Return what stands at an address."""
        return self._asked("GET", _addressed(path, query), b"")

    def post(self, path: str, body: Document) -> Document:
        """Return the answer to a question that needs a body."""
        return self._asked("POST", path, json.dumps(body).encode())

    def close(self) -> None:
        """End what was opened for it."""
        self._thread.shutdown()
        self._ended()

    def _asked(self, method: str, address: str, body: bytes) -> Document:
        answer = self._thread.submit(asyncio.run, _call(self._application, method, address, body))
        status, content = answer.result()
        if status >= HTTPStatus.BAD_REQUEST:
            raise refusal_of(self._name, status, content, HTTPStatus(status).phrase)
        return _decoded(content)


async def _call(
    application: _Application, method: str, address: str, body: bytes
) -> tuple[int, bytes]:
    """Return the status and the bytes that an application answers a request with."""
    path, _, query = address.partition("?")
    scope: _Message = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", b"%d" % len(body)), _JSON],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    told: list[_Message] = []
    bodies = iter([body])

    async def receive() -> _Message:
        for whole in bodies:
            return {"type": "http.request", "body": whole, "more_body": False}
        await asyncio.Event().wait()  # it stays connected until the answer is complete
        return {"type": "http.disconnect"}

    async def send(message: _Message) -> None:
        told.append(message)

    await application(scope, receive, send)
    status = next(one["status"] for one in told if one["type"] == "http.response.start")
    parts = [one.get("body", b"") for one in told if one["type"] == "http.response.body"]
    return cast("int", status), b"".join(parts)


def _addressed(path: str, query: Mapping[str, object]) -> str:
    given = {name: str(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _decoded(content: bytes) -> Document:
    """Return a document whose numbers keep every digit as written."""
    return cast("Document", json.loads(content, parse_float=Decimal))
