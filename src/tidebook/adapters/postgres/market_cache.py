"""Prices, rates, instruments and business dates of now, kept in the process until they change.

Prices are carried over the splits of their securities (``over_splits``), here and nowhere else, so
that whoever values anything sees the same.

Every fact of the market has a version in ``market_versions`` that moves in the transaction which
writes it. A look into the cache costs one statement, which reads the versions in the caller's own
snapshot; only what moved since is loaded again. What is kept is therefore never older, and in a
repeatable-read transaction never newer, than what the caller's transaction would read by itself.

A writer that reads through the cache moves the versions first. Nothing is wrong when it then rolls
back: what is kept is known by the version *and* by the transaction that wrote it.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tidebook.adapters.postgres.rows import action_from, instrument_from
from tidebook.adapters.postgres.statements import statements
from tidebook.book.checks.health_market import price_jumps
from tidebook.book.series import priced_steps
from tidebook.model.actions import ActionTable
from tidebook.model.markets import (
    NO_PRICES,
    PriceQuotes,
    Quotes,
    RateTable,
    over_splits,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.book.checks.health_facts import PriceJump
    from tidebook.book.series import PricedSteps
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import Split

POINTS_MAX: Final = 1_000_000
"""Prices kept at most, over all securities: some 200 MB with their vectors."""
_INSTRUMENTS_MAX: Final = 200_000

_SQL: Final = statements("read_market")
_NOW: Final = {"known_at": "infinity", "through": "infinity"}
SUBJECTS: Final = ("rates", "dates", "instruments", "actions")
"""What has one version for all of it; the prices of each security have their own."""
_RATES, _DATES, _INSTRUMENTS, _ACTIONS = SUBJECTS


class Stamp(NamedTuple):
    """Which state of a subject something was read in."""

    version: int
    written_by: str


Stamps: TypeAlias = "Mapping[str, Stamp]"

_NEVER: Final = Stamp(0, "")
_NO_ACTIONS: Final = ActionTable()


class Markets(NamedTuple):
    """What positions are valued with: rates, and prices and instruments by security.

    Prices are carried over the splits among the corporate ``actions``.
    """

    rates: RateTable
    prices: Mapping[str, PriceQuotes]
    instruments: Mapping[str, Instrument]
    actions: ActionTable


class _Priced:
    """One security's prices, carried over its splits; what is made of them is made when asked."""

    __slots__ = ("_jumps", "_vector", "_vector_made", "quotes", "splits", "stamp")

    def __init__(self, stamp: Stamp, quotes: PriceQuotes, splits: tuple[Split, ...] = ()) -> None:
        self.stamp = stamp
        self.splits = splits
        self.quotes = over_splits(quotes, splits)
        self._jumps: tuple[PriceJump, ...] | None = None
        self._vector: PricedSteps | None = None
        self._vector_made = False

    @property
    def vector(self) -> PricedSteps | None:
        # Two threads may both make it; they make the same.
        if not self._vector_made:
            self._vector = priced_steps(self.quotes)
            self._vector_made = True
        return self._vector

    def jumps(self, security_id: str) -> tuple[PriceJump, ...]:
        if self._jumps is None:
            self._jumps = price_jumps(security_id, self.quotes, self.splits)
        return self._jumps


