"""What the routes work with, and how a request is read before a route sees it."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from tidebook import __version__
from tidebook.api.rows import checks
from tidebook.api.waiting import WaitingRoom
from tidebook.engine.compliance.order_desk import OrderDesk
from tidebook.engine.compliance.ports import Compliance
from tidebook.engine.measuring.breakdowns import Breakdowns
from tidebook.engine.ports import Clock, Commands, Reader
from tidebook.engine.user_desk import UserDesk
from tidebook.errors import BodyTooLargeError, MediaTypeError, UnknownParameterError
from tidebook.model import moments

MEBIBYTE = 1024 * 1024
_UUID_BYTES = 16
_NONCE_BYTES = 18


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What may be set about the HTTP edge.

    Attributes:
        max_body_bytes: The largest request body that is read.
        version: What GET /version answers and the pages show.
        threads: How many requests are worked on at once; further ones queue. As many as a process
            has connections to its store, since another thread would only wait for one.
        waiting_max: How many requests may wait for the booking at once, besides those.
    """

    max_body_bytes: int = 32 * MEBIBYTE
    version: str = __version__
    threads: int = 24
    waiting_max: int = 64


class Edge(NamedTuple):
    """Everything a route may reach: the engine's two doors, and what is handed in from outside.

    ``new_id`` gives a fresh UUID as text; ``new_nonce`` at least 16 unguessable base64 characters.
    """

    commands: Commands
    reader: Reader
    clock: Clock
    new_id: Callable[[], str]
    new_nonce: Callable[[], str]
    settings: AppSettings
    waiting: WaitingRoom
    desk: UserDesk
    compliance: Compliance
    orders: OrderDesk
    breakdowns: Breakdowns


def random_id() -> str:
    """Return a fresh UUID. An id names a request and has no influence on any figure."""
    return str(UUID(bytes=os.urandom(_UUID_BYTES), version=4))


def random_nonce() -> str:
    """Return 24 unguessable characters that may stand in a header."""
    return urlsafe_b64encode(os.urandom(_NONCE_BYTES)).decode()


async def edge_of(request: Request) -> Edge:
    """Return what the application was made with."""
    return cast("Edge", request.app.state.edge)


async def json_body(request: Request) -> bytes:
    """Return the bytes of a JSON body.

    Raises:
        MediaTypeError: If the request does not say that it is JSON.
        BodyTooLargeError: If there are more bytes than allowed; no more than that are read.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise MediaTypeError(media_type)
    limit = cast("Edge", request.app.state.edge).settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise BodyTooLargeError(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLargeError(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, and those given twice.

    Raises:
        UnknownParameterError: If there is one; a slip of the pen must not change an answer unseen.
    """
    if not request.query_params:
        return
    route = cast("APIRoute", request.scope["route"])
    known = [parameter.alias for parameter in route.dependant.query_params]
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise UnknownParameterError(name, "is not known here", known)
        if name in seen:
            raise UnknownParameterError(name, "is given twice", known)
        seen.add(name)


def _day(value: object) -> date:
    day = moments.day_of(str(value))
    if day is None:
        raise ValueError(moments.why_no_day(str(value)))
    return day


def _instant(value: object) -> datetime:
    instant = moments.instant_of(str(value))
    if instant is None:
        raise ValueError(moments.why_no_instant_in_address(str(value)))
    return instant


EdgeHere = Annotated[Edge, Depends(edge_of)]
JsonBody = Annotated[bytes, Depends(json_body)]
Day = Annotated[date | None, BeforeValidator(_day), Query(json_schema_extra={"format": "date"})]
Instant = Annotated[
    datetime | None, BeforeValidator(_instant), Query(json_schema_extra={"format": "date-time"})
]
Text = Annotated[str | None, Query(max_length=checks.ID_LENGTH_MAX)]


def today(edge: Edge) -> date:
    """Return the present day in UTC."""
    return edge.clock.now().astimezone(UTC).date()


def day_in(edge: Edge, time_zone: str) -> date:
    """Return the present day in a time zone."""
    return edge.clock.now().astimezone(ZoneInfo(time_zone)).date()
