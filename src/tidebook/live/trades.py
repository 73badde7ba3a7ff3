"""Trades that a live book knows and the book of record does not have yet, and those it closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tidebook.live.events import TradeClosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.live.events import TradeOpened


class TradeStatistics(NamedTuple):
    """What closed trades came to. Undefined is None; ``reasons`` says why, by name.

    Rates are percent. A trade that neither won nor lost is in ``flat`` and in no rate.
    """

    wins: int
    losses: int
    flat: int
    win_rate_pct: float | None
    profit_factor: float | None
    best: float | None
    worst: float | None
    reasons: dict[str, str]


@dataclass(slots=True)
class Trade:
    """A trade by its id. That it was closed may be known before that it was opened."""

    trade_id: str
    opened: TradeOpened | None = None
    closed: dict[str, TradeClosed] = field(default_factory=dict[str, TradeClosed])
    """By event."""

    def unbooked(self, booked: frozenset[str]) -> list[TradeClosed]:
        """Return its closings that the book of record does not have."""
        return [one for one in self.closed.values() if one.transaction_id not in booked]

    def open_quantity(self, booked: frozenset[str]) -> float:
        """Return how much of it is open and not in the book of record."""
        if self.opened is None or self.opened.transaction_id in booked:
            return 0.0
        return max(0.0, self.opened.quantity - sum(one.quantity for one in self.unbooked(booked)))

    def sold_quantity(self, booked: frozenset[str]) -> float:
        """Return how much the book of record still holds of it although it was closed.

        A trade whose opening was never told was opened before this book began.
        """
        if self.opened is not None and self.opened.transaction_id not in booked:
            return 0.0
        return sum(one.quantity for one in self.unbooked(booked))


def gain_of(closed: TradeClosed, factor: float) -> float:
    """Return the gain of a closing: as it was told, or from its prices, before costs.

    >>> from datetime import UTC, datetime
    >>> from tidebook.live.events import Side, TradeClosed
    >>> at = datetime(2026, 6, 1, tzinfo=UTC)
    >>> gain_of(TradeClosed("e", "P", "t", "SOL", Side.SHORT, 45, 98.5, 95.5, at, "t"), 1.0)
    135.0
    """
    if closed.realised is not None:
        return closed.realised
    return closed.side.sign * (closed.exit_price - closed.entry_price) * closed.quantity * factor


def statistics(gains: Sequence[float], flat_within: float = 0.0) -> TradeStatistics:
    """Return what closed trades came to.

    Args:
        gains: Of each closing, in base currency.
        flat_within: A gain or loss up to this is neither: what fees make of a trade at one price.

    >>> told = statistics([125.5, 89.75, -45.2, 250.1, -80.0, 0.0])
    >>> told.win_rate_pct, round(told.profit_factor, 6)
    (60.0, 3.716853)
    """
    wins = [gain for gain in gains if gain > flat_within]
    losses = [gain for gain in gains if gain < -flat_within]
    reasons: dict[str, str] = {}
    decided = len(wins) + len(losses)
    if not gains:
        reasons["best_trade_pnl"] = reasons["worst_trade_pnl"] = "no trade was closed"
    if not decided:
        reasons["win_rate"] = "no trade has won or lost"
    if not losses:
        reasons["profit_factor"] = "no trade has lost"
    return TradeStatistics(
        len(wins),
        len(losses),
        len(gains) - decided,
        100.0 * len(wins) / decided if decided else None,
        sum(wins) / -sum(losses) if losses else None,
        max(gains, default=None),
        min(gains, default=None),
        reasons,
    )
