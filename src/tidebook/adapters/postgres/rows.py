"""From rows to values. Each function takes the columns in the order its statement names them."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.book.lots import Entry, Lot
from tidebook.book.positions import own_lot
from tidebook.book.postings import Leg, Posting
from tidebook.engine.views import BookedEntry, EntryView
from tidebook.model.actions import ActionType, CorporateAction, event_type
from tidebook.model.facts import LotChoice, Transaction, TransactionType
from tidebook.model.findings import Finding, Severity
from tidebook.model.instruments import Instrument, OptionRight, built_in_instrument
from tidebook.model.money import ZERO
from tidebook.model.portfolios import (
    CostMethod,
    MethodChange,
    Portfolio,
    Settlement,
    TaxRates,
)
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg.rows import TupleRow

StoredPart = tuple[str, str, str, str, str]
"""A lot, or a part of one, as JSON keeps it: id, day, quantity, local and base cost, all text."""

_LEGS = {leg.value: leg for leg in Leg}
INFINITY = "infinity"
PORTFOLIO_COLUMNS = 23
TRANSACTION_COLUMNS = 22
INSTRUMENT_COLUMNS = 13


def moment(known_at: datetime | None) -> datetime | str:
    """Return an instant as the statements take it; none is the end of time."""
    return known_at or INFINITY


def span(start: date | None, end: date | None) -> dict[str, date | str]:
    """Return a span of days as the statements take it; open ends are infinite."""
    return {"start": start or f"-{INFINITY}", "end": end or INFINITY}


def portfolio_from(row: TupleRow) -> Portfolio:
    """Return the portfolio of the first ``PORTFOLIO_COLUMNS`` columns."""
    method, settlement = CostMethod(row[5]), Settlement(row[6])
    changes, taxpayer_id, *rates = row[18:PORTFOLIO_COLUMNS]
    policies = (method_changes_from(changes), taxpayer_id, TaxRates(*rates))
    return Portfolio._make((*row[:5], method, settlement, *row[7:18], *policies))


def method_changes_from(stored: Sequence[Sequence[str]] | None) -> tuple[MethodChange, ...]:
    """Return the days on which another cost method comes into force."""
    return tuple(
        MethodChange(date.fromisoformat(on), CostMethod(method)) for on, method in stored or ()
    )


def transaction_from(row: TupleRow) -> Transaction:
    """Return the transaction of the first ``TRANSACTION_COLUMNS`` columns."""
    traded_at = None if row[4] is None else utc(row[4])
    carried = (choices_from(row[18]), *row[19:TRANSACTION_COLUMNS])
    return Transaction._make((*row[:3], TransactionType(row[3]), traded_at, *row[5:18], *carried))


def choices_from(stored: Sequence[Sequence[str]] | None) -> tuple[LotChoice, ...]:
    """Return the lots that a transaction names."""
    return tuple(LotChoice(lot_id, Decimal(quantity)) for lot_id, quantity in stored or ())


def instrument_from(row: TupleRow) -> Instrument:
    """Return the instrument of the first ``INSTRUMENT_COLUMNS`` columns."""
    right = None if row[10] is None else OptionRight(row[10])
    return Instrument._make((*row[:10], right, *row[11:INSTRUMENT_COLUMNS]))


def action_from(row: TupleRow) -> CorporateAction:
    """Return the corporate action of the first 12 columns."""
    return CorporateAction._make((row[0], ActionType(row[1]), *row[2:12]))


def finding_from(row: TupleRow) -> Finding:
    """Return the finding of the first 6 columns."""
    return Finding(row[0], Severity(row[1]), *row[2:6])


def booked_entry_from(row: TupleRow) -> BookedEntry:
    """Return an entry and the fact that it follows from."""
    transaction_id, kind, on, at, portfolio_id, security_id, leg, epoch, *changes = row[:22]
    matches = lots_from(row[22] or ())
    opens = _opens(row[23], Lot(transaction_id, on, *changes[:3]), matches)
    entry = EntryView._make((security_id, leg, epoch, *changes, matches, opens, portfolio_id))
    return BookedEntry(transaction_id, event_type(kind), on, utc(at), entry)


def _opens(
    stored: Sequence[StoredPart] | None, change: Lot, matches: Sequence[Lot]
) -> tuple[Lot, ...]:
    """Return the lots that an entry opened; ``change`` is what it did to its key."""
    return own_lot(change, matches) if stored is None else lots_from(stored)


def entry_from(row: TupleRow) -> Entry:
    """Return an entry with the lots that it opened and those that it matched.

    Its posting says where and when. What was asked of the key is not kept beside what was booked:
    the quantity is the entry's, and the posting's amounts and flow are left empty.
    """
    portfolio_id, security_id, leg, transaction_id, kind, on, at, rank, currency = row[:9]
    fx_rate, quantity, local, base, *gains, matched, opened = row[9:]
    key = (portfolio_id, security_id, _LEGS[leg], transaction_id, event_type(kind), on, at, rank)
    realises = gains[0] is not None
    terms = (quantity, ZERO, ZERO, currency, fx_rate, realises, None, ZERO, None)
    matches = lots_from(matched) if matched else ()
    change = made(Lot, (transaction_id, on, quantity, local, base))
    opens = _opens(opened, change, matches)
    posting = made(Posting, (*key, *terms))
    return made(Entry, (posting, quantity, local, base, opens, matches, *gains, None))


def lots_from(stored: Sequence[StoredPart]) -> tuple[Lot, ...]:
    """Return lots, or parts of lots, as they are stored."""
    return tuple([made(Lot, _part(part)) for part in stored])


def instrument_of(security_id: str, currency: str, known: Mapping[str, Instrument]) -> Instrument:
    """Return the instrument of a key.

    One that no fact introduced and that no cash account's name explains is what the book knows of
    it: an id and a currency.
    """
    return (
        known.get(security_id)
        or built_in_instrument(security_id, currency)
        or Instrument(security_id, security_id, currency, "")
    )


def utc(instant: datetime) -> datetime:
    """Return an instant in UTC, whatever zone the session speaks in."""
    return instant.astimezone(UTC)


def _part(part: StoredPart) -> tuple[str, date, Decimal, Decimal, Decimal]:
    lot_id, opened_on, quantity, local, base = part
    in_local = Decimal(local)
    in_base = in_local if base == local else Decimal(base)
    return lot_id, date.fromisoformat(opened_on), Decimal(quantity), in_local, in_base
