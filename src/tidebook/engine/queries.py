"""What a reader is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime


class TransactionQuery(NamedTuple):
    """Which of a portfolio's transactions to list, and in which order."""

    portfolio_id: str
    security_id: str | None = None
    start: date | None = None
    end: date | None = None
    skip: int = 0
    limit: int = 100
    sort_by: str = "transaction_date"
    """``transaction_date``, ``quantity``, ``price`` or ``gross_transaction_amount``."""
    descending: bool = True
    known_at: datetime | None = None


class FactQuery(NamedTuple):
    """Which facts a book is to be built from.

    Everything of the named portfolios, of those in which the named transactions are booked, and of
    all that are related to either; the named securities besides those that any of these need.
    """

    portfolio_ids: tuple[str, ...]
    transaction_ids: tuple[str, ...] = ()
    security_ids: tuple[str, ...] = ()
    known_at: datetime | None = None


class RestatementQuery(NamedTuple):
    """Which of a portfolio's restatements to list, latest first.

    A security is that of a position, or one whose price, terms or corporate action moved the daily
    series. ``since`` is the instant from which they were recorded, ``known_at`` the one up to
    which, and ``as_of`` leaves out what bears on later days alone.
    """

    portfolio_id: str
    security_id: str | None = None
    since: datetime | None = None
    skip: int = 0
    limit: int = 100
    as_of: date | None = None
    known_at: datetime | None = None
