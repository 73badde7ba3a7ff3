"""The write routes: facts in, answered when they are durable or, if asked, when they are booked."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.rows import bodies, kinds as rows, quick
from tidebook.api.rows.faults import Faults
from tidebook.api.sending import SendingHere, Taken
from tidebook.api.wire import what_if as what_if_wire
from tidebook.engine.cancelling import Located, locate
from tidebook.engine.ports import Reader
from tidebook.model.cancellations import BusinessDateRef, Cancellation, TransactionRef

router = APIRouter(tags=["ingestion"])

_CREATED = 201
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


@router.post("/ingest/portfolios", **samples.ingestion(rows.PORTFOLIOS))
async def ingest_portfolios(sent: SendingHere) -> Response:
    """Take in portfolios and the rules their books are kept by."""
    ingest = sent.edge.commands.ingest_portfolios
    return await sent.all_of(rows.PORTFOLIOS, "portfolio", ingest)


@router.post("/ingest/instruments", **samples.ingestion(rows.INSTRUMENTS))
async def ingest_instruments(sent: SendingHere) -> Response:
    """Take in what can be held."""
    ingest = sent.edge.commands.ingest_instruments
    return await sent.all_of(rows.INSTRUMENTS, "instrument", ingest)


@router.post("/ingest/transactions", **samples.ingestion(rows.TRANSACTIONS))
async def ingest_transactions(sent: SendingHere) -> Response:
    """Take in transactions; the same id with other content corrects the earlier one."""
    ingest = sent.edge.commands.ingest_transactions
    return await sent.all_of(rows.TRANSACTIONS, "transaction", ingest, quick_way=quick.transactions)


@router.post("/ingest/transaction", **samples.single_transaction())
async def ingest_transaction(sent: SendingHere) -> Response:
    """Take in one transaction."""

    def take() -> Taken:
        fact = bodies.one_fact(sent.body, rows.TRANSACTIONS, sent.edge.clock.now())
        receipt = sent.edge.commands.ingest_transactions([fact], sent.correlation_id)
        answer = sent.queued(1, "transaction") | {"transaction_id": fact.transaction_id}
        return Taken(receipt, answer, [fact], _CREATED)

    return await sent.answered(take)


@router.post("/ingest/market-prices", **samples.ingestion(rows.MARKET_PRICES))
async def ingest_market_prices(sent: SendingHere) -> Response:
    """Take in closing prices."""
    ingest = sent.edge.commands.ingest_prices
    return await sent.all_of(
        rows.MARKET_PRICES, "market price", ingest, quick_way=quick.market_prices
    )


@router.post("/ingest/fx-rates", **samples.ingestion(rows.FX_RATES))
async def ingest_fx_rates(sent: SendingHere) -> Response:
    """Take in exchange rates: units of the one currency for one of the other."""
    ingest = sent.edge.commands.ingest_rates
    return await sent.all_of(rows.FX_RATES, "FX rate", ingest, quick_way=quick.fx_rates)


@router.post("/ingest/business-dates", **samples.ingestion(rows.BUSINESS_DATES))
async def ingest_business_dates(sent: SendingHere) -> Response:
    """Take in the days on which portfolios are valued."""
    ingest = sent.edge.commands.ingest_business_dates
    return await sent.all_of(rows.BUSINESS_DATES, "business date", ingest)


@router.post("/ingest/corporate-actions", **samples.ingestion(rows.CORPORATE_ACTIONS))
async def ingest_corporate_actions(sent: SendingHere) -> Response:
    """Take in corporate actions: splits, spin-offs, mergers and the like, each as one fact."""
    ingest = sent.edge.commands.ingest_actions
    return await sent.all_of(rows.CORPORATE_ACTIONS, "corporate action", ingest)


@router.post("/ingest/balance-assertions", **samples.ingestion(rows.BALANCE_ASSERTIONS))
async def ingest_balance_assertions(sent: SendingHere) -> Response:
    """Take in what others say is held; the book is compared with it and does not change."""
    ingest = sent.edge.commands.ingest_assertions
    return await sent.all_of(rows.BALANCE_ASSERTIONS, "balance assertion", ingest)


@router.post("/ingest/cancellations", **samples.ingestion(rows.CANCELLATIONS))
async def ingest_cancellations(sent: SendingHere, expect: Expect = Expect.KNOWN) -> Response:
    """Take in cancellations: the facts that they name never happened."""

    def take() -> Taken:
        facts = bodies.facts_of(sent.body, rows.CANCELLATIONS, sent.edge.clock.now())
        found = _located(sent.edge.reader, facts, expect)
        receipt = sent.edge.commands.cancel(found.cancellations, sent.correlation_id)
        answer = sent.queued(len(facts), "cancellation")
        return Taken(receipt, answer | {"unknown_count": len(found.unknown)})

    return await sent.answered(take)


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


@router.post("/ingest/business-dates/withdrawal", **samples.ingestion(rows.BUSINESS_DATES))
async def withdraw_business_dates(sent: SendingHere, expect: Expect = Expect.KNOWN) -> Response:
    """Take business dates back; what was valued on them is still known as of then."""

    def take() -> Taken:
        facts = bodies.facts_of(sent.body, rows.BUSINESS_DATES, sent.edge.clock.now())
        gone = [BusinessDateRef(day) for day in facts]
        unknown = sent.edge.reader.unknown(gone)
        if unknown and expect is Expect.KNOWN:
            faults = Faults()
            for place in unknown:
                pointer = f"/{rows.BUSINESS_DATES.wrapper}/{place}"
                faults.add(pointer, "fact.unknown", _WHY_UNKNOWN)
            raise bodies.refusal(faults)
        receipt = sent.edge.commands.cancel(gone, sent.correlation_id)
        answer = sent.queued(len(facts), "business date", purpose="withdrawal")
        return Taken(receipt, answer | {"unknown_count": len(unknown)})

    return await sent.answered(take)


@router.post("/portfolios/{portfolio_id:path}/what-if/commit", **samples.what_if_commit())
async def commit_what_if(sent: SendingHere, portfolio_id: str) -> Response:
    """Take in the facts of a what-if, all or none, if the book still stands where it did."""

    def take() -> Taken:
        edge = sent.edge
        now = edge.clock.now()
        document = bodies.decoded_object(sent.body)
        asked = what_if_wire.supposed(document, edge.reader, now, commits=True)
        edge.reader.portfolio(portfolio_id)
        facts = asked.hypothesis
        receipt = edge.commands.commit(portfolio_id, facts, asked.preview_hash, sent.correlation_id)
        return Taken(receipt, sent.queued(receipt.accepted, "fact"), facts.transactions)

    return await sent.answered(take)


@router.post("/reprocess/transactions", **samples.reprocessing())
async def reprocess_transactions(sent: SendingHere) -> Response:
    """Ask for the keys of these transactions to be folded again from their facts."""

    def take() -> Taken:
        ids = bodies.ids_of(sent.body, "transaction_ids")
        receipt = sent.edge.commands.reprocess(ids, sent.correlation_id)
        return Taken(receipt, sent.queued(len(ids), "transaction", purpose="reprocessing"))

    return await sent.answered(take)
