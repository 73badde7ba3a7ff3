"""The read routes. Each answer is one snapshot, and says what it rests on."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Day, EdgeHere, Instant, Text
from tidebook.api.etags import tagged, tagged_by_content
from tidebook.api.formats import Accept, told_as
from tidebook.api.replies import Json, day_or_null, instant_or_null, reply
from tidebook.api.wire import gains as gains_wire, series_tables, shapes
from tidebook.api.wire.restatements import restatements_of
from tidebook.engine.gains import gains_report
from tidebook.engine.queries import RestatementQuery, TransactionQuery
from tidebook.errors import UnknownTransactionError

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.engine.ports import Reader

router = APIRouter(tags=["query"])

PAGE_MAX = 1000
TRANSACTION = "/transactions/{transaction_id:path}"


class SortBy(StrEnum):
    """What transactions can be sorted by."""

    TRANSACTION_DATE = "transaction_date"
    QUANTITY = "quantity"
    PRICE = "price"
    GROSS = "gross_transaction_amount"


class SortOrder(StrEnum):
    """Which way they are sorted."""

    ASCENDING = "asc"
    DESCENDING = "desc"


def _until(end: date | None, as_of: date | None) -> date | None:
    """Return the last day asked for: the earlier one where both are given."""
    return min((day for day in (end, as_of) if day is not None), default=None)


Skip = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


@router.get("/portfolios/", **samples.answer("portfolios"))
def portfolios(
    edge: EdgeHere,
    *,
    portfolio_id: Text = None,
    cif_id: Text = None,
    booking_center: Text = None,
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """List portfolios, by id; every filter narrows the list, ``as_of`` to those open that day."""
    found = edge.reader.portfolios(
        cif_id=cif_id, booking_center=booking_center, as_of=as_of, known_at=known_at
    )
    listed = [one for one in found if portfolio_id is None or one.portfolio_id == portfolio_id]
    return reply(
        {
            "portfolios": [shapes.portfolio_of(one) for one in listed],
            "as_of": day_or_null(as_of),
            "known_at": instant_or_null(known_at),
        }
    )


@router.get("/portfolios/{portfolio_id:path}/positions", **samples.answer("positions"))
def positions(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    as_of: Day = None,
    known_at: Instant = None,
    include_closed: bool = False,
) -> Response:
    """Return the valued positions of a portfolio."""

    def answer() -> Response:
        view = edge.reader.positions(
            portfolio_id, as_of=as_of, known_at=known_at, include_closed=include_closed
        )
        return reply(shapes.positions_of(view))

    return tagged(edge, request, portfolio_id, answer)


@router.get("/portfolios/{portfolio_id:path}/position-history", **samples.answer("history"))
def position_history(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    security_id: Annotated[str, Query(max_length=200)],
    start_date: Day = None,
    end_date: Day = None,
    as_of: Day = None,
    known_at: Instant = None,
    accept: Accept = None,
) -> Response:
    """Return how one position came to be, change by change."""
    end = _until(end_date, as_of)

    def answer() -> Response:
        view = edge.reader.history(
            portfolio_id, security_id, start=start_date, end=end, known_at=known_at
        )
        document = shapes.history_of(view)
        return told_as(accept, lambda: document, lambda: series_tables.changes_of(document))

    return tagged(edge, request, portfolio_id, answer)


@router.get("/portfolios/{portfolio_id:path}/transactions", **samples.answer("transactions"))
def transactions(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    security_id: Text = None,
    start_date: Day = None,
    end_date: Day = None,
    skip: Skip = 0,
    limit: Limit = 100,
    sort_by: SortBy = SortBy.TRANSACTION_DATE,
    sort_order: SortOrder = SortOrder.DESCENDING,
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """Return a page of a portfolio's transactions and what each did to the book."""
    query = TransactionQuery(
        portfolio_id,
        security_id=security_id,
        start=start_date,
        end=_until(end_date, as_of),
        skip=skip,
        limit=limit,
        sort_by=sort_by.value,
        descending=sort_order is SortOrder.DESCENDING,
        known_at=known_at,
    )
    return tagged_by_content(request, shapes.transactions_of(edge.reader.transactions(query)))


