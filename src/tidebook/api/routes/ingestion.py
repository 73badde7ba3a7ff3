"""The write routes: facts in, answered when they are durable or, if asked, when they are booked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.correlation import correlation_id_of
from tidebook.api.edge import Edge, EdgeHere, JsonBody
from tidebook.api.prefer import Preference, preference
from tidebook.api.queued import queued
from tidebook.api.replies import Json, reply
from tidebook.api.rows import bodies, kinds as rows, quick
from tidebook.api.rows.faults import Faults
from tidebook.api.wire import what_if as what_if_wire
from tidebook.api.wire.shapes import placed_finding_of
from tidebook.engine.cancelling import Located, locate
from tidebook.engine.ports import Reader, Receipt
from tidebook.engine.views import FindingView
from tidebook.errors import UnknownPortfolioError
from tidebook.model.cancellations import BusinessDateRef, Cancellation, TransactionRef
from tidebook.model.facts import Transaction

router = APIRouter(tags=["ingestion"])

FINDINGS_MAX = 1000
PORTFOLIOS_ASKED_MAX = 20
_CREATED, _ACCEPTED = 201, 202


_WHY_UNKNOWN = (
    "the book knows no such fact, so there is nothing to cancel; correct it, or repeat the request "
    "with ?expect=any if it was sent only just now"
)


class Expect(StrEnum):
    """What is expected of the facts that are to be cancelled."""

    KNOWN = "known"
    """That the book knows them: an unknown one is a fault."""
    ANY = "any"
    """Nothing: they may be under way still, and unknown ones are only counted."""


class _Taken(NamedTuple):
    """Facts that are durable, and what is answered about them while they are not booked."""

    receipt: Receipt
    answer: Json
    transactions: Sequence[Transaction] = ()
    status: int = _ACCEPTED


Prefer = Annotated[list[str] | None, Header(description="wait=N: answer when booked, RFC 7240")]


@router.post("/ingest/portfolios", **samples.ingestion(rows.PORTFOLIOS))
async def ingest_portfolios(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in portfolios and the rules their books are kept by."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.PORTFOLIOS, edge.clock.now())
        receipt = edge.commands.ingest_portfolios(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "portfolio", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/instruments", **samples.ingestion(rows.INSTRUMENTS))
async def ingest_instruments(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in what can be held."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.INSTRUMENTS, edge.clock.now())
        receipt = edge.commands.ingest_instruments(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "instrument", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/transactions", **samples.ingestion(rows.TRANSACTIONS))
async def ingest_transactions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in transactions; the same id with other content corrects the earlier one."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(
            body, rows.TRANSACTIONS, edge.clock.now(), quick_way=quick.transactions
        )
        receipt = edge.commands.ingest_transactions(facts, correlation_id)
        answer = queued(len(facts), "transaction", correlation_id)
        return _Taken(receipt, answer, facts)

    return await _answered(edge, take, prefer)


@router.post("/ingest/transaction", **samples.single_transaction())
async def ingest_transaction(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in one transaction."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        fact = bodies.one_fact(body, rows.TRANSACTIONS, edge.clock.now())
        receipt = edge.commands.ingest_transactions([fact], correlation_id)
        answer = queued(1, "transaction", correlation_id) | {"transaction_id": fact.transaction_id}
        return _Taken(receipt, answer, [fact], _CREATED)

    return await _answered(edge, take, prefer)


@router.post("/ingest/market-prices", **samples.ingestion(rows.MARKET_PRICES))
async def ingest_market_prices(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in closing prices."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(
            body, rows.MARKET_PRICES, edge.clock.now(), quick_way=quick.market_prices
        )
        receipt = edge.commands.ingest_prices(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "market price", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/fx-rates", **samples.ingestion(rows.FX_RATES))
async def ingest_fx_rates(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in exchange rates: units of the one currency for one of the other."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.FX_RATES, edge.clock.now(), quick_way=quick.fx_rates)
        receipt = edge.commands.ingest_rates(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "FX rate", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/business-dates", **samples.ingestion(rows.BUSINESS_DATES))
async def ingest_business_dates(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in the days on which portfolios are valued."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.BUSINESS_DATES, edge.clock.now())
        receipt = edge.commands.ingest_business_dates(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "business date", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/corporate-actions", **samples.ingestion(rows.CORPORATE_ACTIONS))
async def ingest_corporate_actions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in corporate actions: splits, spin-offs, mergers and the like, each as one fact."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.CORPORATE_ACTIONS, edge.clock.now())
        receipt = edge.commands.ingest_actions(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "corporate action", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/cancellations", **samples.ingestion(rows.CANCELLATIONS))
async def ingest_cancellations(
    request: Request,
    edge: EdgeHere,
    body: JsonBody,
    prefer: Prefer = None,
    expect: Expect = Expect.KNOWN,
) -> Response:
    """Take in cancellations: the facts that they name never happened."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        sent = bodies.facts_of(body, rows.CANCELLATIONS, edge.clock.now())
        found = _located(edge.reader, sent, expect)
        receipt = edge.commands.cancel(found.cancellations, correlation_id)
        answer = queued(len(sent), "cancellation", correlation_id)
        return _Taken(receipt, answer | {"unknown_count": len(found.unknown)})

    return await _answered(edge, take, prefer)


