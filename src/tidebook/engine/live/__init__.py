"""The portfolio now, at work: what feeds it, what starts it, and what it tells."""

from tidebook.engine.live.messages import (
    drawdown_record,
    event_of,
    exposure_record,
    pnl_record,
    snapshot_record,
)
from tidebook.engine.live.portfolios import Health, LivePortfolios

__all__ = [
    "Health",
    "LivePortfolios",
    "drawdown_record",
    "event_of",
    "exposure_record",
    "pnl_record",
    "snapshot_record",
]