@router.get("/portfolios/{portfolio_id:path}/lots", **samples.answer("lots"))
def lots(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    security_id: Text = None,
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """Return open lots, by security and then oldest first."""

    def answer() -> Response:
        view = edge.reader.lots(
            portfolio_id, security_id=security_id, as_of=as_of, known_at=known_at
        )
        return reply(
            {
                "portfolio_id": portfolio_id,
                "lots": [shapes.lot_of(lot) for lot in view.lots],
                "freshness": shapes.freshness_of(view.freshness),
            }
        )

    return tagged(edge, request, portfolio_id, answer)


@router.get("/portfolios/{portfolio_id:path}/gains", **samples.answer("gains"))
def gains(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    start_date: Day = None,
    end_date: Day = None,
    security_id: Text = None,
    as_of: Day = None,
    known_at: Instant = None,
    skip: Skip = 0,
    limit: Limit = PAGE_MAX,
) -> Response:
    """Return realised gains by the lots they were made on, oldest first, and the sums of all."""

    def answer() -> Response:
        view = edge.reader.entries(
            portfolio_id,
            security_id=security_id,
            start=start_date,
            as_of=as_of,
            known_at=known_at,
            realised=True,
        )
        report = gains_report(view, start=start_date, end=end_date)
        return reply(gains_wire.gains_of(report, skip=skip, limit=limit))

    return tagged(edge, request, portfolio_id, answer)


@router.get("/portfolios/{portfolio_id:path}/findings", **samples.answer("findings"))
def findings(
    edge: EdgeHere, portfolio_id: str, as_of: Day = None, known_at: Instant = None
) -> Response:
    """Return what is open about a portfolio's facts, waiting facts first.

    Freshness is read first: a batch that commits in between makes the answer newer than is said of
    it, never older.
    """
    freshness = edge.reader.freshness(portfolio_id, as_of=as_of, known_at=known_at)
    found = edge.reader.findings(portfolio_id, as_of=as_of, known_at=known_at)
    return reply(
        {
            "portfolio_id": portfolio_id,
            "findings": [shapes.placed_finding_of(view) for view in found],
            "freshness": shapes.freshness_of(freshness),
        }
    )


@router.get("/portfolios/{portfolio_id:path}/restatements", **samples.answer("restatements"))
def restatements(
    edge: EdgeHere,
    portfolio_id: str,
    *,
    security_id: Text = None,
    since: Instant = None,
    skip: Skip = 0,
    limit: Limit = 100,
    as_of: Day = None,
    known_at: Instant = None,
) -> Response:
    """Return what was written anew, from when, by how much and because of what, latest first."""
    query = RestatementQuery(portfolio_id, security_id, since, skip, limit, as_of, known_at)
    return reply(restatements_of(edge.reader.restatements(query)))


@router.get("/portfolios/{portfolio_id:path}/series", **samples.answer("series"))
def series(
    edge: EdgeHere,
    request: Request,
    portfolio_id: str,
    *,
    start_date: Day = None,
    end_date: Day = None,
    as_of: Day = None,
    known_at: Instant = None,
    accept: Accept = None,
) -> Response:
    """Return the daily series of a portfolio, in base currency."""
    end = _until(end_date, as_of)

    def answer() -> Response:
        view = edge.reader.series(portfolio_id, start=start_date, end=end, known_at=known_at)
        return told_as(
            accept, lambda: shapes.series_json(view), lambda: series_tables.days_of(view)
        )

    return tagged(edge, request, portfolio_id, answer)


# After the routes beneath a portfolio: an id may hold a slash, and this one takes every path.
@router.get("/portfolios/{portfolio_id:path}", **samples.answer("portfolio"))
def portfolio(
    edge: EdgeHere, portfolio_id: str, as_of: Day = None, known_at: Instant = None
) -> Response:
    """Return one portfolio."""
    found = shapes.portfolio_of(edge.reader.portfolio(portfolio_id, known_at=known_at))
    freshness = edge.reader.freshness(portfolio_id, as_of=as_of, known_at=known_at)
    return reply(found | {"freshness": shapes.freshness_of(freshness)})


@router.get(TRANSACTION, **samples.answer("transaction"))
def transaction(edge: EdgeHere, transaction_id: str, known_at: Instant = None) -> Response:
    """Return one transaction and what it did to the book."""
    return told_transaction(edge.reader, transaction_id, known_at)


def told_transaction(reader: Reader, transaction_id: str, known_at: datetime | None) -> Response:
    """Return the answer about one transaction.

    Raises:
        UnknownTransactionError: When there is none with this id, or was none then.
    """
    view = reader.transaction(transaction_id, known_at=known_at)
    if view is None:
        raise UnknownTransactionError(transaction_id, known_at)
    found = shapes.transaction_of(view)
    return reply(
        {
            "portfolio_id": view.transaction.portfolio_id,
            **found,
            "known_at": instant_or_null(known_at),
        }
    )


@router.get("/instruments/", **samples.answer("instruments"))
def instruments(
    edge: EdgeHere,
    *,
    security_id: Text = None,
    product_type: Text = None,
    skip: Skip = 0,
    limit: Limit = 100,
    known_at: Instant = None,
) -> Response:
    """List instruments, by id."""
    ids = None if security_id is None else [security_id]
    found = [
        one
        for one in edge.reader.instruments(ids, known_at=known_at)
        if product_type is None or one.product_type == product_type
    ]
    page = found[skip : skip + limit]
    return reply(
        {
            "total": len(found),
            "skip": skip,
            "limit": limit,
            "instruments": [shapes.instrument_of(one) for one in page],
            "known_at": instant_or_null(known_at),
        }
    )


@router.get("/prices/", **samples.answer("prices"))
def prices(
    edge: EdgeHere,
    *,
    security_id: Annotated[str, Query(max_length=200)],
    start_date: Day = None,
    end_date: Day = None,
    as_of: Day = None,
    known_at: Instant = None,
    accept: Accept = None,
) -> Response:
    """Return a security's closing prices, oldest first."""
    end = _until(end_date, as_of)
    found = edge.reader.prices(security_id, start=start_date, end=end, known_at=known_at)
    document: Json = {
        "security_id": security_id,
        "prices": [shapes.price_of(price) for price in found],
        "known_at": instant_or_null(known_at),
    }
    return told_as(accept, lambda: document, lambda: series_tables.prices_of(document))


@router.get("/fx-rates/", **samples.answer("fx_rates"))
def fx_rates(
    edge: EdgeHere,
    *,
    from_currency: Annotated[str, Query(max_length=10)],
    to_currency: Annotated[str, Query(max_length=10)],
    start_date: Day = None,
    end_date: Day = None,
    as_of: Day = None,
    known_at: Instant = None,
    accept: Accept = None,
) -> Response:
    """Return the quoted rates of a pair, oldest first."""
    end = _until(end_date, as_of)
    found = edge.reader.rates(
        from_currency, to_currency, start=start_date, end=end, known_at=known_at
    )
    document: Json = {
        "from_currency": from_currency,
        "to_currency": to_currency,
        "rates": [shapes.rate_of(rate) for rate in found],
        "known_at": instant_or_null(known_at),
    }
    return told_as(accept, lambda: document, lambda: series_tables.rates_of(document))
