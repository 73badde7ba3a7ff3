"""Open lots: as the state of a key carries them, or rebuilt from its entries."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.reader_positions import read_markets, valued
from tidebook.adapters.postgres.rows import (
    INFINITY,
    entry_from,
    instrument_of,
    lots_from,
    moment,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.book.holding_periods import holding_period, lot_values, total
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.book.positions import in_one_pool, open_lots
from tidebook.engine.views import LotsView, LotView
from tidebook.model.money import ZERO, exact, quotient
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache, Markets
    from tidebook.adapters.postgres.reader_portfolios import Subject
    from tidebook.adapters.postgres.rows import StoredPart
    from tidebook.book.holding_periods import HoldingPeriod
    from tidebook.book.lots import Entry, Lot
    from tidebook.model.instruments import Instrument

_SQL: Final = statements("read_positions")


class _Key(NamedTuple):
    security_id: str
    instrument: Instrument
    averages: bool
    stored: Sequence[StoredPart] | None


def read_lots(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    market: MarketCache,
    portfolio_id: str,
    *,
    security_id: str | None,
    as_of: date | None,
    known_at: datetime | None,
) -> LotsView:
    """Return open lots, by security and then oldest first.

    Cash whose every unit costs one has no lots. A key at average cost has one, its pool.
    """
    subject = read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    wanted = {
        "portfolio_id": portfolio_id,
        "security_id": security_id,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    statement = "lots_now" if as_of is None and known_at is None else "keys_held"
    rows = cursor.execute(_SQL[statement], wanted).fetchall()
    known = market.instruments_known(cursor, [row[0] for row in rows], known_at)
    keys: list[_Key] = []
    for key, currency, stored in rows:
        instrument = instrument_of(key, currency, known)
        rules = key_rules(subject.portfolio, key, instrument)
        averages = rules.lots is LotRule.AVCO and not rules.changes
        if rules.lots is not LotRule.UNIT:
            keys.append(_Key(key, instrument, averages, stored))
    folded = _entries(cursor, [key.security_id for key in keys if key.stored is None], wanted)
    on = subject.freshness.as_of
    markets = read_markets(cursor, market, [key.security_id for key in keys], known_at, on)
    lots = [
        lot
        for key in keys
        for lot in _views(key, _lots(key, folded.get(key.security_id, [])), subject, markets)
    ]
    return LotsView(*subject, tuple(lots))


def _entries(
    cursor: Cursor[TupleRow], security_ids: Sequence[str], wanted: Mapping[str, object]
) -> dict[str, list[Entry]]:
    """Return the entries of keys, each in its order."""
    if not security_ids:
        return {}
    named = {**wanted, "security_ids": list(security_ids)}
    # Whole answers: row by row the cursor costs more than the database.
    rows = cursor.execute(_SQL["key_entries"], named).fetchall()
    return {
        key: [entry_from(row) for row in of_key]
        for key, of_key in groupby(rows, key=lambda row: row[1])
    }


def _lots(key: _Key, entries: Sequence[Entry]) -> tuple[Lot, ...]:
    if key.stored is not None:
        return lots_from(key.stored)
    if not entries:
        return ()
    last = entries[-1].posting.on
    return open_lots(in_one_pool(entries) if key.averages else entries, last)


def _views(
    key: _Key, open_now: Sequence[Lot], subject: Subject, markets: Markets
) -> Iterator[LotView]:
    """Give the lots of a key, each with its part of what the key is worth."""
    lots = [lot for lot in open_now if lot.quantity]
    if not lots:
        return
    on = subject.freshness.as_of or max(lot.opened_on for lot in lots)
    with exact():
        held = (
            total([lot.quantity for lot in lots]),
            total([lot.cost_local for lot in lots]),
            total([lot.cost_base for lot in lots]),
        )
    valuation = valued(held, key.instrument, markets, subject.portfolio, on)
    periods: dict[tuple[date, bool], HoldingPeriod] = {}
    rates = subject.portfolio.tax_rates
    for lot, value in zip(lots, lot_values(lots, valuation), strict=True):
        of_day = lot.opened_on, lot.quantity > ZERO
        period = periods.get(of_day)
        if period is None:
            period = periods[of_day] = holding_period(lot, on, rates)
        local = base = quotient(lot.cost_local, lot.quantity)
        if lot.cost_base != lot.cost_local:
            base = quotient(lot.cost_base, lot.quantity)
        told = (local, base, key.instrument.currency, period, value, valuation.reason)
        yield made(LotView, (key.security_id, *lot, *told))