class MarketCache:
    """The market as the caller's transaction sees it, at the cost of one small statement.

    One instance serves a whole process and all its threads. Each method takes a cursor inside the
    caller's transaction and discards any result still pending on it. The least recently used
    securities leave when more than ``points_max`` prices are kept.
    """

    def __init__(self, *, points_max: int = POINTS_MAX) -> None:
        """Start empty."""
        self._lock = Lock()
        self._points_max = points_max
        self._points = 0
        self._days: dict[date, date] = {}
        self._priced: OrderedDict[str, _Priced] = OrderedDict()
        self._rates: tuple[Stamp, RateTable] | None = None
        self._dates: tuple[Stamp, tuple[date, ...]] | None = None
        self._actions: tuple[Stamp, ActionTable] | None = None
        self._instruments: dict[str, Instrument | None] = {}
        self._instruments_stamp = _NEVER

    def held(self, cursor: Cursor[TupleRow]) -> HeldReference:
        """Return the same for a transaction in which nobody else can change what is asked of it."""
        return HeldReference(self, cursor)

    def rates(self, cursor: Cursor[TupleRow], stamps: Stamps | None = None) -> RateTable:
        """Return every current exchange rate."""
        return self._rates_at(cursor, _stamps(cursor, (_RATES,)) if stamps is None else stamps)

    def prices(
        self, cursor: Cursor[TupleRow], security_ids: Iterable[str]
    ) -> dict[str, PriceQuotes]:
        """Return the current prices of each security; without any, an empty run of them."""
        wanted = tuple(dict.fromkeys(security_ids))
        stamps = _stamps(cursor, (_ACTIONS, *map(price_of, wanted)))
        found = self._priced_at(cursor, wanted, stamps)
        return {security_id: found[security_id].quotes for security_id in wanted}

    def vectors(
        self, cursor: Cursor[TupleRow], security_ids: Iterable[str]
    ) -> dict[str, PricedSteps | None]:
        """Return each security's prices as exact steps, or None where they cannot be such."""
        wanted = tuple(dict.fromkeys(security_ids))
        stamps = _stamps(cursor, (_ACTIONS, *map(price_of, wanted)))
        found = self._priced_at(cursor, wanted, stamps)
        return {security_id: found[security_id].vector for security_id in wanted}

    def jumps(
        self, cursor: Cursor[TupleRow], security_ids: Iterable[str]
    ) -> dict[str, tuple[PriceJump, ...]]:
        """Return where the current prices of each security leap; without any, nowhere."""
        wanted = tuple(dict.fromkeys(security_ids))
        stamps = _stamps(cursor, (_ACTIONS, *map(price_of, wanted)))
        found = self._priced_at(cursor, wanted, stamps)
        return {security_id: found[security_id].jumps(security_id) for security_id in wanted}

    def instruments(
        self, cursor: Cursor[TupleRow], security_ids: Iterable[str], stamps: Stamps | None = None
    ) -> dict[str, Instrument]:
        """Return the instruments that a fact has introduced; the others are left out."""
        wanted = tuple(dict.fromkeys(security_ids))
        return self._instruments_at(
            cursor, wanted, _stamps(cursor, (_INSTRUMENTS,)) if stamps is None else stamps
        )

    def business_dates(self, cursor: Cursor[TupleRow]) -> tuple[date, ...]:
        """Return the known business dates, oldest first."""
        stamp = _stamps(cursor, (_DATES,)).get(_DATES, _NEVER)
        with self._lock:
            kept = self._dates
        if kept is not None and kept[0] == stamp:
            return kept[1]
        days, version, written_by = cursor.execute(_SQL["dates"]).fetchall()[0]
        found = tuple(days or ())
        with self._lock:
            self._dates = (Stamp(version or 0, written_by or ""), found)
        return found

    def actions(self, cursor: Cursor[TupleRow], stamps: Stamps | None = None) -> ActionTable:
        """Return every corporate action in force."""
        return self._actions_at(cursor, _stamps(cursor, (_ACTIONS,)) if stamps is None else stamps)

    def business_dates_known(
        self, cursor: Cursor[TupleRow], known_at: datetime | None
    ) -> tuple[date, ...]:
        """Return business dates as known at an instant, of which nothing is kept, or as of now."""
        if known_at is None:
            return self.business_dates(cursor)
        rows = cursor.execute(_SQL["dates_known"], {"known_at": known_at}).fetchall()
        return tuple(row[0] for row in rows)

    def actions_known(self, cursor: Cursor[TupleRow], known_at: datetime | None) -> ActionTable:
        """Return corporate actions as known at an instant, of which nothing is kept, or of now."""
        if known_at is None:
            return self.actions(cursor)
        rows = cursor.execute(_SQL["actions_known"], {"known_at": known_at}).fetchall()
        return ActionTable(tuple(map(action_from, rows)))

    def instruments_known(
        self, cursor: Cursor[TupleRow], security_ids: Iterable[str], known_at: datetime | None
    ) -> dict[str, Instrument]:
        """Return instruments as known at an instant, of which nothing is kept, or as of now."""
        if known_at is None:
            return self.instruments(cursor, security_ids)
        named = {"security_ids": list(security_ids), "known_at": known_at}
        rows = cursor.execute(_SQL["instruments_known"], named).fetchall()
        return {row[0]: instrument_from(row) for row in rows}

    def markets(self, cursor: Cursor[TupleRow], security_ids: Iterable[str]) -> Markets:
        """Return rates, prices and instruments together, still at the cost of one statement."""
        wanted = tuple(dict.fromkeys(security_ids))
        stamps = _stamps(cursor, (_RATES, _INSTRUMENTS, _ACTIONS, *map(price_of, wanted)))
        rates = self._rates_at(cursor, stamps)
        instruments = self._instruments_at(cursor, wanted, stamps)
        found = self._priced_at(cursor, wanted, stamps)
        prices = {security_id: found[security_id].quotes for security_id in wanted}
        return Markets(rates, prices, instruments, self._actions_at(cursor, stamps))

    def markets_known(
        self,
        cursor: Cursor[TupleRow],
        security_ids: Iterable[str],
        *,
        known_at: datetime,
        on: date | None = None,
    ) -> Markets:
        """Return rates, prices and instruments as known at an instant.

        With ``on`` they answer for that day alone, and of each price only the last by then is
        read. Nothing of the past is kept here.
        """
        wanted = tuple(dict.fromkeys(security_ids))
        instruments = self.instruments_known(cursor, wanted, known_at)
        moment = {"known_at": known_at, "through": on or "infinity"}
        table, _ = _load_rates(cursor, moment)
        statement = _SQL["last_prices" if on else "prices"]
        actions = self.actions_known(cursor, known_at) if wanted else _NO_ACTIONS
        rows = cursor.execute(statement, {"security_ids": list(wanted), **moment}).fetchall()
        found = {row[0]: self._priced_from(row, actions).quotes for row in rows}
        return Markets(table, found, instruments, actions)

    def _rates_at(self, cursor: Cursor[TupleRow], stamps: Mapping[str, Stamp]) -> RateTable:
        stamp = stamps.get(_RATES, _NEVER)
        with self._lock:
            kept = self._rates
        if kept is not None and kept[0] == stamp:
            return kept[1]
        table, written = _load_rates(cursor, _NOW)
        with self._lock:
            self._rates = (written or stamp, table)
        return table

    def _actions_at(self, cursor: Cursor[TupleRow], stamps: Mapping[str, Stamp]) -> ActionTable:
        stamp = stamps.get(_ACTIONS, _NEVER)
        if stamp == _NEVER:
            return _NO_ACTIONS
        with self._lock:
            kept = self._actions
        if kept is not None and kept[0] == stamp:
            return kept[1]
        rows = cursor.execute(_SQL["actions"]).fetchall()
        table = ActionTable(tuple(action_from(row[2:]) for row in rows if row[2] is not None))
        written = Stamp(rows[0][0] or 0, rows[0][1] or "") if rows else stamp
        with self._lock:
            self._actions = (written, table)
        return table

    def _instruments_at(
        self,
        cursor: Cursor[TupleRow],
        wanted: Sequence[str],
        stamps: Mapping[str, Stamp],
    ) -> dict[str, Instrument]:
        stamp = stamps.get(_INSTRUMENTS, _NEVER)
        with self._lock:
            if self._instruments_stamp != stamp or len(self._instruments) > _INSTRUMENTS_MAX:
                self._instruments = {}
                self._instruments_stamp = stamp
            kept = self._instruments
            found = {each: kept[each] for each in wanted if each in kept}
        missing = [each for each in wanted if each not in found]
        if missing:
            rows = cursor.execute(_SQL["instruments"], {"security_ids": missing}).fetchall()
            loaded: dict[str, Instrument | None] = dict.fromkeys(missing)
            loaded.update((row[0], instrument_from(row)) for row in rows)
            found.update(loaded)
            with self._lock:
                # Another thread may have moved on to a later state in the meantime.
                if self._instruments_stamp == stamp:
                    self._instruments.update(loaded)
        return {each: known for each, known in found.items() if known is not None}

    def _priced_at(
        self,
        cursor: Cursor[TupleRow],
        wanted: Sequence[str],
        stamps: Mapping[str, Stamp],
    ) -> dict[str, _Priced]:
        actions = self._actions_at(cursor, stamps)
        found: dict[str, _Priced] = {}
        with self._lock:
            for security_id in wanted:
                kept = self._priced.get(security_id)
                if kept and kept.stamp == stamps.get(price_of(security_id), _NEVER):
                    splits = actions.splits(security_id)
                    if kept.splits != splits:
                        kept = _Priced(kept.stamp, kept.quotes, splits)
                        self._priced[security_id] = kept
                    self._priced.move_to_end(security_id)
                    found[security_id] = kept
        missing = [security_id for security_id in wanted if security_id not in found]
        if missing:
            rows = cursor.execute(_SQL["prices"], {"security_ids": missing, **_NOW}).fetchall()
            loaded = {row[0]: self._priced_from(row, actions) for row in rows}
            found.update(loaded)
            with self._lock:
                self._keep(loaded)
        return found

    def _priced_from(self, row: TupleRow, actions: ActionTable) -> _Priced:
        security_id, version, written_by, days, prices, currencies = row
        quotes = price_quotes(days, prices, currencies, self._days) if days else NO_PRICES
        return _Priced(Stamp(version, written_by), quotes, actions.splits(security_id))

    def _keep(self, loaded: Mapping[str, _Priced]) -> None:
        """Keep what was loaded and let the least recently used go; the lock is held."""
        for security_id, priced in loaded.items():
            before = self._priced.pop(security_id, None)
            self._points += len(priced.quotes.days) - (len(before.quotes.days) if before else 0)
            self._priced[security_id] = priced
        while self._points > self._points_max and self._priced:
            _, gone = self._priced.popitem(last=False)
            self._points -= len(gone.quotes.days)


