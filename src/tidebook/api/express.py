"""The express lane: small, sound bodies of transactions, without what other requests need.

A client that sends one transaction at a time pays for the request many times over what it pays for
the fact. Here such a body is read as the quick way reads it, and shares its commit with those that
come at the same time. Whatever is not plain in every respect (another header that is asked for,
a fault in the body) takes the ordinary way, untouched, which answers it or says what is wrong. Both
answer alike.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from anyio import CapacityLimiter, to_thread

from tidebook.api import problems
from tidebook.api.queued import queued
from tidebook.api.replies import reply
from tidebook.api.rows import quick
from tidebook.engine.gathering import GATHERED_MAX, Sent
from tidebook.errors import TidebookError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tidebook.api.replies import Json
    from tidebook.engine.gathering import GroupCommit
    from tidebook.engine.ports import Clock
    from tidebook.model.facts import Transaction

SINGLE: Final = "/ingest/transaction"
SEVERAL: Final = "/ingest/transactions"
_BODY_BYTES_MAX: Final = 16 * 1024
_BODY_DIGITS_MAX: Final = 6
_CREATED, _ACCEPTED = 201, 202
_COMPANY_SECONDS: Final = 0.004
"""How long the next commit waits for company, once requests come at the same time."""
_JSON: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
_ASKING: Final = frozenset({b"prefer", b"transfer-encoding", b"content-encoding", b"expect"})


class ExpressRoute(NamedTuple):
    """The template of a path, under which its requests are counted."""

    path: str


class ExpressLane:
    """Answers sound transactions itself and passes everything else on.

    Args:
        app: What answers the rest.
        commit: Makes the facts of several requests durable.
        clock: What time it is; facts dated more than a day after it take the ordinary way.
    """

    def __init__(self, app: ASGIApp, commit: GroupCommit, clock: Clock) -> None:
        """Begin with nobody waiting."""
        self.app = app
        self._gate = _Gate(commit)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on as it came."""
        if scope["type"] != "http" or not _is_plain(scope):
            await self.app(scope, receive, send)
            return
        messages, body = await _read(receive)
        facts = None if body is None else _facts(scope["path"], body, self._clock.now())
        if not facts:
            await self.app(scope, _again(messages, receive), send)
            return
        scope["route"] = ExpressRoute(scope["path"])
        correlation_id: str = scope["state"]["correlation_id"]
        try:
            await self._gate.take(Sent(facts, correlation_id))
        except TidebookError as error:
            problem = problems.problem_of(error)
            said = problems.response(problem, instance=scope["path"], correlation_id=correlation_id)
            await said(scope, receive, send)
        else:
            answer, status = _answer(scope["path"], facts, correlation_id)
            await reply(answer, status)(scope, receive, send)


def _is_plain(scope: Scope) -> bool:
    """Tell whether a request asks for nothing but that its body be taken."""
    if scope["path"] not in {SINGLE, SEVERAL} or scope["method"] != "POST":
        return False
    if scope["query_string"]:
        return False
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    sizes = [value for name, value in scope["headers"] if name == b"content-length"]
    if len(types) != 1 or len(sizes) != 1 or not _ASKING.isdisjoint(dict(scope["headers"])):
        return False
    (size,) = sizes
    is_small = size.isdigit() and len(size) <= _BODY_DIGITS_MAX and int(size) <= _BODY_BYTES_MAX
    return is_small and types[0].lower() in _JSON


async def _read(receive: Receive) -> tuple[list[Message], bytes | None]:
    """Return what was received, and the body unless the client has gone away."""
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages, None
        if not message.get("more_body", False):
            return messages, b"".join(each.get("body", b"") for each in messages)


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """Return what gives these messages once more, and then whatever else comes."""
    left = iter(messages)

    async def receive_again() -> Message:
        for message in left:
            return message
        return await receive()

    return receive_again


def _facts(path: str, body: bytes, now: datetime) -> Sequence[Transaction] | None:
    if path == SEVERAL:
        return quick.transactions(body, now)
    fact = quick.transaction(body, now)
    return None if fact is None else [fact]


def _answer(path: str, facts: Sequence[Transaction], correlation_id: str) -> tuple[Json, int]:
    answer = queued(len(facts), "transaction", correlation_id)
    if path == SEVERAL:
        return answer | {"status": "QUEUED"}, _ACCEPTED
    return answer | {"transaction_id": facts[0].transaction_id, "status": "QUEUED"}, _CREATED


class _Waiting(NamedTuple):
    """A request at the gate."""

    sent: Sent
    passed: asyncio.Future[None]


class _Gate:
    """Lets requests through together: those that come during one commit share the next."""

    def __init__(self, commit: GroupCommit) -> None:
        self._commit = commit
        self._waiting: list[_Waiting] = []
        self._passing: asyncio.Task[None] | None = None
        self._limiter: CapacityLimiter | None = None

    async def take(self, sent: Sent) -> None:
        """Return when the facts of a request are durable.

        Raises:
            TidebookError: When they are not, and why.
        """
        mine = _Waiting(sent, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._passing is None:
            self._passing = asyncio.create_task(self._pass_all())
        await mine.passed

    async def _pass_all(self) -> None:
        """Commit for whoever waits, one group after the other, until nobody does."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:GATHERED_MAX], self._waiting[GATHERED_MAX:]
                await self._pass(group)
                if len(group) > 1:
                    await asyncio.sleep(_COMPANY_SECONDS)
        finally:
            self._passing = None

    async def _pass(self, group: Sequence[_Waiting]) -> None:
        """Commit for a group; what one request causes is not to meet the others."""
        # A thread of its own: the door is not to wait for those who read the book.
        self._limiter = self._limiter or CapacityLimiter(1)
        commit = to_thread.run_sync(
            self._commit.take, [each.sent for each in group], limiter=self._limiter
        )
        (outcome,) = await asyncio.gather(commit, return_exceptions=True)
        if outcome is not None and not isinstance(outcome, TidebookError) and len(group) > 1:
            for each in group:
                await self._pass([each])
            return
        for each in group:
            if each.passed.done():
                continue
            if outcome is None:
                each.passed.set_result(None)
            else:
                each.passed.set_exception(outcome)
