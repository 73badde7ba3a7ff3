"""What happens to a live book: trades, fills, prices, and the stop."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime


class Side(StrEnum):
    """Which way a position gains."""

    LONG = "LONG"
    """With the price."""
    SHORT = "SHORT"
    """Against it."""

    @property
    def sign(self) -> float:
        """The sign of its quantity: 1 or -1."""
        return 1.0 if self is Side.LONG else -1.0


class TradeOpened(NamedTuple):
    """A position was opened. Prices are in the currency of the instrument.

    ``transaction_id`` is the transaction that books the trade; the trade leaves the live book when
    that is in the book of record.
    """

    event_id: str
    portfolio_id: str
    trade_id: str
    symbol: str
    side: Side
    quantity: float
    entry_price: float
    at: datetime
    transaction_id: str
    leverage: float | None = None


class TradeClosed(NamedTuple):
    """A position, or a part of one, was closed.

    ``realised`` is the gain in base currency, after fees and funding, where the sender tells it.
    """

    event_id: str
    portfolio_id: str
    trade_id: str
    symbol: str
    side: Side
    quantity: float
    entry_price: float
    exit_price: float
    at: datetime
    transaction_id: str
    realised: float | None = None


class OrderExecuted(NamedTuple):
    """An order was filled. The position that it makes is told by a trade."""

    event_id: str
    portfolio_id: str
    order_id: str
    symbol: str
    price: float
    at: datetime


class StopTripped(NamedTuple):
    """Trading was stopped; of every portfolio where none is named."""

    event_id: str
    portfolio_id: str
    reason: str
    severity: str
    at: datetime


class Tick(NamedTuple):
    """A price, in the currency of the instrument."""

    symbol: str
    price: float
    at: datetime


class PeaksTold(NamedTuple):
    """How high a portfolio stood, as a live book has told before.

    ``flows`` is everything that had flowed in by then, less what had flowed out.
    """

    portfolio_id: str
    at: datetime
    equity: float
    flows: float
    day_peak: float
    peak: float
    trough: float
    max_drawdown: float


Event: TypeAlias = TradeOpened | TradeClosed | OrderExecuted | StopTripped | Tick | PeaksTold
