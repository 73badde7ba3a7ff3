"""The live book: portfolios as they stand now, folded from events over what is booked.

It holds everything in memory and asks nobody. An event that was seen before changes nothing, and
the order in which events of different kinds arrive does not matter: they come from streams that
know nothing of each other.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.live.account import Account, Stop
from tidebook.live.equities import Equities, Standing
from tidebook.live.events import (
    OrderExecuted,
    PeaksTold,
    StopTripped,
    Tick,
    TradeClosed,
    TradeOpened,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from tidebook.live.events import Event
    from tidebook.live.start import Start

_CLOSE: Final = time(tzinfo=UTC)
"""Of a price for a day no more is known than the day."""
_SEEN_MAX: Final = 100_000
"""How many ids of events are remembered."""


class Mark(NamedTuple):
    """The last price of a symbol, and when it was.

    ``is_live`` when a tick told it or a trade was made at it, which is then ``is_traded``.
    """

    price: float
    at: datetime
    is_live: bool
    is_traded: bool = False


class Holders(NamedTuple):
    """Who holds a symbol: rows, each once, and what a price of 1 adds to each."""

    rows: NDArray[np.intp]
    weights: NDArray[np.float64]


class LiveBook:
    """Portfolios by id, and the last price of every symbol."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.accounts: dict[str, Account] = {}
        self.marks: dict[str, Mark] = {}
        self._equities = Equities()
        self._ids: list[str] = []
        self._weights: dict[str, dict[int, float]] = defaultdict(dict)
        self._holders: dict[str, Holders] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._turns_at: datetime | None = None

    def begin(self, start: Start, at: datetime) -> None:
        """Take what the book of record holds of a portfolio, in place of what it held before.

        Trades that are booked by now are told by the book of record alone from now on. What flowed
        in or out since is no gain and no loss.
        """
        known = self.accounts.get(start.portfolio_id)
        self._mark(start, at)
        if known is None:
            self._enter(start, at)
            return
        if start.generation < known.start.generation:
            return
        self._equities.flow(known.row, start.flows - known.start.flows)
        known.start = start
        if known.today == known.day_of(at):
            known.opening, known.flows_today = start.opening, start.flows_today
        self._arrange(known)

    def apply(self, event: Event, at: datetime) -> tuple[str, ...]:
        """Take an event; return the portfolios that stand otherwise now.

        Nobody stands otherwise after an event of a portfolio that is not followed, after one that
        was seen before, and after a price that is older than the last.

        Args:
            event: What happened.
            at: Now; an event that says to be later happened now.
        """
        self.turn(at)
        match event:
            case Tick():
                return self._tick(event, min(event.at, at))
            case PeaksTold():
                return self._peaks(event)
            case StopTripped():
                named = [event.portfolio_id] if event.portfolio_id else list(self.accounts)
                if not self._is_new(event.event_id):
                    return ()
                return tuple(each for each in named if self._stop(each, event))
            case TradeOpened() | TradeClosed() | OrderExecuted():
                account = self.accounts.get(event.portfolio_id)
                if account is None or not self._is_new(event.event_id):
                    return ()
                return self._traded(account, event, at)

    def standing(self, account: Account) -> Standing:
        """Return what a portfolio is worth and how high it has stood."""
        return self._equities.standing(account.row)

    def settle(self, account: Account) -> Standing:
        """Return the same, its equity summed up anew so that no rounding piles up."""
        self._equities.settle(account.row, self._worth(account))
        return self.standing(account)

    def turn(self, at: datetime) -> None:
        """Let days end that have ended."""
        if self._turns_at is None or at < self._turns_at:
            return
        for account in self.accounts.values():
            today = account.day_of(at)
            if today <= account.today:
                continue
            account.day_peaks[account.today] = self._equities.begin_day(account.row)
            for on in sorted(account.day_peaks)[:-7]:
                del account.day_peaks[on]
            account.today, account.flows_today = today, 0.0
            account.opening = self.standing(account).equity
        self._turns_at = min(one.day_ends_at() for one in self.accounts.values())

    def _enter(self, start: Start, at: datetime) -> None:
        account = Account(start, at)
        self.accounts[start.portfolio_id] = account
        worth = self._worth(account)
        account.row = self._equities.add(Standing(worth, worth, worth, worth, 0.0))
        self._ids.append(start.portfolio_id)
        heights = start.heights
        if heights is not None:
            account.day_peaks = dict(heights.by_day)
            told = Standing(
                worth, start.opening or worth, heights.peak, heights.trough, heights.max_drawdown
            )
            self._equities.raise_heights(account.row, told)
        self._equities.settle(account.row, worth)
        self._hold(account)
        self._turns_at = min(one.day_ends_at() for one in self.accounts.values())

    def _mark(self, start: Start, at: datetime) -> None:
        """Take the book's prices of what no tick has told; who holds it is moved by them."""
        for one in start.holdings:
            known = self.marks.get(one.symbol)
            if one.price is None or (known is not None and known.is_live):
                continue
            if known is None or known.price != one.price:
                self._move(one.symbol, one.price)
                told_at = at if one.price_on is None else datetime.combine(one.price_on, _CLOSE)
                self.marks[one.symbol] = Mark(one.price, told_at, is_live=False)

    def _arrange(self, account: Account) -> None:
        before = {line.symbol for line in account.lines}
        account.arrange()
        self._hold(account, before)
        self._equities.settle(account.row, self._worth(account))

    def _hold(self, account: Account, before: Collection[str] = ()) -> None:
        """See anew what a portfolio holds, and forget what it held."""
        weights: dict[str, float] = dict.fromkeys(before, 0.0)
        for line in account.lines:
            weights[line.symbol] = weights.get(line.symbol, 0.0) + line.weight
        for symbol, weight in weights.items():
            if weight:
                self._weights[symbol][account.row] = weight
            else:
                self._weights[symbol].pop(account.row, None)
            # Made again when the next price comes.
            self._holders.pop(symbol, None)

    def _holders_of(self, symbol: str) -> Holders:
        found = self._holders.get(symbol)
        if found is None:
            weights = self._weights.get(symbol, {})
            rows = np.array(list(weights), np.intp)
            found = Holders(rows, np.array(list(weights.values()), np.float64))
            self._holders[symbol] = found
        return found

    def _worth(self, account: Account) -> float:
        marks = self.marks
        return account.cash + sum(
            line.worth(mark.price if (mark := marks.get(line.symbol)) else None)
            for line in account.lines
        )

    def _traded(
        self, account: Account, event: TradeOpened | TradeClosed | OrderExecuted, at: datetime
    ) -> tuple[str, ...]:
        """Take a trade; what it was made at is the last price of its symbol."""
        if isinstance(event, TradeOpened):
            account.open(event)
            price = event.entry_price
        elif isinstance(event, TradeClosed):
            account.close(event)
            price = event.exit_price
        else:
            price = event.price
        known, happened = self.marks.get(event.symbol), min(event.at, at)
        moved: tuple[str, ...] = ()
        # A tick of the same instant says more: the two come by different ways, in any order.
        is_told = known is not None and known.is_live and not known.is_traded
        if known is None or not is_told or happened > known.at:
            moved = self._tick(Tick(event.symbol, price, event.at), happened)
            self.marks[event.symbol] = self.marks[event.symbol]._replace(is_traded=True)
        if not isinstance(event, OrderExecuted):
            self._arrange(account)
        return (event.portfolio_id, *(one for one in moved if one != event.portfolio_id))

    def _tick(self, tick: Tick, at: datetime) -> tuple[str, ...]:
        known = self.marks.get(tick.symbol)
        if known is not None and known.is_live and at < known.at:
            return ()
        holders = self._move(tick.symbol, tick.price)
        self.marks[tick.symbol] = Mark(tick.price, at, is_live=True)
        return tuple(self._ids[row] for row in holders)

    def _move(self, symbol: str, price: float) -> list[int]:
        """Move whoever holds a symbol to a price; return their rows."""
        holders = self._holders_of(symbol)
        if not holders.rows.size:
            return []
        rows: list[int] = holders.rows.tolist()
        known = self.marks.get(symbol)
        if known is None:
            self._first_price(symbol, rows, price)
        else:
            self._equities.move(holders.rows, holders.weights * (price - known.price))
        return rows

    def _first_price(self, symbol: str, rows: Iterable[int], price: float) -> None:
        """Value what was carried at its cost; that this is more or less is no gain of today."""
        for row in rows:
            lines = self.accounts[self._ids[row]].lines
            ours = [line for line in lines if line.symbol == symbol]
            self._equities.flow(row, sum(line.worth(price) - line.worth(None) for line in ours))

    def _peaks(self, told: PeaksTold) -> tuple[str, ...]:
        account = self.accounts.get(told.portfolio_id)
        if account is None or told.equity <= 0:
            return ()
        standing = self.standing(account)
        # Told in the money of then: what flowed since has moved equity and heights alike.
        scale = (told.equity + account.start.flows - told.flows) / told.equity
        if scale <= 0:
            return ()
        is_today = account.day_of(told.at) == account.today
        day_peak = told.day_peak * scale if is_today else standing.day_peak
        heights = Standing(
            *(standing.equity, day_peak, told.peak * scale, told.trough * scale),
            told.max_drawdown,
        )
        self._equities.raise_heights(account.row, heights)
        return (told.portfolio_id,)

    def _stop(self, portfolio_id: str, event: StopTripped) -> bool:
        account = self.accounts.get(portfolio_id)
        if account is not None:
            account.stop = Stop(event.reason, event.severity, event.at)
        return account is not None

    def _is_new(self, event_id: str) -> bool:
        """Tell whether an event was not seen before, and remember it."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > _SEEN_MAX:
            self._seen.popitem(last=False)
        return True
