"""Facts: what has happened, frozen, known by a business id and a content hash.

A fact is never edited. The same id with the same content is a duplicate; the same id with other
content is an amendment, the next version of the fact.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tidebook.model.money import ZERO, decimal_text

_SEPARATOR = "\x1f"


class TransactionType(StrEnum):
    """What a transaction does."""

    BUY = "BUY"
    SELL = "SELL"
    DIVIDEND = "DIVIDEND"
    INTEREST = "INTEREST"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    FEE = "FEE"
    TAX = "TAX"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"


class Transaction(NamedTuple):
    """One transaction as it was reported.

    ``gross``, ``fee``, ``tax`` and ``accrued_interest`` are in ``trade_currency``, never
    negative; the type says in which direction they move. ``currency`` is the one it settles in.
    ``traded_at`` is an instant (UTC), or None when only ``trade_date`` was reported.
    """

    transaction_id: str
    portfolio_id: str
    security_id: str
    type: TransactionType
    traded_at: datetime | None
    trade_date: date | None
    quantity: Decimal
    price: Decimal
    gross: Decimal
    trade_currency: str
    currency: str
    fee: Decimal = ZERO
    tax: Decimal = ZERO
    accrued_interest: Decimal = ZERO
    fx_rate: Decimal | None = None
    instrument_id: str = ""
    settlement_date: date | None = None
    note: str = ""


class Price(NamedTuple):
    """The price of one unit of a security at the close of a day."""

    security_id: str
    on: date
    price: Decimal
    currency: str


class Rate(NamedTuple):
    """Units of ``target`` for one unit of ``source`` at the close of a day."""

    source: str
    target: str
    on: date
    rate: Decimal


def business_date(transaction: Transaction, time_zone: str) -> date:
    """Return the day on which a transaction counts: its instant seen from the portfolio's zone.

    This is the one place where an instant becomes a date. A reported date is taken as it is.
    """
    if transaction.trade_date is not None:
        return transaction.trade_date
    if transaction.traded_at is None:
        msg = f"transaction {transaction.transaction_id} has neither an instant nor a date"
        raise ValueError(msg)
    if time_zone == "UTC":
        return transaction.traded_at.date()
    return transaction.traded_at.astimezone(ZoneInfo(time_zone)).date()


def before_costs(transaction: Transaction) -> Transaction:
    """Return a transaction as it would have been without fee and tax.

    Gains before costs are those of a book kept from such transactions. Accrued interest is part
    of what was bought, not a cost.
    """
    return transaction._replace(fee=ZERO, tax=ZERO)


def before_taxes(transaction: Transaction) -> Transaction:
    """Return a transaction as it would have been without tax, its fee included."""
    return transaction._replace(tax=ZERO)


def instant(transaction: Transaction) -> datetime:
    """Return the instant that orders a transaction inside its day: midnight when unreported."""
    if transaction.traded_at is not None:
        return transaction.traded_at
    day = transaction.trade_date or date.min
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def content_hash(transaction: Transaction) -> str:
    """Return 32 hex digits that are equal for equal content and differ otherwise."""
    parts = [
        decimal_text(value) if isinstance(value, Decimal) else str(value) for value in transaction
    ]
    text = _SEPARATOR.join(parts)
    if text.count(_SEPARATOR) >= len(parts):
        # A field holds a separator itself; escaped, no text can pass from one field into the next.
        text = repr(parts)
    return blake2b(text.encode(), digest_size=16).hexdigest()
