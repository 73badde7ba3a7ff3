"""An open loop: requests sent when they are due, however slowly the server answers.

A client that waits for each answer before it sends the next request sends fewer while the server
is slow, and so leaves out what would have waited longest. Here every request has an instant at
which it is due, decided beforehand; its latency counts from there, whether a connection was free
then or not.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONNECTIONS: Final = 64
_READERS: Final = 8
_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 120.0
_LEAD_SECONDS: Final = 0.5
_SEED: Final = 500
_NOT_FOUND, _BUSY = 404, 503
_GOOD: Final = frozenset({200, 201, 202})


class Shot(NamedTuple):
    """One request: what is posted, and what answers with 200 once it can be read, if asked."""

    body: bytes
    shown_at: str | None


class Flight(NamedTuple):
    """What became of the requests, in seconds since each was due.

    Attributes:
        acknowledged: Until the answer, which says that the fact is durable.
        queryable: Until the answer to a read that shows it; of the sample alone.
        repeated: How many answers of 503 were met by sending the same body again.
        reads: How many reads the sample took.
    """

    acknowledged: tuple[float, ...]
    queryable: tuple[float, ...]
    repeated: int
    reads: int


def due_times(count: int, per_second: float) -> list[float]:
    """Return when requests are due that come by chance, on average so many a second."""
    chance = random.Random(_SEED)  # noqa: S311 - arrivals to measure with, not a secret
    at = 0.0
    found: list[float] = []
    for _ in range(count):
        at += chance.expovariate(per_second)
        found.append(at)
    return found


def fly(post_to: str, read_from: str, shots: Sequence[Shot], due: Sequence[float]) -> Flight:
    """Post each body when it is due and return how long each took.

    Args:
        post_to: Where to post, an address with its path.
        read_from: The address that is read from, without a path.
        shots: What is sent.
        due: Seconds from the beginning, one for each, rising.
    """
    return asyncio.run(_Sky(post_to, read_from).fly(shots, due))


class _Answer(NamedTuple):
    status: int
    retry_after_seconds: float


class _Line:
    """One connection that stays open, and is opened again where the server has closed it."""

    def __init__(self, netloc: str) -> None:
        self._host, _, self._port = netloc.rpartition(":")
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._ends is None or self._ends[0].at_eof():
            self.close()
            self._ends = await asyncio.open_connection(self._host, int(self._port))
        return self._ends

    async def ask(self, request: bytes) -> _Answer:
        reader, writer = await self.open()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        first, *rest = head.split("\r\n")
        fields = dict(line.split(": ", 1) for line in rest if line)
        await reader.readexactly(int(fields.get("content-length", "0")))
        return _Answer(int(first.split(" ")[1]), float(fields.get("retry-after", "0.05")))

    def close(self) -> None:
        if self._ends is not None:
            self._ends[1].close()


class _Lines:
    """Connections to one address; who needs one waits until one is free."""

    def __init__(self, netloc: str) -> None:
        self._netloc = netloc
        # In turns, so that none is idle for so long that the server closes it.
        self._free: asyncio.Queue[_Line] = asyncio.Queue()

    async def open(self, count: int) -> None:
        for _ in range(count):
            line = _Line(self._netloc)
            await line.open()
            self._free.put_nowait(line)

    async def ask(self, request: bytes) -> _Answer:
        line = await self._free.get()
        try:
            return await line.ask(request)
        finally:
            self._free.put_nowait(line)

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait().close()


class _Sky:
    def __init__(self, post_to: str, read_from: str) -> None:
        where = urlsplit(post_to)
        self._path = where.path
        self._host = where.netloc
        self._posts = _Lines(where.netloc)
        self._gets = _Lines(urlsplit(read_from).netloc)
        self._acknowledged: list[float] = []
        self._queryable: list[float] = []
        self._repeated = self._reads = 0

    async def fly(self, shots: Sequence[Shot], due: Iterable[float]) -> Flight:
        await self._posts.open(CONNECTIONS)
        await self._gets.open(_READERS)
        began = time.perf_counter() + _LEAD_SECONDS
        try:
            async with asyncio.TaskGroup() as group:
                for shot, after in zip(shots, due, strict=True):
                    await asyncio.sleep(began + after - time.perf_counter())
                    group.create_task(self._send(shot, began + after))
        finally:
            self._posts.close()
            self._gets.close()
        acknowledged, queryable = tuple(self._acknowledged), tuple(self._queryable)
        return Flight(acknowledged, queryable, self._repeated, self._reads)

    async def _send(self, shot: Shot, due_at: float) -> None:
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(shot.body)}\r\n\r\n"
        )
        request = head.encode() + shot.body
        while (answer := await self._posts.ask(request)).status == _BUSY:
            self._repeated += 1
            await asyncio.sleep(answer.retry_after_seconds)
        assert answer.status in _GOOD, (answer.status, shot.body)
        self._acknowledged.append(time.perf_counter() - due_at)
        if shot.shown_at is not None:
            await self._look(shot.shown_at, due_at)

    async def _look(self, path: str, due_at: float) -> None:
        """Read until it is shown; what the looking adds, at most a pause, is inside the figure."""
        request = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()
        while True:
            self._reads += 1
            status = (await self._gets.ask(request)).status
            if status in _GOOD:
                break
            waited = time.perf_counter() - due_at
            assert status in {_NOT_FOUND, _BUSY}, (path, status)
            assert waited < _PATIENCE_SECONDS, f"{path} is not shown after {waited:.0f} s"
            await asyncio.sleep(_POLL_SECONDS)
        self._queryable.append(time.perf_counter() - due_at)