class HeldReference:
    """Rates, instruments and actions, as long as a transaction lets nobody change them.

    Whether what is kept is the latest is asked once.
    """

    def __init__(self, cache: MarketCache, cursor: Cursor[TupleRow]) -> None:
        """Ask when something is wanted."""
        self._cache = cache
        self._cursor = cursor
        self._known: Stamps | None = None

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        return self._cache.rates(self._cursor, self._stamps())

    def instruments(self, security_ids: Iterable[str]) -> dict[str, Instrument]:
        """Return the instruments that a fact has introduced; the others are left out."""
        return self._cache.instruments(self._cursor, security_ids, self._stamps())

    def actions(self) -> ActionTable:
        """Return every corporate action in force."""
        return self._cache.actions(self._cursor, self._stamps())

    def _stamps(self) -> Stamps:
        if self._known is None:
            self._known = _stamps(self._cursor, (_RATES, _INSTRUMENTS, _ACTIONS))
        return self._known


def price_quotes(
    days: Sequence[date],
    prices: Sequence[Decimal],
    currencies: Sequence[str],
    shared: dict[date, date],
) -> PriceQuotes:
    """Return the quotes of three parallel runs; one currency alone holds for every day.

    Args:
        days: The days, ascending.
        prices: The price of each day.
        currencies: The currency of each price, or the only one.
        shared: Days seen before; equal days become one object.
    """
    one_day = tuple(shared.setdefault(day, day) for day in days)
    if len(currencies) == 1:
        return PriceQuotes(one_day, tuple(prices), (currencies[0],) * len(one_day))
    names = {name: name for name in currencies}
    return PriceQuotes(one_day, tuple(prices), tuple(names[name] for name in currencies))


def _load_rates(
    cursor: Cursor[TupleRow], moment: Mapping[str, object]
) -> tuple[RateTable, Stamp | None]:
    """Return the rates of a moment and the stamp of now, which no rows at all cannot tell."""
    rows = cursor.execute(_SQL["rates"], moment).fetchall()
    table = RateTable({(row[0], row[1]): Quotes(tuple(row[2]), tuple(row[3])) for row in rows})
    return table, Stamp(rows[0][4] or 0, rows[0][5] or "") if rows else None


def price_of(security_id: str) -> str:
    """Return the subject that the prices of a security have in ``market_versions``."""
    return f"price:{security_id}"


def _stamps(cursor: Cursor[TupleRow], subjects: Iterable[str]) -> dict[str, Stamp]:
    rows = cursor.execute(_SQL["stamps"], {"subjects": list(subjects)}).fetchall()
    return {subject: Stamp(version, written_by) for subject, version, written_by in rows}
