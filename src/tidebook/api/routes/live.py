"""The routes of the live book: how a portfolio stands now, asked for or pushed.

They answer numbers, as the systems do that these routes are known from; amounts are in the
portfolio's base currency. What is undefined is null, and ``reasons`` says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, cast

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from tidebook.api import samples
from tidebook.api.edge import EdgeHere, JsonBody
from tidebook.api.replies import reply
from tidebook.api.rows.bodies import decoded_object, refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.wire import live as wire
from tidebook.errors import UnreadableMessageError

if TYPE_CHECKING:
    from tidebook.engine.live import LivePortfolios

router = APIRouter(tags=["live"])

_EVENTS_MAX: Final = 1_000
_BEAT_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.5
_ACCEPTED: Final = 202

PortfolioId = Annotated[
    str | None, Query(description="which portfolio; the one that is set where none is named")
]
IntervalMs = Annotated[
    int, Query(ge=0, le=60_000, description="the least time between two snapshots")
]


@router.get("/api/portfolio/snapshot", **samples.answer("live_snapshot"))
def live_snapshot(request: Request, portfolio_id: PortfolioId = None) -> Response:
    """Tell how a portfolio stands now: equity, positions, gains, exposure, drawdown.

    A portfolio that is asked for the first time is followed from then on.
    """
    live = _live(request)
    return reply(wire.snapshot(live.snapshot(_portfolio(live, portfolio_id))))


@router.get("/api/portfolio/pnl", **samples.answer("live_pnl"))
def live_profit_and_loss(request: Request, portfolio_id: PortfolioId = None) -> Response:
    """Tell what a portfolio has gained and lost: realised by period, unrealised, by trades."""
    live = _live(request)
    return reply(wire.profit_and_loss(live.profit_and_loss(_portfolio(live, portfolio_id))))


@router.get("/api/portfolio/exposure", **samples.answer("live_exposure"))
def live_exposure(request: Request, portfolio_id: PortfolioId = None) -> Response:
    """Tell what is at work: by direction, symbol and sector."""
    live = _live(request)
    return reply(wire.exposure(live.exposure(_portfolio(live, portfolio_id))))


@router.get("/api/portfolio/drawdown", **samples.answer("live_drawdown"))
def live_drawdown(request: Request, portfolio_id: PortfolioId = None) -> Response:
    """Tell how far equity stands below the highest points of today, of seven days and of all."""
    live = _live(request)
    return reply(wire.drawdown(live.drawdown(_portfolio(live, portfolio_id))))


@router.get("/health", **samples.answer("live_health"))
@router.get("/api/portfolio/health", **samples.answer("live_health"))
def live_health(request: Request, edge: EdgeHere) -> Response:
    """Tell how the live book is: what feeds it, how far it has read, what is away."""
    version, now = edge.settings.version, edge.clock.now()
    return reply(wire.health(_live(request).health(), version, now))


@router.post("/api/portfolio/events", **samples.live_events())
async def send_live_events(request: Request, body: JsonBody) -> Response:
    """Send live events to the bus: trades, fills, prices, a stop. All of them, or none."""
    live = _live(request)

    def send() -> int:
        events = _events(live, decoded_object(body))
        live.publish(events)
        return len(events)

    count = await run_in_threadpool(send)
    return reply({"status": "accepted", "events": count}, _ACCEPTED)


@router.get("/api/portfolio/stream", **samples.live_stream())
async def live_stream(
    request: Request, portfolio_id: PortfolioId = None, interval_ms: IntervalMs = 250
) -> Response:
    """Push snapshots as server-sent events, each the whole of how the portfolio stands.

    The first comes at once, the next when something has changed and ``interval_ms`` have passed;
    what happens in between is in the next one. A comment every 15 seconds keeps the line open.
    """
    live = _live(request)
    named = _portfolio(live, portfolio_id)
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    leave = await to_thread.run_sync(live.watch, named, wake)

    async def pushed() -> AsyncGenerator[bytes]:
        seen, sent_at = -1, loop.time()
        try:
            while not live.is_ending():
                changed.clear()
                version = live.version(named)
                if version != seen:
                    seen, sent_at = version, loop.time()
                    yield _frame(version, wire.snapshot(live.snapshot(named)))
                    await asyncio.sleep(interval_ms / 1000)
                    continue
                if loop.time() - sent_at > _BEAT_SECONDS:
                    sent_at = loop.time()
                    yield b": still here\n\n"
                await _either(changed)
        finally:
            leave()

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(pushed(), media_type="text/event-stream", headers=headers)


async def _either(changed: asyncio.Event) -> None:
    """Return when something has changed, or after a while, to see whether the server ends."""
    try:
        await asyncio.wait_for(changed.wait(), _LOOK_SECONDS)
    except TimeoutError:
        return


def _frame(version: int, body: Mapping[str, object]) -> bytes:
    return b"id: %d\nevent: snapshot\ndata: %s\n\n" % (version, msgspec.json.encode(body))


def _live(request: Request) -> LivePortfolios:
    return cast("LivePortfolios", request.app.state.live)


def _portfolio(live: LivePortfolios, asked: str | None) -> str:
    named = asked or live.default
    if not named:
        faults = Faults()
        faults.add(
            "/query/portfolio_id",
            "parameter.missing",
            "no portfolio is named, and TIDEBOOK_LIVE_PORTFOLIO sets none",
        )
        raise refusal(faults)
    return named


def _events(
    live: LivePortfolios, document: Mapping[str, object]
) -> list[tuple[str, Mapping[str, object]]]:
    """Return the topic and the record of each event.

    Raises:
        InvalidRequestError: If one of them is none; all are listed.
    """
    faults = Faults()
    given = document.get("events")
    if not isinstance(given, list) or not 1 <= len(cast("list[object]", given)) <= _EVENTS_MAX:
        faults.add("/events", "events.expected", f"send a list of 1 to {_EVENTS_MAX} events")
        raise refusal(faults)
    found: list[tuple[str, Mapping[str, object]]] = []
    for place, row in enumerate(cast("list[object]", given)):
        if not isinstance(row, dict):
            faults.add(f"/events/{place}", "event.object-expected", "an event is a JSON object")
            continue
        told = cast("dict[str, object]", row)
        record = {name: _plain(value) for name, value in told.items() if name != "event"}
        topic = str(told.get("event"))
        try:
            live.check(topic, record)
        except UnreadableMessageError as error:
            faults.add(f"/events/{place}", "event.unreadable", str(error))
            continue
        found.append((topic, record))
    if faults.count:
        raise refusal(faults)
    return found


def _plain(value: object) -> object:
    """Return a value as a message has it: decimals as text, with every digit."""
    return str(value) if isinstance(value, Decimal) else value
