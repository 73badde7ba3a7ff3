"""Benchmarks: what an index was worth day by day, where that comes from, and how old it is.

The levels of the listed funds come from a provider and are kept; those of any other instrument are
its prices in the book. A level is never made up: what is not known is said to be missing.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tidebook.errors import BenchmarkUnavailableError, InvalidBenchmarkError, ProviderError
from tidebook.model.markets import DatedValue
from tidebook.model.money import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tidebook.engine.ports import Clock, Reader
    from tidebook.model.markets import PriceQuotes

FETCH_AGAIN: Final = timedelta(hours=4)
"""How long levels that end too early are left as they are before the provider is asked again."""
ASK_AGAIN: Final = timedelta(minutes=1)
"""How long a provider that refused is left alone by requests that could do with its levels."""
_LATELY: Final = 2 * ASK_AGAIN
"""How long a refusal may have kept an answer short that was begun meanwhile."""
_HISTORY_DAYS: Final = 3660
_SLACK_DAYS: Final = 7


class Listed(NamedTuple):
    """A fund that is kept as a benchmark: its name and the currency of its levels."""

    name: str
    currency: str


LISTED: Final[Mapping[str, Listed]] = {
    "SPY": Listed("SPDR S&P 500 ETF Trust", "USD"),
    "QQQ": Listed("Invesco QQQ Trust", "USD"),
    "DIA": Listed("SPDR Dow Jones Industrial Average ETF Trust", "USD"),
    "IWM": Listed("iShares Russell 2000 ETF", "USD"),
    "VTI": Listed("Vanguard Total Stock Market ETF", "USD"),
    "VOO": Listed("Vanguard S&P 500 ETF", "USD"),
    "AGG": Listed("iShares Core U.S. Aggregate Bond ETF", "USD"),
    "GLD": Listed("SPDR Gold Shares", "USD"),
}
"""The benchmarks that an update fetches."""


class ReturnBasis(StrEnum):
    """What a level contains."""

    TOTAL = "total_return"
    """Price with every distribution reinvested."""
    PRICE = "price"
    """Price alone, over splits: distributions are missing from it."""


class DataSource(StrEnum):
    """Where levels were taken from for this answer."""

    API = "api"
    """Fetched from the provider just now."""
    CACHE = "cache"
    """Fetched before and kept."""
    BOOK = "book"
    """Prices of an instrument of the book."""


class Levels(NamedTuple):
    """An index day by day, oldest first, in one currency.

    ``provider`` is who gave the levels, ``fetched_at`` when; None for prices of the book.
    """

    symbol: str
    name: str
    currency: str
    basis: ReturnBasis
    source: DataSource
    provider: str
    fetched_at: datetime | None
    points: tuple[DatedValue, ...]

    def as_of(self, on: date) -> DatedValue | None:
        """Return the last level on or before a day, or None before the first."""
        index = bisect_right(self.points, on, key=_on)
        return self.points[index - 1] if index else None


def _on(point: DatedValue) -> date:
    return point.on


class KeptLevels(NamedTuple):
    """Levels as they are kept; ``asked_from`` is the first day that the provider was asked for."""

    symbol: str
    currency: str
    basis: ReturnBasis
    provider: str
    asked_from: date
    fetched_at: datetime
    points: tuple[DatedValue, ...]


class KeptState(NamedTuple):
    """What is kept of one benchmark, without its levels."""

    symbol: str
    currency: str
    basis: ReturnBasis
    provider: str
    fetched_at: datetime
    first_on: date
    last_on: date
    level_count: int


class KeptEnd(NamedTuple):
    """Which levels are kept of one benchmark: when they were fetched, and the last day of them."""

    symbol: str
    fetched_at: datetime
    last_on: date


class UpdateStatus(StrEnum):
    """How far an update has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SymbolOutcome(NamedTuple):
    """What an update did for one benchmark: the last day it has now, or why it has no new one."""

    symbol: str
    last_on: date | None
    error: str | None


class Update(NamedTuple):
    """One update of the kept benchmarks."""

    update_id: str
    status: UpdateStatus
    started_at: datetime
    ended_at: datetime | None
    outcomes: tuple[SymbolOutcome, ...]


class Provider(Protocol):
    """Who has the levels of benchmarks."""

    @property
    def name(self) -> str:
        """What the provider is called in answers; ``none`` for nobody."""
        ...

    @property
    def basis(self) -> ReturnBasis:
        """What its levels contain."""
        ...

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        """Return the levels of the days from ``start`` to ``end``, oldest first.

        Raises:
            ProviderError: If it cannot be reached, refuses, or has none of that symbol.
        """
        ...


class NoProvider:
    """Nobody: what is kept stays as it is."""

    name: str = "none"
    basis: ReturnBasis = ReturnBasis.TOTAL

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        """Refuse."""
        del start, end
        raise ProviderError("none", f"no provider is set that has {symbol}")


