"""Live figures as JSON, under the names that systems around know them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.replies import Json, instant, instant_or_null
from tidebook.live.figures import OTHER

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.engine.live import Health
    from tidebook.live import DrawdownNow, ExposureNow, PositionNow, ProfitAndLoss, Snapshot


def snapshot(told: Snapshot) -> Json:
    """Return how a portfolio stands."""
    stop = told.stop
    return {
        "portfolio_id": told.portfolio_id,
        "currency": told.currency,
        "generation": told.generation,
        "total_equity": told.standing.equity,
        "cash_balance": told.cash,
        "total_exposure": told.exposure,
        "num_positions": len(told.positions),
        "positions": [_position(one) for one in told.positions],
        "unrealized_pnl": told.unrealised,
        "realized_pnl_today": told.realised_today,
        "daily_pnl": told.daily,
        "daily_pnl_simple": told.daily_simple,
        "daily_drawdown_pct": told.daily_drawdown_pct,
        "coverage": told.coverage,
        "stop": None
        if stop is None
        else {"reason": stop.reason, "severity": stop.severity, "at": instant(stop.at)},
        "reasons": dict(told.reasons),
        "timestamp": instant(told.at),
    }


def _position(one: PositionNow) -> Json:
    line, mark = one.line, one.mark
    trade = line.trade
    return {
        "symbol": line.symbol,
        "side": "LONG" if line.quantity > 0 else "SHORT",
        "size": abs(line.quantity),
        "entry_price": one.entry_price,
        "current_price": None if mark is None else mark.price,
        "price_at": None if mark is None else instant(mark.at),
        "stale": one.is_stale,
        "unrealized_pnl": one.unrealised,
        "unrealized_pnl_pct": one.unrealised_pct,
        "exposure": one.exposure,
        "leverage": None if trade is None else trade.leverage,
        "sector": line.sector or OTHER,
        "opened_at": None if trade is None else instant(trade.at),
        "trade_id": None if trade is None else trade.trade_id,
        "booked": trade is None,
    }


def profit_and_loss(told: ProfitAndLoss) -> Json:
    """Return what a portfolio has gained and lost."""
    trades = told.statistics
    return {
        "realized_pnl_today": told.today,
        "realized_pnl_week": told.week,
        "realized_pnl_month": told.month,
        "realized_pnl_total": told.total,
        "unrealized_pnl": told.unrealised,
        "total_pnl": told.today + told.unrealised,
        "daily_pnl": told.daily,
        "daily_pnl_simple": told.daily_simple,
        "trades": {"wins": trades.wins, "losses": trades.losses, "flat": trades.flat},
        "win_rate": trades.win_rate_pct,
        "profit_factor": trades.profit_factor,
        "best_trade_pnl": trades.best,
        "worst_trade_pnl": trades.worst,
        "reasons": dict(told.reasons),
        "timestamp": instant(told.at),
    }


def exposure(told: ExposureNow) -> Json:
    """Return what is at work in a portfolio."""
    return {
        "total_exposure": told.total,
        "long_exposure": told.long,
        "short_exposure": told.short,
        "net_exposure": told.net,
        "exposure_by_symbol": dict(told.by_symbol),
        "exposure_by_sector": dict(told.by_sector),
        "exposure_pct_of_equity": told.pct_of_equity,
        "without_sector": list(told.without_sector),
        "reasons": dict(told.reasons),
        "timestamp": instant(told.at),
    }


def drawdown(told: DrawdownNow) -> Json:
    """Return how far a portfolio stands below its highest points."""
    return {
        "daily_drawdown_pct": told.daily_pct,
        "weekly_drawdown_pct": told.weekly_pct,
        "max_drawdown_pct": told.max_pct,
        "peak_equity": told.standing.peak,
        "current_equity": told.standing.equity,
        "trough_equity": told.standing.trough,
        "recovery_progress_pct": told.recovery_pct,
        "reasons": dict(told.reasons),
        "timestamp": instant(told.at),
    }


def health(told: Health, version: str, now: datetime) -> Json:
    """Return how the live book is."""
    bus = "starting" if told.is_started and not told.is_caught_up else "ok"
    components = [
        _component("event_bus", told.bus_error, bus if told.is_started else "idle"),
        _component("book_of_record", told.book_error, "ok" if told.is_started else "idle"),
    ]
    worst = "degraded" if told.bus_error or told.book_error else "ok"
    return {
        "service": "portfolio-intelligence",
        "version": version,
        "status": worst,
        "uptime_seconds": (now - told.started_at).total_seconds(),
        "components": components,
        "portfolios": told.portfolios,
        "publishing": told.is_leading,
        "snapshot_updates": told.events,
        "unreadable_events": told.unreadable,
        "last_snapshot_update": instant_or_null(told.last_event_at),
        "timestamp": instant(now),
    }


def _component(name: str, error: str | None, otherwise: str) -> Json:
    return {"name": name, "status": "away" if error else otherwise, "message": error}
