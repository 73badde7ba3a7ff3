"""Whether the process lives, whether it can serve, and which version it is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import EdgeHere
from tidebook.api.replies import reply

router = APIRouter(tags=["health"])


@router.get("/health/live", **samples.answer("live"))
async def live() -> Response:
    """Answer as long as the process runs; the store is not asked."""
    return reply({"status": "alive"})


@router.get("/health/ready", **samples.answer("ready"))
def ready(edge: EdgeHere) -> Response:
    """Answer when the store does; otherwise refuse with 503."""
    edge.reader.ready()
    return reply({"status": "ready", "dependencies": {"database": "ok"}})


@router.get("/health/startup", **samples.answer("startup"))
def startup(edge: EdgeHere) -> Response:
    """Answer when the process has come up and reached the store; otherwise refuse with 503."""
    edge.reader.ready()
    return reply({"status": "started"})


@router.get("/version", **samples.answer("version"))
async def version(edge: EdgeHere) -> Response:
    """Tell which version of Tidebook this is."""
    return reply({"name": "tidebook", "version": edge.settings.version})
