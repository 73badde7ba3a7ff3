"""Positions and their history, valued as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.rows import INFINITY, instrument_of, moment, span
from tidebook.adapters.postgres.statements import statements
from tidebook.book.valuation import Held, cash_quote, coverage, total, value_position
from tidebook.engine.views import (
    HistoryView,
    PositionChange,
    PositionsView,
    PositionView,
    ResultsView,
)
from tidebook.model.actions import event_type
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache, Markets
    from tidebook.adapters.postgres.reader_portfolios import Subject
    from tidebook.book.valuation import Valuation
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuote
    from tidebook.model.portfolios import Portfolio

_SQL: Final = statements("read_positions")


def read_positions(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    market: MarketCache,
    portfolio_id: str,
    *,
    as_of: date | None,
    known_at: datetime | None,
    include_closed: bool,
) -> PositionsView:
    """Return the valued positions of a portfolio, by security.

    What closed positions have realised is in ``realised_base`` whether they are listed or not: a
    gain does not go away with the position.
    """
    subject = read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    statement = "positions_now" if as_of is None and known_at is None else "positions_at"
    wanted = {
        "portfolio_id": portfolio_id,
        "include_closed": True,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    rows = cursor.execute(_SQL[statement], wanted).fetchall()
    with exact():
        realised = sum((row[6] for row in rows), ZERO)
    shown = rows if include_closed else [row for row in rows if row[2]]
    markets = read_markets(
        cursor, market, [row[0] for row in shown], known_at, subject.freshness.as_of
    )
    return _summed(subject, [_position(row, subject, markets) for row in shown], realised)


def read_results(
    cursor: Cursor[TupleRow],
    portfolio_id: str,
    *,
    as_of: date | None,
    known_at: datetime | None,
) -> ResultsView:
    """Return what a portfolio has realised, earned and paid so far."""
    read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    wanted = {
        "portfolio_id": portfolio_id,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    row = cursor.execute(_SQL["results"], wanted).fetchone()
    return ResultsView(*(row or (ZERO, ZERO, ZERO)))


def read_history(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    market: MarketCache,
    key: tuple[str, str],
    *,
    start: date | None,
    end: date | None,
    known_at: datetime | None,
) -> HistoryView:
    """Return how one position came to be, each change valued on its own day."""
    portfolio_id, security_id = key
    subject = read_subject(cursor, portfolio_id, as_of=end, known_at=known_at)
    wanted = {
        "portfolio_id": portfolio_id,
        "security_id": security_id,
        "known_at": moment(known_at),
    }
    rows = cursor.execute(_SQL["history"], wanted | span(start, end)).fetchall()
    markets = read_markets(cursor, market, (security_id,), known_at, None)
    changes = tuple(_change(row, subject, security_id, markets) for row in rows)
    return HistoryView(subject.portfolio, security_id, subject.freshness, changes)


def read_markets(
    cursor: Cursor[TupleRow],
    market: MarketCache,
    security_ids: Sequence[str],
    known_at: datetime | None,
    on: date | None,
) -> Markets:
    """Return what to value with, on one day or on any: of now, or as known at an instant."""
    if known_at is None:
        return market.markets(cursor, security_ids)
    return market.markets_known(cursor, security_ids, known_at=known_at, on=on)


def _change(
    row: TupleRow, subject: Subject, security_id: str, markets: Markets
) -> tuple[PositionChange, Valuation]:
    *figures, kind, leg, currency = row
    change = PositionChange._make((*figures, event_type(kind), leg))
    instrument = instrument_of(security_id, currency, markets.instruments)
    held = change.quantity, change.cost_local, change.cost_base
    return change, valued(held, instrument, markets, subject.portfolio, change.on)


def valued(
    holding: tuple[Decimal, Decimal, Decimal],
    instrument: Instrument,
    markets: Markets,
    portfolio: Portfolio,
    on: date,
) -> Valuation:
    """Return what a quantity with its costs, local and base, is worth at the close of a day."""
    terms = instrument.currency, instrument.multiplier, instrument.is_margined
    quote = _quote(instrument, markets, on)
    base = portfolio.base_currency
    return value_position(Held(*holding, *terms), quote, markets.rates, base, on)


def _quote(instrument: Instrument, markets: Markets, on: date) -> PriceQuote | None:
    if instrument.is_cash:
        return cash_quote(instrument.currency, on)
    return markets.prices.get(instrument.security_id, NO_PRICES).as_of(on)


def _position(row: TupleRow, subject: Subject, markets: Markets) -> PositionView:
    security_id, currency, quantity, cost_local, cost_base = row[:5]
    realised_local, realised_base, changed_on, epoch, reprocessing = row[5:]
    instrument = instrument_of(security_id, currency, markets.instruments)
    on = subject.freshness.as_of or changed_on
    held = quantity, cost_local, cost_base
    return PositionView(
        security_id,
        instrument,
        quantity,
        cost_local,
        cost_base,
        realised_local,
        realised_base,
        changed_on,
        epoch,
        reprocessing,
        valued(held, instrument, markets, subject.portfolio, on),
    )


def _summed(
    subject: Subject, positions: Sequence[PositionView], realised: Decimal
) -> PositionsView:
    values = [
        position.valuation.value for position in positions if position.valuation.value is not None
    ]
    whole = total(values)
    paid = [position for position in positions if not position.instrument.is_margined]
    with exact():
        cost = sum((position.cost_base for position in paid), ZERO)
        unpriced = sum(
            (position.cost_base for position in paid if position.valuation.value is None), ZERO
        )
    return PositionsView(
        *subject,
        tuple(positions),
        whole.base,
        cost,
        whole.unrealised_base if values else None,
        realised,
        coverage(whole.base, unpriced),
    )