class BenchmarkStore(Protocol):
    """Where levels are kept between fetches, and what is known of updates."""

    def levels(self, symbol: str, known_at: datetime | None = None) -> KeptLevels | None:
        """Return what is kept of a benchmark, or was at an instant; None where nothing is."""
        ...

    def replace(self, kept: KeptLevels) -> None:
        """Keep these levels from now on, in one step, and what they replace as known until then.

        Levels with distributions reinvested change back to the first day with every distribution,
        so that old and new ones must never stand beside each other in one answer.
        """
        ...

    def states(self) -> tuple[KeptState, ...]:
        """Return what is kept, by symbol, without the levels."""
        ...

    def ends(self, symbols: Sequence[str]) -> tuple[KeptEnd, ...]:
        """Return where the kept levels of benchmarks end; what has none is left out."""
        ...

    def begin(self, update_id: str, at: datetime, stale_before: datetime) -> Update:
        """Return the update that runs, or a new one of this id that runs from now on.

        A running one that was begun before ``stale_before`` was left by a process that ended; it
        is marked as failed and a new one begun.
        """
        ...

    def end(self, update: Update) -> None:
        """Keep how an update ended."""
        ...

    def update(self, update_id: str | None = None) -> Update | None:
        """Return an update, or the last one that was begun; None where there is none."""
        ...


class LevelsOf(Protocol):
    """Where the levels of a benchmark come from."""

    def __call__(
        self, symbol: str, start: date, end: date, known_at: datetime | None = None
    ) -> Levels:
        """Return a benchmark's levels between two days, as they were known at an instant."""
        ...


