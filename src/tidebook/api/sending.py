"""Facts that are sent: taken in on a shared thread, answered when durable or, if asked, booked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, NamedTuple, TypeVar

from fastapi import Depends, Header
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api.correlation import correlation_id_of
from tidebook.api.edge import Edge, EdgeHere, JsonBody
from tidebook.api.prefer import Preference, preference
from tidebook.api.queued import queued
from tidebook.api.replies import Json, reply
from tidebook.api.rows import bodies
from tidebook.api.rows.kinds import Door
from tidebook.api.wire.shapes import placed_finding_of
from tidebook.engine.ports import Reader, Receipt
from tidebook.engine.views import FindingView
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Transaction

Fact = TypeVar("Fact")

FINDINGS_MAX = 1000
PORTFOLIOS_ASKED_MAX = 20
_CREATED, _ACCEPTED = 201, 202

Prefer = Annotated[list[str] | None, Header(description="wait=N: answer when booked, RFC 7240")]


class Taken(NamedTuple):
    """Facts that are durable, and what is answered about them while they are not booked."""

    receipt: Receipt
    answer: Json
    transactions: Sequence[Transaction] = ()
    status: int = _ACCEPTED


class Sending(NamedTuple):
    """A request that brings facts: its body, its id, and how long its sender wants to wait."""

    edge: Edge
    body: bytes
    correlation_id: str
    asked: Preference

    async def all_of(
        self,
        door: Door[Fact],
        noun: str,
        ingest: Callable[[Sequence[Fact], str], Receipt],
        *,
        quick_way: bodies.QuickWay[Fact] | None = None,
    ) -> Response:
        """Take in all facts of the body, which are of one kind, or none; ``noun`` names one."""

        def take() -> Taken:
            now = self.edge.clock.now()
            facts = bodies.facts_of(self.body, door, now, quick_way=quick_way)
            receipt = ingest(facts, self.correlation_id)
            booked = [fact for fact in facts if isinstance(fact, Transaction)]
            return Taken(receipt, self.queued(len(facts), noun), booked)

        return await self.answered(take)

    def queued(self, count: int, noun: str, *, purpose: str = "processing") -> Json:
        """Return what is answered about facts that were taken in."""
        return queued(count, noun, self.correlation_id, purpose=purpose)

    async def answered(self, take: Callable[[], Taken]) -> Response:
        """Take facts in on a shared thread and, if asked, wait for their booking on one apart."""
        taken = await run_in_threadpool(take)
        asked = self.asked
        is_queued = taken.answer | {"status": "QUEUED"}
        if asked.wait_seconds is None:
            return reply(is_queued, taken.status, headers=_applied(asked))
        until = partial(self.edge.commands.wait, taken.receipt, timeout_seconds=asked.wait_seconds)
        is_booked = await self.edge.waiting.wait(until)
        if is_booked is None:
            return reply(is_queued, _ACCEPTED, headers=_applied(asked._replace(wait_seconds=None)))
        if not is_booked:
            return reply(is_queued, _ACCEPTED, headers=_applied(asked))
        booked = await run_in_threadpool(_booked, self.edge, taken)
        return reply(booked, _CREATED, headers=_applied(asked))


async def sending_of(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Sending:
    """Return what a request brings."""
    return Sending(edge, body, correlation_id_of(request), preference(prefer or ()))


SendingHere = Annotated[Sending, Depends(sending_of)]


def _applied(asked: Preference) -> dict[str, str]:
    return {"Preference-Applied": asked.applied} if asked.applied else {}


def _booked(edge: Edge, taken: Taken) -> Json:
    booked = taken.answer | {"status": "BOOKED"}
    if taken.transactions:
        findings = _findings(edge.reader, taken.transactions)
        booked["findings"] = [placed_finding_of(view) for view in findings[:FINDINGS_MAX]]
        booked["findings_count"] = len(findings)
    return booked


def _findings(reader: Reader, transactions: Sequence[Transaction]) -> Sequence[FindingView]:
    """Return what is open about these transactions."""
    sent = {(fact.portfolio_id, fact.transaction_id) for fact in transactions}
    views = _open_findings(reader, {fact.portfolio_id for fact in transactions})
    return [view for view in views if (view.portfolio_id, view.finding.transaction_id) in sent]


def _open_findings(reader: Reader, portfolio_ids: set[str]) -> Sequence[FindingView]:
    if len(portfolio_ids) > PORTFOLIOS_ASKED_MAX:
        return reader.findings()
    try:
        return [view for one in sorted(portfolio_ids) for view in reader.findings(one)]
    except UnknownPortfolioError:
        # Its transactions wait for the portfolio, and only the list of all findings has them.
        return reader.findings()
