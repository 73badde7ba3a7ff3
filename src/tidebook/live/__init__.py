"""The portfolio now: live trades and prices folded over what is booked."""

from tidebook.live.book import LiveBook
from tidebook.live.events import (
    Event,
    OrderExecuted,
    PeaksTold,
    Side,
    StopTripped,
    Tick,
    TradeClosed,
    TradeOpened,
)
from tidebook.live.figures import (
    DrawdownNow,
    ExposureNow,
    PositionNow,
    ProfitAndLoss,
    Snapshot,
    drawdown,
    exposure,
    profit_and_loss,
    snapshot,
)
from tidebook.live.start import Heights, Holding, Instrument, Start

__all__ = [
    "DrawdownNow",
    "Event",
    "ExposureNow",
    "Heights",
    "Holding",
    "Instrument",
    "LiveBook",
    "OrderExecuted",
    "PeaksTold",
    "PositionNow",
    "ProfitAndLoss",
    "Side",
    "Snapshot",
    "Start",
    "StopTripped",
    "Tick",
    "TradeClosed",
    "TradeOpened",
    "drawdown",
    "exposure",
    "profit_and_loss",
    "snapshot",
]
