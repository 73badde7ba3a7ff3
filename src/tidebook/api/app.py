"""The HTTP application: the engine's commands and reader behind routes and pages."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tidebook.api import problems
from tidebook.api.correlation import HEADER, CorrelationMiddleware, correlation_id_of
from tidebook.api.doors import Doors, opened
from tidebook.api.edge import (
    AppSettings,
    Edge,
    random_id,
    random_nonce,
    refuse_unknown_parameters,
)
from tidebook.api.express import ExpressLane
from tidebook.api.express_reads import ExpressReads
from tidebook.api.observing import ObservingMiddleware
from tidebook.api.routes import (
    benchmarks,
    breaking_down,
    compliance as compliance_routes,
    corporate_actions,
    data_checks,
    explaining,
    explaining_requests,
    health,
    ingestion,
    jobs as job_routes,
    live as live_routes,
    measuring,
    metrics,
    queries,
    reference,
    tax_reports,
    trades,
    users,
    what_if,
)
from tidebook.api.waiting import WaitingRoom
from tidebook.engine.compliance.computed import ComputedCompliance
from tidebook.engine.compliance.order_desk import OrderDesk
from tidebook.engine.measuring.breakdowns import Breakdowns
from tidebook.engine.user_desk import user_desk
from tidebook.errors import Fault, InvalidRequestError, TidebookError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.responses import Response

    from tidebook.api.doors import Dependency
    from tidebook.api.observing import Exposition
    from tidebook.api.pages import Pages
    from tidebook.api.problems import Problem
    from tidebook.engine.compliance.ports import Compliance
    from tidebook.engine.gathering import GroupCommit
    from tidebook.engine.jobs import JobBoard
    from tidebook.engine.live import LivePortfolios
    from tidebook.engine.ports import Clock, Commands, Reader
    from tidebook.engine.user_desk import UserDesk

_NOT_FOUND, _METHOD_NOT_ALLOWED, _INTERNAL = 404, 405, 500
_DESCRIPTION = "A portfolio book of record with analytics and control."

# The last route of the queries takes every path beneath a portfolio, so the checks go before.
_ROUTED = (
    ingestion,
    data_checks,
    what_if,
    corporate_actions,
    compliance_routes,
    tax_reports,
    measuring,
    breaking_down,
    queries,
    explaining,
    explaining_requests,
    trades,
    users,
    benchmarks,
    health,
    reference,
)


def create_app(
    commands: Commands,
    reader: Reader,
    *,
    clock: Clock,
    pages: Pages | None = None,
    settings: AppSettings | None = None,
    new_id: Callable[[], str] = random_id,
    new_nonce: Callable[[], str] = random_nonce,
    doors: Doors | None = None,
    dependencies: Sequence[Dependency] = (),
    desk: UserDesk | None = None,
    compliance: Compliance | None = None,
    metrics_told: Exposition | None = None,
    unbooked: Callable[[], Mapping[str, int]] | None = None,
    jobs: JobBoard | None = None,
    live: LivePortfolios | None = None,
    commit: GroupCommit | None = None,
) -> FastAPI:
    """Return the application that serves a book over HTTP.

    Args:
        commands: Where facts go.
        reader: Where answers come from.
        clock: What time it is; facts dated more than a day after it are refused.
        pages: Pages for people beside the routes; none unless given.
        settings: Limits and version; the defaults unless said otherwise.
        new_id: Gives a fresh UUID for requests that bring no correlation id.
        new_nonce: Gives at least 16 unguessable base64 characters for each page of the reference.
        doors: Which routes this process answers; all unless said otherwise.
        dependencies: Servers besides the store that the readiness route asks.
        desk: Users' trades and benchmarks; without, benchmarks are instruments of the book alone.
        metrics_told: Told of requests, and asked for all metrics; without, there are none.
        unbooked: Tells per consumer how many records it has yet to read.
        jobs: Scheduled work, where this process does any.
        live: Portfolios as they stand now, where this process follows any.
        compliance: Where verdicts are kept; without, trades are judged whenever someone asks.
        commit: Takes transactions of several requests at once; without, each by itself.
    """
    chosen = settings or AppSettings()
    app = FastAPI(
        title="Tidebook",
        version=chosen.version,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        dependencies=[Depends(refuse_unknown_parameters)],
        redirect_slashes=True,
        lifespan=_with_threads(chosen.threads),
    )
    here, waiting = doors or Doors(), WaitingRoom(chosen.waiting_max)
    served = desk or user_desk(commands, reader, clock, new_id)
    judged = compliance or ComputedCompliance(reader, clock)
    app.state.edge = Edge(
        commands,
        reader,
        clock,
        new_id,
        new_nonce,
        chosen,
        waiting,
        served,
        judged,
        OrderDesk(judged),
        Breakdowns(),
    )
    apart = ((metrics, metrics_told), (job_routes, jobs), (live_routes, live))
    app.state.jobs, app.state.live, app.state.pages, app.state.doors = jobs, live, pages, here
    app.state.metrics, app.state.unbooked = metrics_told, unbooked
    app.state.dependencies = tuple(dependencies)
    for part in (*_ROUTED, *(part for part, behind in apart if behind is not None)):
        app.include_router(opened(part.router, here))
    if pages is not None:
        app.include_router(pages.router)
    if commit is not None and here.takes:
        app.add_middleware(ExpressLane, commit=commit, clock=clock)
    if here.answers:
        app.add_middleware(ExpressReads, reader=reader)
    app.add_middleware(ObservingMiddleware, told=metrics_told)
    app.add_middleware(CorrelationMiddleware, new_id=new_id)
    _refuse_with_problems(app)
    app.openapi = lambda: reference.openapi_of(app)
    return app


def _with_threads(count: int) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what sets the number of threads that requests share, when the server starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        to_thread.current_default_thread_limiter().total_tokens = count
        yield

    return lifespan


def _refuse_with_problems(app: FastAPI) -> None:
    """Answer every refusal, ours and the framework's, with a problem document."""
    handlers = cast("dict[Any, Any]", app.exception_handlers)
    handlers[TidebookError] = _on_refusal
    handlers[HTTPException] = _on_http_exception
    handlers[RequestValidationError] = _on_invalid_parameters
    handlers[Exception] = _on_unforeseen