class Benchmarks:
    """The benchmarks of a running system: kept levels first, the provider where they fall short."""

    def __init__(
        self, store: BenchmarkStore, provider: Provider, reader: Reader, clock: Clock
    ) -> None:
        """Keep what levels are read from."""
        self.store = store
        self.provider = provider
        self.clock = clock
        self._reader = reader
        self._lock = Lock()
        self._fetching: set[str] = set()
        self._refused: dict[str, tuple[datetime, str]] = {}

    def levels(
        self, symbol: str, start: date, end: date, known_at: datetime | None = None
    ) -> Levels:
        """Return a benchmark's levels, those of the days from ``start`` to ``end`` among them.

        A listed benchmark whose kept levels do not reach is fetched first, at most once in
        ``FETCH_AGAIN``; where that fails, what is kept is the answer. Where nothing was ever
        fetched, and for every other symbol, the prices of the instrument of that id are.

        With ``known_at`` it is what was kept, or booked, at that instant; nothing is fetched.

        Raises:
            InvalidBenchmarkError: If it is neither listed nor an instrument of the book.
            BenchmarkUnavailableError: If no level of it is known.
        """
        if known_at is not None and known_at >= self.clock.now():
            known_at = None
        why = "the book has no price of it"
        if symbol in LISTED:
            found, why = self._listed(symbol, start, end, known_at)
            if found is not None:
                return found
        return self._from_book(symbol, why, known_at)

    def stamp(
        self, symbols: Sequence[str], end: date, known_at: datetime | None = None
    ) -> str | None:
        """Return a text that is another one whenever kept levels of benchmarks up to a day may be.

        None where a request would fetch some of them first, or where that was refused just now:
        then nothing can be promised. Prices of the book are no part of it.

        An answer that was made between two equal stamps had all the levels that it asked for, and
        would have them again as long as the stamp is the same.
        """
        now = self.clock.now()
        listed = [symbol for symbol in symbols if symbol in LISTED]
        kept = {one.symbol: one for one in self.store.ends(listed)} if listed else {}
        # Nobody who could be asked: what is kept is all that there will be.
        asks = not isinstance(self.provider, NoProvider) and (known_at is None or known_at >= now)
        last = min(end, _last_close(now))
        if asks and any(self._unsettled(each, kept.get(each), last, now) for each in listed):
            return None
        return " ".join(f"{one.symbol}@{one.fetched_at.isoformat()}" for one in kept.values())

    def _unsettled(self, symbol: str, kept: KeptEnd | None, last: date, now: datetime) -> bool:
        refused_at, _ = self._refused.get(symbol, (None, ""))
        refused_lately = refused_at is not None and now - refused_at < _LATELY
        if kept is None or refused_lately or symbol in self._fetching:
            return True
        return kept.last_on < last and now - kept.fetched_at > FETCH_AGAIN

    def _listed(
        self, symbol: str, start: date, end: date, known_at: datetime | None
    ) -> tuple[Levels | None, str]:
        kept, now = self.store.levels(symbol, known_at), self.clock.now()
        source, why = DataSource.CACHE, ""
        if known_at is not None:
            why = f"nothing had been fetched by {known_at.isoformat()}"
        elif _falls_short(kept, start, min(end, _last_close(now)), now):
            fetched = self._fetched(symbol, _first_day(kept, start, now), now)
            if isinstance(fetched, str):
                why = fetched
            else:
                kept, source = fetched, DataSource.API
        if kept is None or not kept.points:
            return None, why or "nothing was fetched"
        named, (_, currency, basis, provider, _, at, points) = LISTED[symbol], kept
        return Levels(symbol, named.name, currency, basis, source, provider, at, points), ""

    def _fetched(self, symbol: str, start: date, now: datetime) -> KeptLevels | str:
        """Return levels fetched now, or why there are none.

        Who has just refused is not asked again at once, and nobody is asked twice at a time: a
        provider that hangs must not hold one request after the other.
        """
        with self._lock:
            at, why = self._refused.get(symbol, (None, ""))
            if at is not None and now - at < ASK_AGAIN:
                return why
            if symbol in self._fetching:
                return "it is being fetched just now"
            self._fetching.add(symbol)
        try:
            return self.fetch(symbol, start)
        except ProviderError as error:
            self._refused[symbol] = now, str(error)
            return str(error)
        finally:
            self._fetching.discard(symbol)

    def fetch(self, symbol: str, start: date) -> KeptLevels:
        """Fetch a listed benchmark from a day to yesterday, keep it instead of the old, return it.

        A day that is not over anywhere has no close yet, so that today is left out.

        Raises:
            ProviderError: If there is nothing to be had; what is kept stays.
        """
        now = self.clock.now()
        points = self.provider.fetch(symbol, start, _last_close(now))
        if not points:
            raise ProviderError(self.provider.name, f"it has no level of {symbol} since {start}")
        fetched = KeptLevels(
            symbol,
            LISTED[symbol].currency,
            self.provider.basis,
            self.provider.name,
            start,
            now,
            points,
        )
        self.store.replace(fetched)
        return fetched

    def refresh(self) -> tuple[SymbolOutcome, ...]:
        """Fetch every listed benchmark anew; one that fails keeps what it has."""
        return tuple(self._refreshed(symbol) for symbol in LISTED)

    def _refreshed(self, symbol: str) -> SymbolOutcome:
        kept, now = self.store.levels(symbol), self.clock.now()
        try:
            fetched = self.fetch(symbol, _first_day(kept, now.date(), now))
        except ProviderError as error:
            last = kept.points[-1].on if kept and kept.points else None
            return SymbolOutcome(symbol, last, str(error))
        return SymbolOutcome(symbol, fetched.points[-1].on, None)

    def _from_book(self, symbol: str, why: str, known_at: datetime | None) -> Levels:
        instrument = next(iter(self._reader.instruments([symbol], known_at=known_at)), None)
        if instrument is None and symbol not in LISTED:
            raise InvalidBenchmarkError(
                symbol,
                "is neither kept nor an instrument of the book",
                hint=f"take one of {', '.join(LISTED)}, the security id of an instrument, or a "
                "blend such as 60% SPY + 40% AGG",
            )
        quotes = self._reader.markets([symbol], known_at=known_at).prices.get(symbol)
        if instrument is None or quotes is None or not quotes.days:
            raise BenchmarkUnavailableError(symbol, why)
        others = set(quotes.currencies)
        if len(others) > 1:
            raise BenchmarkUnavailableError(
                symbol, f"its prices are in several currencies: {', '.join(sorted(others))}"
            )
        return Levels(
            symbol,
            instrument.name,
            quotes.currencies[0],
            ReturnBasis.PRICE,
            DataSource.BOOK,
            "book",
            None,
            self._over_splits(symbol, quotes, known_at),
        )

    def _over_splits(
        self, symbol: str, quotes: PriceQuotes, known_at: datetime | None
    ) -> tuple[DatedValue, ...]:
        """Return prices times what one unit of the first day has become by splits."""
        splits = [
            split
            for view in self._reader.actions(symbol, known_at=known_at)
            if view.status == "IN_FORCE" and view.action.security_id == symbol
            if (split := view.action.split) is not None
        ]
        points: list[DatedValue] = []
        for on, price in zip(quotes.days, quotes.prices, strict=True):
            level = price
            for split in splits:
                if split.on <= on:
                    level = share(level, split.new_units, split.old_units)
            points.append(DatedValue(on, level))
        return tuple(points)


def _last_close(now: datetime) -> date:
    return now.date() - timedelta(days=1)


def _first_day(kept: KeptLevels | None, start: date, now: datetime) -> date:
    """Return the first day to ask for: ten years back, or earlier where that is wanted."""
    days = [start - timedelta(days=_SLACK_DAYS), now.date() - timedelta(days=_HISTORY_DAYS)]
    return min([*days, kept.asked_from] if kept else days)


def _falls_short(kept: KeptLevels | None, start: date, end: date, now: datetime) -> bool:
    """Tell whether levels should be fetched: some are missing, and they were not just asked for."""
    if kept is None or start - timedelta(days=_SLACK_DAYS) < kept.asked_from:
        return True
    reaches = bool(kept.points) and kept.points[-1].on >= end
    return not reaches and now - kept.fetched_at > FETCH_AGAIN
