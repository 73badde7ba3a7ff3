"""Which routes a process answers, and what else must be there for it to be ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Route

from tidebook.errors import BusUnavailableError, SchemaNewerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
_HEALTH = ("/health/live", "/health/ready", "/health/startup", "/version", "/metrics")
_EVERYWHERE = (*_HEALTH, "/docs", "/openapi")
_TAKING = ("/ingest/", "/reprocess/", "/trades", "/benchmarks/update")
_COMMITTING = "/what-if/commit"
_SCHEDULING = "/jobs"
_WATCHING, _LIVE_HEALTH = "/api/portfolio/", "/health"


class Doors(NamedTuple):
    """What a process does over HTTP: takes facts in, answers, tells of jobs, watches portfolios.

    ``roles`` are told by the readiness route.
    """

    takes: bool = True
    answers: bool = True
    roles: Sequence[str] = ()
    schedules: bool = True
    watches: bool = True

    def opens(self, path: str) -> bool:
        """Tell whether this process answers a path."""
        if path.startswith(_EVERYWHERE):
            return True
        if path.startswith(_SCHEDULING):
            return self.schedules
        if path == _LIVE_HEALTH or path.startswith(_WATCHING):
            return self.watches
        taking = path.startswith(_TAKING) or path.endswith(_COMMITTING)
        return self.takes if taking else self.answers


class Dependency(NamedTuple):
    """What a process rests on, besides that the store answers.

    ``ask`` raises ``BusUnavailableError`` when a server does not answer, a ``StoreError`` when the
    database is not as it should be. Where it is ``needed`` the
    process is not ready without it; elsewhere that it is away is only told.
    """

    name: str
    ask: Callable[[], None]
    needed: bool


def opened(router: APIRouter, doors: Doors) -> APIRouter:
    """Return a router with those of the routes that a process answers."""
    if doors.takes and doors.answers and doors.schedules and doors.watches:
        return router
    kept = APIRouter(tags=router.tags)
    kept.routes[:] = [
        route
        for route in router.routes
        if isinstance(route, Route | APIRoute) and doors.opens(route.path)
    ]
    return kept


def dependencies_told(dependencies: Sequence[Dependency]) -> dict[str, str]:
    """Return how each dependency is.

    Raises:
        BusUnavailableError: When one that is needed is away.
    """
    told: dict[str, str] = {}
    for dependency in dependencies:
        try:
            dependency.ask()
        except BusUnavailableError:
            if dependency.needed:
                raise
            told[dependency.name] = "away"
        except SchemaNewerError:
            # Refusing here would stop the releases that still run while a new one comes in.
            told[dependency.name] = "newer"
        else:
            told[dependency.name] = "ok"
    return told
