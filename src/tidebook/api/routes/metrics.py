"""What the process has counted, for Prometheus to fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidebook.api import samples

if TYPE_CHECKING:
    from tidebook.api.observing import Exposition

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["health"])


@router.get("/metrics", **samples.metrics())
def metrics(request: Request) -> Response:
    """Tell every metric of this process in the text format of Prometheus.

    How far the book is behind is asked of the store, and every process tells it alike.
    """
    told = cast("Exposition", request.app.state.metrics)
    return Response(told.exposition(), media_type=CONTENT_TYPE)
