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
    TRANSFER_IN_KIND = "TRANSFER_IN_KIND"
    """Units pass to another portfolio and keep their lots and dates."""
    CONVERSION = "CONVERSION"
    """Units become those of another security and keep their lots and dates: wrap, unwrap, swap
    of share class."""
    REDEMPTION = "REDEMPTION"
    """An issuer pays a bond or a certificate back."""
    COUPON = "COUPON"
    DIVIDEND_REINVESTED = "DIVIDEND_REINVESTED"
    """A dividend paid in units: income at its value, and a lot that cost as much."""
    STAKING_REWARD = "STAKING_REWARD"
    """Units earned: income at fair value, and a lot that cost as much."""
    AIRDROP = "AIRDROP"
    """Units given: income at fair value, which may be nothing, and a lot that cost as much."""
    NETWORK_FEE = "NETWORK_FEE"
    """A fee paid in coin: a disposal at fair value, and a cost of as much."""
    RETURN_OF_CAPITAL = "RETURN_OF_CAPITAL"
    """Cash that lowers the cost of what is held; what exceeds the cost is a gain."""
    BUY_TO_OPEN = "BUY_TO_OPEN"
    SELL_TO_OPEN = "SELL_TO_OPEN"
    BUY_TO_CLOSE = "BUY_TO_CLOSE"
    SELL_TO_CLOSE = "SELL_TO_CLOSE"
    EXPIRY = "EXPIRY"
    """Contracts or rights end without value, on whichever side they are held."""
    EXERCISE = "EXERCISE"
    """The holder of contracts or rights trades the underlying; what they cost goes with it."""
    ASSIGNMENT = "ASSIGNMENT"
    """The writer of contracts trades the underlying; the premium received goes with it."""
    MARK_TO_MARKET = "MARK_TO_MARKET"
    """Contracts are settled at a price: the gain since the last settlement is paid in cash."""
    FUNDING_RECEIVED = "FUNDING_RECEIVED"
    FUNDING_PAID = "FUNDING_PAID"
    INTEREST_CHARGE = "INTEREST_CHARGE"
    WITHHOLDING_TAX = "WITHHOLDING_TAX"
    TAX_REFUND = "TAX_REFUND"
    FEE_REFUND = "FEE_REFUND"
    CANCELLED = "CANCELLED"
    """The transaction of this id never happened. Only a cancellation brings it about."""


class LotChoice(NamedTuple):
    """Units to be taken from one lot, named by the transaction that opened it."""

    lot_id: str
    quantity: Decimal


class Transaction(NamedTuple):
    """One transaction as it was reported.

    ``gross``, ``fee``, ``tax`` and ``accrued_interest`` are in ``trade_currency``, never
    negative; the type says in which direction they move. ``currency`` is the one it settles in.
    ``traded_at`` is an instant (UTC), or None when only ``trade_date`` was reported.
    ``lots`` names what a disposal takes. ``to_portfolio_id`` receives a transfer in kind;
    ``to_security_id`` and ``to_quantity`` are what a conversion gives, or what an exercise or an
    assignment trades.
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
    lots: tuple[LotChoice, ...] = ()
    to_portfolio_id: str = ""
    to_security_id: str = ""
    to_quantity: Decimal = ZERO


_PLAIN_FIELDS = 18
"""The fields that every transaction has; those after them count only where they are given."""


def cancellation(transaction_id: str, portfolio_id: str, on: date) -> Transaction:
    """Return the fact that the transaction of this id never happened, of which nothing is known.

    It is the next version of that transaction and touches nothing. Where the book knows the
    transaction, this version repeats what it said (:func:`cancelled`).
    """
    return Transaction(
        transaction_id,
        portfolio_id,
        "",
        TransactionType.CANCELLED,
        None,
        on,
        ZERO,
        ZERO,
        ZERO,
        "",
        "",
    )


def cancelled(transaction: Transaction) -> Transaction:
    """Return the next version of a transaction: that it never happened, with all that it said."""
    return transaction._replace(type=TransactionType.CANCELLED)


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


_NOTHING_MORE = ((), "", "", ZERO)


def content_hash(transaction: Transaction) -> str:
    """Return 32 hex digits that are equal for equal content and differ otherwise.

    All cancellations of one transaction have the same content: that it never happened.
    """
    if transaction.type is TransactionType.CANCELLED:
        transaction = cancellation(transaction.transaction_id, "", date.min)
    parts = _plain_parts(transaction)
    if transaction[_PLAIN_FIELDS:] != _NOTHING_MORE:
        given: list[object] = [part for choice in transaction.lots for part in choice]
        given.append(len(transaction.lots))
        given.extend(transaction[_PLAIN_FIELDS + 1 :])
        parts += [decimal_text(each) if isinstance(each, Decimal) else str(each) for each in given]
    text = _SEPARATOR.join(parts)
    if text.count(_SEPARATOR) >= len(parts):
        # A field holds a separator itself; escaped, no text can pass from one field into the next.
        text = repr(parts)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _plain_parts(transaction: Transaction) -> list[str]:
    """Return the fields that every transaction has as texts, in their order."""
    rate = transaction.fx_rate
    fee, tax, accrued = transaction.fee, transaction.tax, transaction.accrued_interest
    return [
        transaction.transaction_id,
        transaction.portfolio_id,
        transaction.security_id,
        str(transaction.type),
        str(transaction.traded_at),
        str(transaction.trade_date),
        decimal_text(transaction.quantity),
        decimal_text(transaction.price),
        decimal_text(transaction.gross),
        transaction.trade_currency,
        transaction.currency,
        decimal_text(fee) if fee else "0",
        decimal_text(tax) if tax else "0",
        decimal_text(accrued) if accrued else "0",
        "None" if rate is None else decimal_text(rate),
        transaction.instrument_id,
        str(transaction.settlement_date),
        transaction.note,
    ]
