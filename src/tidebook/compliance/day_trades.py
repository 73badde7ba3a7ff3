"""Counting day trades: what was opened and closed again within one day, by both methods.

A day trade is the purchase and sale, or the sale and purchase, of the same security on the same
day in a margin account (FINRA 4210(f)(8)(B)). What was held overnight and is closed before the
same side is opened again on that day is no part of one. Several purchases and sales make

- by changes of direction (Interpretation /02): as many as the account turned from opening to
  closing, however many executions each run has;
- by opening transactions (Interpretation /01): as many as there are transactions that opened or
  increased what was closed on the same day, the oldest first.

Coins are no securities and make none.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.trades import AssetClass, Side
from tidebook.model.money import ZERO
from tidebook.model.sessions import last_sessions, session_on_or_before
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.trades import Trade

# A member asked of its class takes as long as all the rest of a comparison.
_CRYPTO: Final = AssetClass.CRYPTO
_BUY: Final = Side.BUY

WINDOW_SESSIONS = 5


class CountMethod(StrEnum):
    """How day trades are counted where a day has several purchases and sales."""

    DIRECTION_CHANGE = "direction_change"
    OPENING_TRANSACTION = "opening_transaction"


class DayTrade(NamedTuple):
    """One day trade: what opened and what closed it."""

    on: date
    security_id: str
    opened_by: tuple[str, ...]
    closed_by: str
    orders: tuple[str, str] = ("", "")
    """The orders that opened and closed it: the legs of one spread are one day trade."""


class _Opening(NamedTuple):
    trade: Trade
    left: Decimal


class _Day:
    """What one security did on one day so far."""

    __slots__ = ("counted", "on", "openings", "run", "side")

    def __init__(self, on: date) -> None:
        """Begin a day on which nothing was opened yet."""
        self.on = on
        self.side: Side | None = None
        self.run: list[Trade] = []
        self.openings: list[_Opening] = []
        self.counted: set[str] = set()

    def fork(self) -> _Day:
        """Return the same day, which goes its own way from here."""
        other = _Day(self.on)
        other.side, other.run = self.side, list(self.run)
        other.openings, other.counted = list(self.openings), set(self.counted)
        return other

    def open(self, trade: Trade, quantity: Decimal) -> None:
        """Take a trade that opens or increases a position."""
        if trade.side is not self.side:
            self.side, self.run, self.openings = trade.side, [], []
        self.run.append(trade)
        self.openings.append(_Opening(trade, quantity))

    def close(self, trade: Trade, quantity: Decimal, method: CountMethod) -> list[DayTrade]:
        """Take a trade that closes, and return the day trades that it completes."""
        if self.side is None or trade.side is self.side:
            return []
        used = self._used(quantity)
        if method is CountMethod.OPENING_TRANSACTION:
            fresh = [one for one in used if one.trade_id not in self.counted]
            self.counted.update(one.trade_id for one in fresh)
            return [self._made((one,), trade) for one in fresh]
        run, self.run = self.run, []
        return [self._made(run, trade)] if run else []

    def _used(self, quantity: Decimal) -> list[Trade]:
        """Return the openings of today that a closing takes from, the oldest first."""
        used: list[Trade] = []
        while quantity > ZERO and self.openings:
            first = self.openings[0]
            taken = min(first.left, quantity)
            used.append(first.trade)
            quantity -= taken
            if taken == first.left:
                self.openings.pop(0)
            else:
                self.openings[0] = _Opening(first.trade, first.left - taken)
        return used

    def _made(self, opened: Sequence[Trade], closed: Trade) -> DayTrade:
        ids = tuple(one.trade_id for one in opened)
        orders = (opened[0].order_id, closed.order_id)
        return DayTrade(self.on, closed.security_id, ids, closed.trade_id, orders)


class DayTradeRecord:
    """The day trades and executions of one account so far, for windows of sessions.

    Trades are taken in the order in which they were executed.
    """

    __slots__ = ("_days", "_execution_days", "_made", "_method", "_own")

    def __init__(self, method: CountMethod = CountMethod.DIRECTION_CHANGE) -> None:
        """Begin with an account that has not traded."""
        self._method = method
        self._days: dict[str, _Day] = {}
        self._own: set[str] = set()
        """The securities whose day no other record looks at."""
        self._made: list[DayTrade] = []
        self._execution_days: list[date] = []

    def take(self, trade: Trade, held: Decimal) -> tuple[DayTrade, ...]:
        """Take the next trade, before which ``held`` units were held, and return what it completes.

        A trade that goes past nothing closes one position and opens the opposite one.
        """
        insort(self._execution_days, trade.on)
        if trade.asset_class is _CRYPTO:
            return ()
        day = self._days.get(trade.security_id)
        if day is None or day.on != trade.on:
            day = self._days[trade.security_id] = _Day(trade.on)
        elif trade.security_id not in self._own:
            day = self._days[trade.security_id] = day.fork()
        self._own.add(trade.security_id)
        opposite = -held if trade.side is _BUY else held
        closing = min(trade.quantity, max(opposite, ZERO))
        completed = day.close(trade, closing, self._method) if closing > ZERO else []
        if trade.quantity > closing:
            day.open(trade, trade.quantity - closing)
        self._made.extend(completed)
        return tuple(completed)

    def fork(self) -> DayTradeRecord:
        """Return a record of the same trades that takes others from here on."""
        other = DayTradeRecord(self._method)
        other._days = dict(self._days)
        self._own = set()
        other._made = list(self._made)
        other._execution_days = list(self._execution_days)
        return other

    def window(self, on: date, sessions: int = WINDOW_SESSIONS) -> Window:
        """Return what was done in the sessions up to and including a day."""
        days = last_sessions(session_on_or_before(on), sessions)
        start = days[0]
        first = _first_from(self._made, start)
        executions = len(self._execution_days) - bisect_left(self._execution_days, start)
        day_trades = _distinct(self._made[first:]) if first < len(self._made) else ()
        return made(Window, (days, day_trades, executions))

    @property
    def last(self) -> DayTrade | None:
        """The day trade that was completed last."""
        return self._made[-1] if self._made else None

    @property
    def made_at_most(self) -> int:
        """At most how many day trades there were: legs of one spread are counted one by one."""
        return len(self._made)

    @property
    def made(self) -> tuple[DayTrade, ...]:
        """Every day trade so far."""
        return _distinct(self._made)


class Window(NamedTuple):
    """Sessions, the day trades in them, and how many executions there were of any kind."""

    sessions: tuple[date, ...]
    day_trades: tuple[DayTrade, ...]
    executions: int

    def since(self, on: date) -> Window:
        """Return the window without the day trades before a day."""
        if not self.day_trades:
            return self
        kept = tuple(one for one in self.day_trades if one.on >= on)
        return self if len(kept) == len(self.day_trades) else self._replace(day_trades=kept)


def by_date(day_trades: Sequence[DayTrade]) -> Mapping[date, int]:
    """Return how many day trades were made on each day."""
    return Counter([one.on for one in day_trades]) if day_trades else {}


def _first_from(made: Sequence[DayTrade], start: date) -> int:
    place = len(made)
    while place and made[place - 1].on >= start:
        place -= 1
    return place


def _distinct(made: Sequence[DayTrade]) -> tuple[DayTrade, ...]:
    """Return day trades with those of one spread, opened and closed as one order each, as one."""
    if not any(all(one.orders) for one in made):
        return tuple(made)
    seen: set[tuple[date, tuple[str, str]]] = set()
    kept: list[DayTrade] = []
    for one in made:
        if all(one.orders) and one.orders[0] != one.orders[1]:
            if (one.on, one.orders) in seen:
                continue
            seen.add((one.on, one.orders))
        kept.append(one)
    return tuple(kept)