def _located(reader: Reader, sent: Sequence[Cancellation], expect: Expect) -> Located:
    """Return cancellations, each transaction's with its portfolio.

    Raises:
        InvalidRequestError: If the portfolio was left out and the transaction is not known; or
            another fact is not, and was to be.
    """
    located = locate(reader, sent)
    faults = Faults()
    for place in located.unknown:
        pointer = f"/{rows.CANCELLATIONS.wrapper}/{place}"
        if isinstance(sent[place], TransactionRef):
            faults.add(
                f"{pointer}/transaction_id",
                "transaction.unknown",
                "the book knows no transaction of this id, and so not its portfolio; correct the "
                "id, or send its portfolio_id too if it was sent only just now",
            )
        elif expect is Expect.KNOWN:
            faults.add(pointer, "fact.unknown", _WHY_UNKNOWN)
    if faults.count:
        raise bodies.refusal(faults)
    return located


@router.post("/portfolios/{portfolio_id:path}/what-if/commit", **samples.what_if_commit())
async def commit_what_if(
    request: Request, edge: EdgeHere, portfolio_id: str, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in the facts of a what-if, all or none, if the book still stands where it did."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        now = edge.clock.now()
        sent = what_if_wire.supposed(bodies.decoded_object(body), edge.reader, now, commits=True)
        edge.reader.portfolio(portfolio_id)
        facts = sent.hypothesis
        receipt = edge.commands.commit(portfolio_id, facts, sent.preview_hash, correlation_id)
        answer = queued(receipt.accepted, "fact", correlation_id)
        return _Taken(receipt, answer, facts.transactions)

    return await _answered(edge, take, prefer)


@router.post("/ingest/balance-assertions", **samples.ingestion(rows.BALANCE_ASSERTIONS))
async def ingest_balance_assertions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in what others say is held; the book is compared with it and does not change."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.BALANCE_ASSERTIONS, edge.clock.now())
        receipt = edge.commands.ingest_assertions(facts, correlation_id)
        return _Taken(receipt, queued(len(facts), "balance assertion", correlation_id))

    return await _answered(edge, take, prefer)


@router.post("/ingest/business-dates/withdrawal", **samples.ingestion(rows.BUSINESS_DATES))
async def withdraw_business_dates(
    request: Request,
    edge: EdgeHere,
    body: JsonBody,
    prefer: Prefer = None,
    expect: Expect = Expect.KNOWN,
) -> Response:
    """Take business dates back; what was valued on them is still known as of then."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        facts = bodies.facts_of(body, rows.BUSINESS_DATES, edge.clock.now())
        gone = [BusinessDateRef(day) for day in facts]
        unknown = edge.reader.unknown(gone)
        if unknown and expect is Expect.KNOWN:
            faults = Faults()
            for place in unknown:
                pointer = f"/{rows.BUSINESS_DATES.wrapper}/{place}"
                faults.add(pointer, "fact.unknown", _WHY_UNKNOWN)
            raise bodies.refusal(faults)
        receipt = edge.commands.cancel(gone, correlation_id)
        answer = queued(len(facts), "business date", correlation_id, purpose="withdrawal")
        return _Taken(receipt, answer | {"unknown_count": len(unknown)})

    return await _answered(edge, take, prefer)


@router.post("/reprocess/transactions", **samples.reprocessing())
async def reprocess_transactions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Ask for the keys of these transactions to be folded again from their facts."""
    correlation_id = correlation_id_of(request)

    def take() -> _Taken:
        ids = bodies.ids_of(body, "transaction_ids")
        receipt = edge.commands.reprocess(ids, correlation_id)
        answer = queued(len(ids), "transaction", correlation_id, purpose="reprocessing")
        return _Taken(receipt, answer)

    return await _answered(edge, take, prefer)


async def _answered(
    edge: Edge, take: Callable[[], _Taken], prefer: Sequence[str] | None
) -> Response:
    """Take facts in on a shared thread and, if asked, wait for their booking on one apart."""
    taken = await run_in_threadpool(take)
    asked = preference(prefer or ())
    in_queue = taken.answer | {"status": "QUEUED"}
    if asked.wait_seconds is None:
        return reply(in_queue, taken.status, headers=_applied(asked))
    until = partial(edge.commands.wait, taken.receipt, timeout_seconds=asked.wait_seconds)
    is_booked = await edge.waiting.wait(until)
    if is_booked is None:
        return reply(in_queue, _ACCEPTED, headers=_applied(asked._replace(wait_seconds=None)))
    if not is_booked:
        return reply(in_queue, _ACCEPTED, headers=_applied(asked))
    return reply(await run_in_threadpool(_booked, edge, taken), _CREATED, headers=_applied(asked))


def _applied(asked: Preference) -> dict[str, str]:
    return {"Preference-Applied": asked.applied} if asked.applied else {}


def _booked(edge: Edge, taken: _Taken) -> Json:
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
