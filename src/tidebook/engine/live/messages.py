"""Live events as messages: read from others, and written for others.

The names of fields are those that trading systems around use; numbers may be text or numbers, an
instant is ISO 8601 with an offset, and no offset is UTC. Fields that are not known are left alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.errors import UnreadableMessageError
from tidebook.live import (
    OrderExecuted,
    PeaksTold,
    Side,
    StopTripped,
    Tick,
    TradeClosed,
    TradeOpened,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidebook.live import DrawdownNow, Event, ExposureNow, ProfitAndLoss, Snapshot

    Record = Mapping[str, object]

_SIDES: Final = {
    "LONG": Side.LONG,
    "BUY": Side.LONG,
    "SHORT": Side.SHORT,
    "SELL": Side.SHORT,
}


class Named:
    """What an event is called where it does not say so itself.

    Args:
        event_id: The id of the message.
        at: When it came.
        portfolio_id: The portfolio of events that name none; empty where there is no such.
    """

    __slots__ = ("at", "event_id", "portfolio_id")

    def __init__(self, event_id: str, at: datetime, portfolio_id: str) -> None:
        """Keep what stands in for what is missing."""
        self.event_id = event_id
        self.at = at
        self.portfolio_id = portfolio_id


def event_of(topic: str, record: Record, named: Named) -> Event:
    """Return what a message of a topic that is read says.

    Raises:
        UnreadableMessageError: When a field is missing or is not what it should be.
    """
    return _READERS[topic](record, named)


def _tick(record: Record, named: Named) -> Tick:
    return Tick(_text(record, "symbol"), _positive(record, "price"), _at(record, named))


def _stop(record: Record, named: Named) -> StopTripped:
    return StopTripped(
        _event_id(record, named),
        str(record.get("portfolio_id") or ""),
        str(record.get("reason") or ""),
        str(record.get("severity") or ""),
        _at(record, named),
    )


def _executed(record: Record, named: Named) -> OrderExecuted:
    return OrderExecuted(
        _event_id(record, named),
        _portfolio_id(record, named),
        _text(record, "order_id"),
        _text(record, "symbol"),
        _positive(record, "price"),
        _at(record, named),
    )


def _opened(record: Record, named: Named) -> TradeOpened:
    trade_id = _text(record, "trade_id")
    return TradeOpened(
        _event_id(record, named),
        _portfolio_id(record, named),
        trade_id,
        _text(record, "symbol"),
        _side(record),
        _positive(record, "quantity"),
        _positive(record, "entry_price"),
        _at(record, named),
        str(record.get("transaction_id") or trade_id),
        None if record.get("leverage") is None else _number(record, "leverage"),
    )


def _closed(record: Record, named: Named) -> TradeClosed:
    event_id = _event_id(record, named)
    return TradeClosed(
        event_id,
        _portfolio_id(record, named),
        _text(record, "trade_id"),
        _text(record, "symbol"),
        _side(record),
        _positive(record, "quantity"),
        _positive(record, "entry_price"),
        _positive(record, "exit_price"),
        _at(record, named),
        str(record.get("transaction_id") or event_id),
        None if record.get("realized_pnl") is None else _number(record, "realized_pnl"),
    )


def _peaks(record: Record, named: Named) -> PeaksTold:
    return PeaksTold(
        _portfolio_id(record, named),
        _at(record, named),
        _number(record, "current_equity"),
        _number(record, "net_flows"),
        _number(record, "day_peak_equity"),
        _number(record, "peak_equity"),
        _number(record, "trough_equity"),
        _number(record, "max_drawdown_pct") / 100.0,
    )


_READERS: Final[Mapping[str, Callable[[Record, Named], Event]]] = {
    topics.MARKET_TICK: _tick,
    topics.STOP_TRIPPED: _stop,
    topics.ORDER_EXECUTED: _executed,
    topics.TRADE_OPENED: _opened,
    topics.TRADE_CLOSED: _closed,
    topics.DRAWDOWN_UPDATED: _peaks,
}


def snapshot_record(told: Snapshot) -> dict[str, object]:
    """Return ``portfolio.snapshot_updated``."""
    return {
        "portfolio_id": told.portfolio_id,
        "currency": told.currency,
        "total_equity": told.standing.equity,
        "cash_balance": told.cash,
        "total_exposure": told.exposure,
        "num_positions": len(told.positions),
        "unrealized_pnl": told.unrealised,
        "realized_pnl_today": told.realised_today,
        "daily_pnl": told.daily,
        "daily_drawdown_pct": told.daily_drawdown_pct,
        "coverage": told.coverage,
        "timestamp": _text_of(told.at),
    }


def pnl_record(portfolio_id: str, told: ProfitAndLoss) -> dict[str, object]:
    """Return ``portfolio.pnl_updated``."""
    return {
        "portfolio_id": portfolio_id,
        "realized_pnl_today": told.today,
        "realized_pnl_total": told.total,
        "unrealized_pnl": told.unrealised,
        "daily_pnl": told.daily,
        "weekly_pnl": told.week,
        "monthly_pnl": told.month,
        "timestamp": _text_of(told.at),
    }


def drawdown_record(portfolio_id: str, told: DrawdownNow) -> dict[str, object]:
    """Return ``portfolio.drawdown_updated``, which a live book that starts later reads as well."""
    return {
        "portfolio_id": portfolio_id,
        "daily_drawdown_pct": told.daily_pct,
        "weekly_drawdown_pct": told.weekly_pct,
        "max_drawdown_pct": told.max_pct,
        "peak_equity": told.standing.peak,
        "current_equity": told.standing.equity,
        "day_peak_equity": told.standing.day_peak,
        "trough_equity": told.standing.trough,
        "net_flows": told.flows,
        "timestamp": _text_of(told.at),
    }


def exposure_record(portfolio_id: str, told: ExposureNow) -> dict[str, object]:
    """Return ``portfolio.exposure_updated``."""
    return {
        "portfolio_id": portfolio_id,
        "total_exposure": told.total,
        "long_exposure": told.long,
        "short_exposure": told.short,
        "net_exposure": told.net,
        "exposure_by_symbol": dict(told.by_symbol),
        "exposure_by_sector": dict(told.by_sector),
        "timestamp": _text_of(told.at),
    }


def _event_id(record: Record, named: Named) -> str:
    return str(record.get("event_id") or named.event_id)


def _portfolio_id(record: Record, named: Named) -> str:
    found = str(record.get("portfolio_id") or named.portfolio_id)
    if not found:
        raise UnreadableMessageError("it names no portfolio_id, and none is set for such events")
    return found


def _text_of(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(record: Record, name: str) -> str:
    found = record.get(name)
    if not isinstance(found, str) or not found:
        raise UnreadableMessageError(f"its field {name} is no text")
    return found


def _number(record: Record, name: str) -> float:
    found = record.get(name)
    if isinstance(found, (str, int, float)) and not isinstance(found, bool):
        try:
            number = float(found)
        except ValueError:
            number = float("nan")
        if isfinite(number):
            return number
    raise UnreadableMessageError(f"its field {name} is no number")


def _positive(record: Record, name: str) -> float:
    number = _number(record, name)
    if number <= 0:
        raise UnreadableMessageError(f"its field {name} is not above 0")
    return number


def _side(record: Record) -> Side:
    found = _SIDES.get(str(record.get("side")).upper())
    if found is None:
        raise UnreadableMessageError(f"its field side is none of {', '.join(_SIDES)}")
    return found


def _at(record: Record, named: Named) -> datetime:
    found = record.get("timestamp")
    if found is None:
        return named.at
    try:
        at = datetime.fromisoformat(str(found))
    except ValueError:
        raise UnreadableMessageError("its field timestamp is no instant") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
