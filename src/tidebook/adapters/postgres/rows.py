"""From rows to values. Each function takes the columns in the order its statement names them."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.book.lots import Entry, Lot, Match
from tidebook.book.postings import Leg, Posting
from tidebook.engine.views import EntryView
from tidebook.model.facts import Transaction, TransactionType
from tidebook.model.findings import Finding, Severity
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg.rows import TupleRow

StoredPart = tuple[str, str, str, str, str]
"""A lot, or a part of one, as JSON keeps it: id, day, quantity, local and base cost, all text."""

INFINITY = "infinity"


def moment(known_at: datetime | None) -> datetime | str:
    """Return an instant as the statements take it; none is the end of time."""
    return known_at or INFINITY


def span(start: date | None, end: date | None) -> dict[str, date | str]:
    """Return a span of days as the statements take it; open ends are infinite."""
    return {"start": start or f"-{INFINITY}", "end": end or INFINITY}


def portfolio_from(row: TupleRow) -> Portfolio:
    """Return the portfolio of the first 18 columns."""
    return Portfolio._make((*row[:5], CostMethod(row[5]), Settlement(row[6]), *row[7:18]))


def transaction_from(row: TupleRow) -> Transaction:
    """Return the transaction of the first 18 columns."""
    traded_at = None if row[4] is None else utc(row[4])
    return Transaction._make((*row[:3], TransactionType(row[3]), traded_at, *row[5:18]))


def finding_from(row: TupleRow) -> Finding:
    """Return the finding of the first 6 columns."""
    return Finding(row[0], Severity(row[1]), *row[2:6])


def entry_view_from(row: TupleRow) -> EntryView:
    """Return what one transaction did to one key."""
    return EntryView._make((*row[:17], tuple(tuple(part) for part in parts_from(row[17]))))


def entry_from(row: TupleRow) -> Entry:
    """Return an entry with what it opened: what it did to the key, less what it matched.

    Its posting says where and when. What was asked of the key is not kept beside what was booked:
    the quantity is the entry's, and the posting's amounts and flow are left empty.
    """
    portfolio_id, security_id, leg, transaction_id, kind, on, at, rank, currency = row[:9]
    fx_rate, quantity, local, base, *gains, matched = row[9:]
    posting = Posting(
        portfolio_id=portfolio_id,
        security_id=security_id,
        leg=Leg(leg),
        transaction_id=transaction_id,
        type=TransactionType(kind),
        on=on,
        at=at,
        rank=rank,
        quantity=quantity,
        amount=ZERO,
        amount_base=ZERO,
        currency=currency,
        fx_rate=fx_rate,
        realises=gains[0] is not None,
        flow=None,
        flow_base=ZERO,
    )
    matches = parts_from(matched)
    with exact():
        return Entry(
            posting,
            quantity,
            local,
            base,
            sum((match.quantity for match in matches), quantity),
            sum((match.cost_local for match in matches), local),
            sum((match.cost_base for match in matches), base),
            matches,
            *gains,
        )


def parts_from(stored: Sequence[StoredPart] | None) -> tuple[Match, ...]:
    """Return the parts of lots that an entry consumed."""
    return tuple(Match(*_part(part)) for part in stored or ())


def lots_from(stored: Sequence[StoredPart]) -> tuple[Lot, ...]:
    """Return the open lots that the state of a key carries."""
    return tuple(Lot(*_part(part)) for part in stored)


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
    return lot_id, date.fromisoformat(opened_on), Decimal(quantity), Decimal(local), Decimal(base)