async def _on_refusal(request: Request, error: TidebookError) -> Response:
    problem = problems.problem_of(error)
    if problem.status == _INTERNAL:
        raise error
    return _respond(request, problem)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == _NOT_FOUND:
        return _respond(request, problems.no_route(path))
    if error.status_code == _METHOD_NOT_ALLOWED:
        return _respond(request, problems.no_method(request.method, path, headers))
    return _respond(
        request,
        problems.Problem(
            error.status_code,
            "request.refused",
            str(error.detail),
            "see /docs for what is expected",
            headers=headers,
        ),
    )


async def _on_invalid_parameters(request: Request, error: RequestValidationError) -> Response:
    found = cast("Sequence[dict[str, Any]]", error.errors())
    faults = [
        Fault(
            "/" + "/".join(str(part) for part in one["loc"]),
            f"parameter.{one['type'].replace('_', '-')}",
            str(one["msg"]).removeprefix("Value error, "),
        )
        for one in found
    ]
    return _respond(request, problems.problem_of(InvalidRequestError(faults)))


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    """Answer an error from inside; the framework raises it again, and the server logs it.

    The note puts the id into that one log entry. The answer is sent from outside the middleware
    that names responses, so it is named here.
    """
    correlation_id = correlation_id_of(request)
    error.add_note(f"{request.method} {request.url.path}, correlation id {correlation_id}")
    response = _respond(request, problems.unforeseen())
    response.headers[HEADER] = correlation_id
    return response


def _respond(request: Request, problem: Problem) -> Response:
    correlation_id = correlation_id_of(request)
    path = request.url.path
    pages = cast("Pages | None", request.app.state.pages)
    if pages is not None and pages.owns(path):
        page = pages.refusal(problems.told(problem), correlation_id=correlation_id)
        page.headers.update(problem.headers)
        return page
    return problems.response(problem, instance=path, correlation_id=correlation_id)
