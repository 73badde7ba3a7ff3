"""One portfolio in a live book: what is held of it, and the trades that are not booked yet."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from tidebook.live.start import Instrument
from tidebook.live.trades import Trade, gain_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tidebook.live.events import TradeClosed, TradeOpened
    from tidebook.live.start import Holding, Start

_PLAIN = Instrument()
_WEEK = timedelta(days=6)


class Line(NamedTuple):
    """A position: a booked one, or a trade. Quantities are signed, costs in base currency.

    One of which ``is_gain_only`` adds its gain to what the portfolio is worth, and not its value:
    what it cost is still in the cash. ``trade`` is None for a booked one.
    """

    symbol: str
    quantity: float
    factor: float
    cost: float
    is_gain_only: bool
    sector: str | None
    trade: TradeOpened | None = None

    @property
    def weight(self) -> float:
        """What a price of 1 adds to the worth of the portfolio."""
        return self.quantity * self.factor

    def worth(self, price: float | None) -> float:
        """Return what it adds to the worth of the portfolio; without a price, at its cost."""
        value = self.cost if price is None or not self.factor else self.weight * price
        return value - self.cost if self.is_gain_only else value


class Stop(NamedTuple):
    """That trading was stopped, why and when."""

    reason: str
    severity: str
    at: datetime


class Account:
    """A portfolio as it stands between two changes of what is held.

    Args:
        start: What the book of record holds.
        at: Now.
    """

    def __init__(self, start: Start, at: datetime) -> None:
        """Begin with what is booked."""
        self.start = start
        self.trades: dict[str, Trade] = {}
        self.stop: Stop | None = None
        self.row = -1
        self._zone = ZoneInfo(start.time_zone)
        self.today = self.day_of(at)
        self.opening = start.opening
        self.flows_today = start.flows_today
        self.day_peaks: dict[date, float] = {}
        self.lines: tuple[Line, ...] = ()
        self.cash = 0.0
        self.arrange()

    def day_of(self, at: datetime) -> date:
        """Return the day of an instant in the portfolio's time zone."""
        return at.astimezone(self._zone).date()

    def day_ends_at(self) -> datetime:
        """Return the instant at which the present day ends."""
        return datetime.combine(self.today + timedelta(days=1), time(), self._zone)

    def week_peak(self, day_peak: float) -> float:
        """Return the highest point of seven days, today the last of them."""
        since = self.today - _WEEK
        return max([day_peak, *(high for on, high in self.day_peaks.items() if on >= since)])

    def open(self, event: TradeOpened) -> None:
        """Take a trade that was opened; again changes nothing."""
        self._trade(event.trade_id).opened = event

    def close(self, event: TradeClosed) -> None:
        """Take a trade, or a part of one, that was closed; again changes nothing."""
        self._trade(event.trade_id).closed[event.event_id] = event

    def _trade(self, trade_id: str) -> Trade:
        return self.trades.setdefault(trade_id, Trade(trade_id))

    def instrument(self, symbol: str) -> Instrument:
        """Return what is known of a symbol; of one that the book does not know, plain terms."""
        return self.start.instruments.get(symbol, _PLAIN)

    def arrange(self) -> None:
        """Put together again what is held, after a trade or a new start."""
        booked, cash = self.start.booked, self.start.cash
        held = {one.symbol: _booked(one) for one in self.start.holdings}
        lines: list[Line] = []
        for trade in self.trades.values():
            opened = trade.opened
            cash += sum(self.gain(one) for one in trade.unbooked(booked))
            if opened is not None and (quantity := trade.open_quantity(booked)):
                lines.append(self._line(opened, quantity))
            elif sold := trade.sold_quantity(booked):
                told = opened or next(iter(trade.closed.values()))
                if (line := held.get(told.symbol)) is not None:
                    rest = _rest(line, sold)
                    held[told.symbol] = rest
                    paid = 0.0 if line.is_gain_only else told.entry_price * line.factor
                    cash += (line.quantity - rest.quantity) * paid
        self.lines = (*(one for one in held.values() if one.quantity), *lines)
        self.cash = cash

    def _line(self, opened: TradeOpened, quantity: float) -> Line:
        instrument = self.instrument(opened.symbol)
        signed = quantity * opened.side.sign
        return Line(
            opened.symbol,
            signed,
            instrument.factor,
            signed * instrument.factor * opened.entry_price,
            is_gain_only=True,
            sector=instrument.sector,
            trade=opened,
        )

    def closings(self) -> Iterator[TradeClosed]:
        """Yield every closing that is known, by trade."""
        for trade in self.trades.values():
            yield from trade.closed.values()

    def gain(self, closed: TradeClosed) -> float:
        """Return the gain of a closing in base currency."""
        return gain_of(closed, self.instrument(closed.symbol).factor)

    def realised_since(self, first: date | None) -> float:
        """Return what was realised from a day on: booked, and closed and not booked yet."""
        booked = sum(
            (gain for on, gain in self.start.realised.items() if first is None or on >= first), 0.0
        )
        return booked + sum(
            self.gain(one)
            for trade in self.trades.values()
            for one in trade.unbooked(self.start.booked)
            if first is None or self.day_of(one.at) >= first
        )


def _booked(one: Holding) -> Line:
    return Line(
        one.symbol,
        one.quantity,
        one.instrument.factor,
        one.cost,
        is_gain_only=one.on_margin,
        sector=one.instrument.sector,
    )


def _rest(line: Line, sold: float) -> Line:
    """Return what is left of a line, at the cost per unit that it had."""
    left = max(0.0, 1.0 - sold / abs(line.quantity))
    return line._replace(quantity=line.quantity * left, cost=line.cost * left)
