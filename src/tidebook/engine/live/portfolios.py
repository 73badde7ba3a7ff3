"""The live book at work: fed from a bus, started from the book of record, told to whoever asks.

Three threads. Two follow the bus, one of them the prices alone, and fold what arrives; they ask
nobody else: no database is on the path of a price. The third brings in what the book of record
holds, and, in one process of all, tells the bus how portfolios stand.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from datetime import timedelta
from threading import Event as Flag, RLock, Thread
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from tidebook.engine import topics
from tidebook.engine.envelope import EVENT_ID, UNREADABLE, WHY, received
from tidebook.engine.live.apart import Apart
from tidebook.engine.live.messages import Named, event_of
from tidebook.engine.live.starting import Traded, start_with
from tidebook.engine.live.telling import Teller
from tidebook.errors import (
    BusUnavailableError,
    OverloadedError,
    StoreUnavailableError,
    UnknownPortfolioError,
    UnreadableMessageError,
)
from tidebook.live import (
    LiveBook,
    PeaksTold,
    StopTripped,
    Tick,
    TradeClosed,
    TradeOpened,
    drawdown,
    exposure,
    profit_and_loss,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from tidebook.engine.bus import Arrival, LiveBus
    from tidebook.engine.dead_letters import LetterBox
    from tidebook.engine.jobs import Lease
    from tidebook.engine.ports import Clock, Reader
    from tidebook.live import (
        DrawdownNow,
        Event,
        ExposureNow,
        OrderExecuted,
        ProfitAndLoss,
        Snapshot,
    )
    from tidebook.live.account import Account

    _OfPortfolio: TypeAlias = TradeOpened | TradeClosed | OrderExecuted | StopTripped | PeaksTold

_log = logging.getLogger("tidebook.live")

PORTFOLIOS_MAX: Final = 10_000
"""How many portfolios one process follows."""
_PENDING_MAX: Final = 1_000
"""How many events of a portfolio wait until its start is read."""
_BATCH_MAX: Final = 100
_RECEIVE_SECONDS: Final = 0.25
_AGAIN_SECONDS: Final = 1.0
_TICKS_SINCE: Final = timedelta(minutes=15)


class Health(NamedTuple):
    """How a live book is: since when it runs, what it has done, and what is away."""

    started_at: datetime
    is_started: bool
    is_caught_up: bool
    events: int
    unreadable: int
    portfolios: int
    last_event_at: datetime | None
    bus_error: str | None
    book_error: str | None
    is_leading: bool


class LiveTelemetry(Protocol):
    """Takes note of live events."""

    def live_event(self, topic: str, seconds: float | None) -> None:
        """Take note of an event, and of how long ago it happened; None of one that is none."""
        ...

    def set_apart(self, topic: str) -> None:
        """Take note of an event that was put with the dead letters."""
        ...


class _Untold:
    def live_event(self, topic: str, seconds: float | None) -> None:
        """Take note of nothing."""

    def set_apart(self, topic: str) -> None:
        """Take note of nothing."""


class LivePortfolios:
    """Follows portfolios.

    Args:
        bus: Where live events come from, and where what is told goes.
        reader: The book of record.
        clock: What time it is.
        lease: Who tells the bus how portfolios stand.
        default: The portfolio of events and requests that name none; empty where there is none.
        letters: Where events go that cannot be read; None keeps none of them.
    """

    def __init__(  # noqa: PLR0913 - what feeds it, what starts it, and where it tells
        self,
        bus: LiveBus,
        reader: Reader,
        clock: Clock,
        lease: Lease,
        default: str = "",
        *,
        letters: LetterBox | None = None,
    ) -> None:
        """Keep what is needed; nothing runs before :meth:`start`, or the first question."""
        self._bus = bus
        self._reader = reader
        self._clock = clock
        self.default = default
        self.telemetry: LiveTelemetry = _Untold()
        self._book = LiveBook()
        self._lock = RLock()
        self._stopping, self._news = Flag(), Flag()
        self._threads: list[Thread] = []
        self._pending: dict[str, deque[Event]] = defaultdict(lambda: deque(maxlen=_PENDING_MAX))
        self._peaks: dict[str, PeaksTold] = {}
        self._unknown: dict[str, float] = {}
        self._versions: dict[str, int] = defaultdict(int)
        self._watchers: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._behind: set[str] = set()
        self._unchecked: set[str] = set()
        self._states: dict[str, tuple[int, int]] = {}
        self._booked: dict[str, frozenset[str]] = defaultdict(frozenset)
        self._teller = Teller(bus, lease, clock)
        self._apart = Apart(letters)
        self.is_ending: Callable[[], bool] = self._stopping.is_set
        self._health = Health(
            clock.now(),
            is_started=False,
            is_caught_up=False,
            events=0,
            unreadable=0,
            portfolios=0,
            last_event_at=None,
            bus_error=None,
            book_error=None,
            is_leading=False,
        )

    def start(self) -> None:
        """Begin to follow, unless it has begun."""
        with self._lock:
            if self._threads or self._stopping.is_set():
                return
            self._health = self._health._replace(is_started=True)
            self._threads = [
                *(
                    Thread(target=self._follow, args=(read,), name="tidebook-live", daemon=True)
                    for read in self._read_apart()
                ),
                Thread(target=self._keep, name="tidebook-live-book", daemon=True),
            ]
        if self.default:
            self._pending[self.default]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when all threads have ended."""
        self._stopping.set()
        self._news.set()
        for thread in self._threads:
            thread.join()

    def ready(self) -> None:
        """Return when the bus answers; raise ``BusUnavailableError`` when it does not."""
        self._bus.ready()

    def health(self) -> Health:
        """Return how it is."""
        return self._health._replace(
            portfolios=len(self._book.accounts), is_leading=self._teller.is_leading
        )

    # What is asked.

    def snapshot(self, portfolio_id: str) -> Snapshot:
        """Return a portfolio now.

        Raises:
            UnknownPortfolioError: When the book of record has no such portfolio.
            OverloadedError: When more portfolios are asked for than one process follows.
            StoreUnavailableError: When it is asked for the first time, and the store is away.
        """
        self._joined(portfolio_id)
        with self._lock:
            told = snapshot(self._book, portfolio_id, self._clock.now())
        if told is None:
            raise UnknownPortfolioError(portfolio_id)
        return told

    def profit_and_loss(self, portfolio_id: str) -> ProfitAndLoss:
        """Return what a portfolio has gained and lost; errors as with :meth:`snapshot`."""
        account = self._joined(portfolio_id)
        with self._lock:
            return profit_and_loss(self._book, account, self._clock.now())

    def exposure(self, portfolio_id: str) -> ExposureNow:
        """Return what is at work in a portfolio; errors as with :meth:`snapshot`."""
        account = self._joined(portfolio_id)
        with self._lock:
            return exposure(self._book, account, self._clock.now())

    def drawdown(self, portfolio_id: str) -> DrawdownNow:
        """Return how far a portfolio stands below its peaks; errors as with :meth:`snapshot`."""
        account = self._joined(portfolio_id)
        with self._lock:
            return drawdown(self._book, account, self._clock.now())

    def version(self, portfolio_id: str) -> int:
        """Return a number that grows whenever a portfolio stands otherwise."""
        return self._versions[portfolio_id]

    def watch(self, portfolio_id: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Have ``wake`` called, in another thread, when a portfolio stands otherwise.

        Returns:
            What ends that.
        """
        self._joined(portfolio_id)
        with self._lock:
            self._watchers[portfolio_id].add(wake)

        def leave() -> None:
            with self._lock:
                self._watchers[portfolio_id].discard(wake)

        return leave

    def watchers(self) -> int:
        """Return how many are told when something changes."""
        return sum(map(len, self._watchers.values()))

    def check(self, topic: str, record: Mapping[str, object]) -> None:
        """Return when a record is a live event.

        Raises:
            UnreadableMessageError: When it is none.
        """
        if topic not in topics.LIVE_INPUT_TOPICS:
            allowed = ", ".join(topics.LIVE_INPUT_TOPICS)
            raise UnreadableMessageError(f"its field event is none of {allowed}")
        event_of(topic, record, Named("", self._clock.now(), self.default))

    def publish(self, sent: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """Send live events to the bus, in order; one without an instant happened now.

        Raises:
            BusUnavailableError: When the bus does not answer.
        """
        now = {"timestamp": self._clock.now().isoformat()}
        self._teller.send((topic, self._key(topic, each), now | dict(each)) for topic, each in sent)

    def _key(self, topic: str, record: Mapping[str, object]) -> str:
        name = "symbol" if topic == topics.MARKET_TICK else "portfolio_id"
        return str(record.get(name) or self.default)

    def _joined(self, portfolio_id: str) -> Account:
        """Return a portfolio that is followed, from now on if it was not."""
        self.start()
        account = self._book.accounts.get(portfolio_id)
        if account is None:
            if len(self._book.accounts) >= PORTFOLIOS_MAX:
                raise OverloadedError("the live book", retry_after_seconds=60)
            self._refresh(portfolio_id)
            account = self._book.accounts[portfolio_id]
        return account

    # The thread that follows the bus.

    def _read_apart(self) -> tuple[Mapping[str, datetime | None], ...]:
        """Return what is read by whom: prices come too often to look for all else each time."""
        others: dict[str, datetime | None] = dict.fromkeys(
            topic
            for topic in (*topics.LIVE_INPUT_TOPICS, topics.DRAWDOWN_UPDATED)
            if topic != topics.MARKET_TICK
        )
        self._behind = {topics.MARKET_TICK, topics.DRAWDOWN_UPDATED}
        return {topics.MARKET_TICK: self._clock.now() - _TICKS_SINCE}, others

    def _follow(self, read: Mapping[str, datetime | None]) -> None:
        follower = self._bus.follow(read)
        while not self._stopping.is_set():
            try:
                arrivals = follower.receive(_BATCH_MAX, _RECEIVE_SECONDS)
            except BusUnavailableError as error:
                self._health = self._health._replace(bus_error=str(error))
                _log.warning("live: %s; trying again in %s s", error, _AGAIN_SECONDS)
                self._stopping.wait(_AGAIN_SECONDS)
                continue
            if not arrivals:
                with self._lock:
                    self._behind -= set(read)
                    told = {"is_caught_up": not self._behind, "bus_error": None}
                    self._health = self._health._replace(**told)
                continue
            self._fold(arrivals)
        follower.close()

    def _fold(self, arrivals: Iterable[Arrival]) -> None:
        now = self._clock.now()
        touched: set[str] = set()
        read = [self._read(arrival, now) for arrival in arrivals]
        events = [event for event in read if event is not None]
        with self._lock:
            for event in events:
                touched.update(self._taken(event, now))
            for portfolio_id in touched:
                self._versions[portfolio_id] += 1
            wakes = [wake for each in touched for wake in self._watchers.get(each, ())]
            health = self._health
            self._health = health._replace(
                events=health.events + len(events),
                unreadable=health.unreadable + len(read) - len(events),
                last_event_at=now,
                bus_error=None,
            )
        for wake in wakes:
            wake()

    def _read(self, arrival: Arrival, now: datetime) -> Event | None:
        """Return what a message says; one that says nothing is counted and set apart."""
        said = received(arrival)
        place = f"{arrival.topic}-{arrival.part}-{arrival.place}"
        named = Named(arrival.headers.get(EVENT_ID) or place, now, self.default)
        try:
            event = event_of(arrival.topic, _readable(said.record), named)
        except UnreadableMessageError as error:
            _log.warning("the message %s is passed over: %s", place, error)
            self._apart.add(arrival, said, str(error), now)
            self._news.set()
            self.telemetry.live_event(arrival.topic, None)
            return None
        self.telemetry.live_event(arrival.topic, (now - event.at).total_seconds())
        return event

    def _taken(self, event: Event, now: datetime) -> tuple[str, ...]:
        """Fold an event; one of a portfolio that is not followed waits until it is."""
        if isinstance(event, Tick) or (isinstance(event, StopTripped) and not event.portfolio_id):
            found = self._book.apply(event, now)
            if isinstance(event, StopTripped):
                self._after(event, found)
            return found
        if event.portfolio_id not in self._book.accounts:
            self._wait_for_start(event)
            return ()
        found = self._book.apply(event, now)
        if isinstance(event, PeaksTold):
            # What this book has told itself: nobody needs to hear it again.
            return ()
        if found:
            self._after(event, (event.portfolio_id,))
        return found

    def _wait_for_start(self, event: _OfPortfolio) -> None:
        """Keep an event of a portfolio that is not followed, and have its start read."""
        if isinstance(event, PeaksTold):
            # Each tells all that those before it told; that alone is no reason to follow.
            self._peaks[event.portfolio_id] = event
        elif event.portfolio_id not in self._unknown and len(self._pending) < PORTFOLIOS_MAX:
            self._pending[event.portfolio_id].append(event)
            self._news.set()

    def _after(self, event: _OfPortfolio, portfolio_ids: Iterable[str]) -> None:
        """Have said, and looked up, what follows from an event."""
        said = {topics.SNAPSHOT_UPDATED}
        if isinstance(event, TradeClosed):
            said.add(topics.PNL_UPDATED)
        if isinstance(event, StopTripped):
            said.add(topics.DRAWDOWN_UPDATED)
        for portfolio_id in portfolio_ids:
            if isinstance(event, (TradeOpened, TradeClosed)):
                self._unchecked.add(portfolio_id)
            if self._health.is_caught_up:
                self._teller.urge(portfolio_id, said)
                self._news.set()

    # The thread that asks the book of record, and tells the bus.

    def _keep(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
                self._apart.deliver(self.telemetry.set_apart)
                self._health = self._health._replace(book_error=None)
                self._teller.tell(self._book, self._lock, self._versions)
            except (StoreUnavailableError, BusUnavailableError) as error:
                self._health = self._health._replace(book_error=str(error))
                _log.warning("live: %s; trying again in %s s", error, _AGAIN_SECONDS)
            self._news.wait(_AGAIN_SECONDS)
            self._news.clear()

    def _look(self) -> None:
        """Read anew what the book of record holds of portfolios that it has changed."""
        self._unknown = {k: until for k, until in self._unknown.items() if until > time.monotonic()}
        with self._lock:
            waiting = [each for each in self._pending if each not in self._unknown]
        for portfolio_id in waiting:
            if portfolio_id not in self._book.accounts:
                self._try_refresh(portfolio_id)
        for account in list(self._book.accounts.values()):
            portfolio_id = account.start.portfolio_id
            fresh = self._reader.freshness(portfolio_id)
            state = fresh.generation, fresh.valuation_version
            moved = state != self._states.get(portfolio_id) and fresh.status == "CURRENT"
            if moved or portfolio_id in self._unchecked:
                self._try_refresh(portfolio_id)
                self._states[portfolio_id] = state
            if self._stopping.is_set():
                return

    def _try_refresh(self, portfolio_id: str) -> None:
        try:
            self._refresh(portfolio_id)
        except UnknownPortfolioError as error:
            _log.warning("live: %s; its events are passed over", error)
            with self._lock:
                self._unknown[portfolio_id] = time.monotonic() + 60.0
                self._pending.pop(portfolio_id, None)

    def _refresh(self, portfolio_id: str) -> None:
        """Take what the book of record holds, and then the events that waited for it."""
        with self._lock:
            self._unchecked.discard(portfolio_id)
            account = self._book.accounts.get(portfolio_id)
            waiting = list(self._pending.get(portfolio_id, ()))
            asked, symbols = _asked(account, waiting)
            known = self._booked[portfolio_id]
        now = self._clock.now()
        today = now.date() if account is None else account.day_of(now)
        start, is_of_one_state = start_with(
            self._reader, portfolio_id, today, Traded(symbols, asked, known)
        )
        if not is_of_one_state:
            self._unchecked.add(portfolio_id)
            if account is not None:
                return
        with self._lock:
            self._booked[portfolio_id] = start.booked
            self._book.begin(start, now)
            if (peaks := self._peaks.pop(portfolio_id, None)) is not None:
                self._book.apply(peaks, now)
            for event in self._pending.pop(portfolio_id, ()):
                self._book.apply(event, now)
                if isinstance(event, (TradeOpened, TradeClosed)) and event not in waiting:
                    self._unchecked.add(portfolio_id)
            self._versions[portfolio_id] += 1
            wakes = list(self._watchers.get(portfolio_id, ()))
        for wake in wakes:
            wake()


def _asked(account: Account | None, waiting: Iterable[Event]) -> tuple[frozenset[str], set[str]]:
    """Return the transactions and the symbols of all trades that are known."""
    told: list[TradeOpened | TradeClosed] = [
        event for event in waiting if isinstance(event, (TradeOpened, TradeClosed))
    ]
    if account is not None:
        for trade in account.trades.values():
            told += trade.closed.values()
            told += [trade.opened] if trade.opened is not None else []
    return frozenset(one.transaction_id for one in told), {one.symbol for one in told}


def _readable(record: Mapping[str, str]) -> Mapping[str, str]:
    """Return a record as it is.

    Raises:
        UnreadableMessageError: When it stands for a message that is none.
    """
    if UNREADABLE in record:
        raise UnreadableMessageError(record[WHY])
    return record
