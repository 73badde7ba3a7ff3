"""The write routes: facts in, answered when they are durable or, if asked, when they are booked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api import bodies, quick, rows, samples
from tidebook.api.correlation import correlation_id_of
from tidebook.api.edge import Edge, EdgeHere, JsonBody
from tidebook.api.prefer import preference
from tidebook.api.replies import Json, reply
from tidebook.api.shapes import placed_finding_of
from tidebook.engine.ports import Reader, Receipt
from tidebook.engine.views import FindingView
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Transaction

router = APIRouter(tags=["ingestion"])

FINDINGS_MAX = 1000
PORTFOLIOS_ASKED_MAX = 20
_CREATED, _ACCEPTED = 201, 202

Prefer = Annotated[list[str] | None, Header(description="wait=N: answer when booked, RFC 7240")]


@router.post("/ingest/portfolios", **samples.ingestion(rows.PORTFOLIOS))
def ingest_portfolios(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in portfolios and the rules their books are kept by."""
    facts = bodies.facts_of(body, rows.PORTFOLIOS, edge.clock.now())
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_portfolios(facts, correlation_id)
    return _answer(edge, receipt, _queued(len(facts), "portfolio", correlation_id), prefer)


@router.post("/ingest/instruments", **samples.ingestion(rows.INSTRUMENTS))
def ingest_instruments(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in what can be held."""
    facts = bodies.facts_of(body, rows.INSTRUMENTS, edge.clock.now())
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_instruments(facts, correlation_id)
    return _answer(edge, receipt, _queued(len(facts), "instrument", correlation_id), prefer)


@router.post("/ingest/transactions", **samples.ingestion(rows.TRANSACTIONS))
def ingest_transactions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in transactions; the same id with other content corrects the earlier one."""
    facts = bodies.facts_of(body, rows.TRANSACTIONS, edge.clock.now(), quick_way=quick.transactions)
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_transactions(facts, correlation_id)
    answer = _queued(len(facts), "transaction", correlation_id)
    return _answer(edge, receipt, answer, prefer, transactions=facts)


@router.post("/ingest/transaction", **samples.single_transaction())
def ingest_transaction(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in one transaction."""
    fact = bodies.one_fact(body, rows.TRANSACTIONS, edge.clock.now())
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_transactions([fact], correlation_id)
    answer = _queued(1, "transaction", correlation_id) | {"transaction_id": fact.transaction_id}
    return _answer(edge, receipt, answer, prefer, transactions=[fact], status=_CREATED)


@router.post("/ingest/market-prices", **samples.ingestion(rows.MARKET_PRICES))
def ingest_market_prices(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in closing prices."""
    facts = bodies.facts_of(
        body, rows.MARKET_PRICES, edge.clock.now(), quick_way=quick.market_prices
    )
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_prices(facts, correlation_id)
    return _answer(edge, receipt, _queued(len(facts), "market price", correlation_id), prefer)


@router.post("/ingest/fx-rates", **samples.ingestion(rows.FX_RATES))
def ingest_fx_rates(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in exchange rates: units of the one currency for one of the other."""
    facts = bodies.facts_of(body, rows.FX_RATES, edge.clock.now(), quick_way=quick.fx_rates)
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_rates(facts, correlation_id)
    return _answer(edge, receipt, _queued(len(facts), "FX rate", correlation_id), prefer)


@router.post("/ingest/business-dates", **samples.ingestion(rows.BUSINESS_DATES))
def ingest_business_dates(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Take in the days on which portfolios are valued."""
    facts = bodies.facts_of(body, rows.BUSINESS_DATES, edge.clock.now())
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.ingest_business_dates(facts, correlation_id)
    return _answer(edge, receipt, _queued(len(facts), "business date", correlation_id), prefer)


@router.post("/reprocess/transactions", **samples.reprocessing())
def reprocess_transactions(
    request: Request, edge: EdgeHere, body: JsonBody, prefer: Prefer = None
) -> Response:
    """Ask for the keys of these transactions to be folded again from their facts."""
    ids = bodies.ids_of(body, "transaction_ids")
    correlation_id = correlation_id_of(request)
    receipt = edge.commands.reprocess(ids, correlation_id)
    answer = _queued(len(ids), "transaction", correlation_id, purpose="reprocessing")
    return _answer(edge, receipt, answer, prefer)


def _queued(count: int, what: str, correlation_id: str, *, purpose: str = "processing") -> Json:
    noun = what if count == 1 else f"{what}s"
    return {
        "message": f"Successfully queued {count} {noun} for {purpose}.",
        "accepted_count": count,
        "correlation_id": correlation_id,
    }


def _answer(
    edge: Edge,
    receipt: Receipt,
    answer: Json,
    prefer: Sequence[str] | None,
    *,
    transactions: Sequence[Transaction] = (),
    status: int = _ACCEPTED,
) -> Response:
    asked = preference(prefer or ())
    if asked.wait_seconds is None:
        headers = {"Preference-Applied": asked.applied} if asked.is_async else {}
        return reply(answer | {"status": "QUEUED"}, status, headers=headers)
    headers = {"Preference-Applied": asked.applied}
    if not edge.commands.wait(receipt, timeout_seconds=asked.wait_seconds):
        return reply(answer | {"status": "QUEUED"}, _ACCEPTED, headers=headers)
    booked = answer | {"status": "BOOKED"}
    if transactions:
        findings = _findings(edge.reader, transactions)
        booked["findings"] = [placed_finding_of(view) for view in findings[:FINDINGS_MAX]]
        booked["findings_count"] = len(findings)
    return reply(booked, _CREATED, headers=headers)


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
