"""Which request is being worked on, for whatever is logged meanwhile.

A request is named at the door; a worker names those whose facts lie in its batch. What is logged in
between carries the name without anybody passing it on. Nothing that is computed depends on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_NAMED_MAX: Final = 5

_client: ContextVar[str] = ContextVar("client_span", default="")
_current: ContextVar[tuple[str, ...]] = ContextVar("correlation_ids", default=())


def correlation_ids() -> tuple[str, ...]:
    """Return the ids of the requests that are worked on here; none outside of any."""
    return _current.get()


def client_span() -> str:
    """Return the span of the client that sent the request, as W3C Trace Context writes it."""
    return _client.get()


@contextmanager
def correlated(ids: Iterable[str], *, client: str = "") -> Generator[None]:
    """Name the requests that the block works on.

    Of a batch of many requests the first few are named, in the order of its facts: a line that
    names thousands is of no use. An empty id names nothing. ``client`` is the span of whoever sent
    the request, where it told one.
    """
    token, before = _current.set(_first_few(ids)), _client.set(client)
    try:
        yield
    finally:
        _current.reset(token)
        _client.reset(before)


def _first_few(ids: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for one in ids:
        if one:
            found[one] = None
        if len(found) == _NAMED_MAX:
            break
    return tuple(found)
