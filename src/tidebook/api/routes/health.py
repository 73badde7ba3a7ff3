"""Whether the process lives, whether it can serve, and which version it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.doors import Dependency, Doors, dependencies_told
from tidebook.api.edge import EdgeHere
from tidebook.api.replies import Json, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

router = APIRouter(tags=["health"])


@router.get("/health/live", **samples.answer("live"))
async def live() -> Response:
    """Answer as long as the process runs; the store is not asked."""
    return reply({"status": "alive"})


@router.get("/health/ready", **samples.answer("ready"))
def ready(request: Request, edge: EdgeHere) -> Response:
    """Answer when the store does, and whatever else this process needs; else refuse with 503.

    Told are the roles of the process, and of each dependency that it is ok, or away where the
    process can do its work without; a schema is newer while releases change. Unprocessed are the
    records that each consumer has yet to read, at most a few seconds ago: being behind is no
    reason to be taken out of service.
    """
    edge.reader.ready()
    doors = cast("Doors", request.app.state.doors)
    others = dependencies_told(cast("tuple[Dependency, ...]", request.app.state.dependencies))
    told: Json = {"status": "ready", "dependencies": {"database": "ok", **others}}
    unbooked = cast("Callable[[], Mapping[str, int]] | None", request.app.state.unbooked)
    if unbooked is not None:
        told["unprocessed"] = dict(unbooked())
    if doors.roles:
        told["roles"] = list(doors.roles)
    return reply(told)


@router.get("/health/startup", **samples.answer("startup"))
def startup(edge: EdgeHere) -> Response:
    """Answer when the process has come up and reached the store; otherwise refuse with 503."""
    edge.reader.ready()
    return reply({"status": "started"})


@router.get("/version", **samples.answer("version"))
async def version(edge: EdgeHere) -> Response:
    """Tell which version of Tidebook this is."""
    return reply({"name": "tidebook", "version": edge.settings.version})
