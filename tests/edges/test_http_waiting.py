"""Requests that wait for the booking keep nobody else from being answered."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from anyio import to_thread
from httpx2 import ASGITransport, AsyncClient
from starlette.testclient import TestClient

from tests.edges import sample_views
from tests.edges.memory_book import Desk, MemoryCommands, StoppedClock
from tidebook.adapters.postgres import pool
from tidebook.api import AppSettings, create_app

if TYPE_CHECKING:
    from httpx2 import Response

    from tidebook.engine.ports import Receipt

SEATS, CLIENTS = 64, 80
DATES = {"business_dates": [{"businessDate": "2025-03-10"}]}
PATIENCE_SECONDS = 90.0


class SlowCommands(MemoryCommands):
    """Books nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_told = threading.Event()

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
        super().wait(receipt, timeout_seconds=timeout_seconds)
        return self.is_told.wait(PATIENCE_SECONDS)


async def crowd(client: AsyncClient, commands: SlowCommands) -> tuple[list[Response], Response]:
    """Let 80 clients wait, read the book meanwhile, and return what all of them were answered."""
    headers = {"Prefer": "wait=60"}
    waiting = [
        asyncio.create_task(client.post("/ingest/business-dates", json=DATES, headers=headers))
        for _ in range(CLIENTS)
    ]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            finished = asyncio.as_completed(waiting)
            for _ in range(CLIENTS - SEATS):
                await next(finished)
            read = await client.get("/portfolios/P-1/positions")
        assert sum(task.done() for task in waiting) == CLIENTS - SEATS
    finally:
        commands.is_told.set()
    return await asyncio.gather(*waiting), read


def test_a_crowd_that_waits_lets_others_read() -> None:
    commands, reader = SlowCommands(), sample_views.desk().reader
    app = create_app(commands, reader, clock=StoppedClock())

    async def run() -> tuple[list[Response], Response]:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://book") as client:
            return await crowd(client, commands)

    answers, read = asyncio.run(run())
    assert read.status_code == 200
    booked = [one for one in answers if one.status_code == 201]
    turned_away = [one for one in answers if one.status_code == 202]
    assert (len(booked), len(turned_away)) == (SEATS, CLIENTS - SEATS)
    assert {one.headers["Preference-Applied"] for one in booked} == {"wait=60"}
    assert {one.json()["status"] for one in booked} == {"BOOKED"}
    assert {one.json()["status"] for one in turned_away} == {"QUEUED"}
    assert not any("Preference-Applied" in one.headers for one in turned_away)


def test_a_seat_is_free_again_after_a_failure() -> None:
    desk = Desk(AppSettings(waiting_max=1))
    headers = {"Prefer": "wait=1"}
    desk.commands.wait_fault = ConnectionError("gone")
    refused = desk.served.post("/ingest/business-dates", json=DATES, headers=headers)
    assert refused.status_code == 500
    desk.commands.wait_fault = None
    answer = desk.client.post("/ingest/business-dates", json=DATES, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (201, "BOOKED")


def test_the_server_works_on_as_many_requests_as_it_says() -> None:
    desk = Desk(AppSettings(threads=7))
    with TestClient(desk.client.app) as client:
        assert client.portal is not None
        assert client.portal.call(to_thread.current_default_thread_limiter).total_tokens == 7


def test_there_are_as_many_threads_as_connections() -> None:
    assert AppSettings().threads == pool._CONNECTIONS_MAX
