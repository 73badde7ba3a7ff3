"""How far the system is behind, asked of the database in one snapshot."""

from __future__ import annotations

import time
from datetime import UTC
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.adapters.postgres.statements import statements
from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.engine.telemetry import Arrears, Lag

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.snapshots import Pool
    from tidebook.engine.ports import Clock

_SQL: Final = statements("arrears")
_PATIENCE_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 2.0
_TAKEN: Final = (topics.RAW_MARKET_PRICES, topics.RAW_FX_RATES, topics.RAW_BUSINESS_DATES)


class PostgresArrears:
    """Tells how far the system is behind.

    An answer is kept for two seconds: whoever asks often, and however many ask, the database is
    asked once in that time.

    Args:
        pool: Where connections come from; a wait for one ends after two seconds.
        clock: What time it is.
        is_shipped: Whether the log is shipped to a broker; without, nobody waits for the shipping.
        monotonic: Tells how old an answer is.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        *,
        is_shipped: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet."""
        self._pool = pool
        self._clock = clock
        self._consumers = [BOOK, REFERENCE, *([SHIPPING] if is_shipped else [])]
        self._monotonic = monotonic
        self._lock = Lock()
        self._asked_at = float("-inf")
        self._found: Arrears | None = None

    def arrears(self) -> Arrears:
        """Return how far the system is behind, at most two seconds ago.

        Raises:
            StoreUnavailableError: When the database cannot be asked.
        """
        with self._lock:
            now = self._monotonic()
            if self._found is None or now - self._asked_at >= _KEPT_SECONDS:
                self._found = None
                self._found = self._ask()
                self._asked_at = now
            return self._found

    def _ask(self) -> Arrears:
        with snapshot(self._pool, timeout_seconds=_PATIENCE_SECONDS) as cursor:
            return _arrears(cursor, self._consumers, self._clock.now())


def _arrears(cursor: Cursor[tuple[Any, ...]], consumers: list[str], now: datetime) -> Arrears:
    today = now.astimezone(UTC).date()
    lags = [
        Lag(consumer, topic, records, _seconds(oldest, now))
        for consumer, topic, records, oldest in cursor.execute(
            _SQL["lags"], {"consumers": consumers}
        )
    ]
    unfolded, unfolded_since = cursor.execute(_SQL["unfolded"]).fetchall()[0]
    unvalued, unvalued_from = cursor.execute(_SQL["unvalued"]).fetchall()[0]
    letters = dict(cursor.execute(_SQL["dead_letters"]).fetchall())
    taken = cursor.execute(_SQL["taken"], {"consumer": REFERENCE, "topics": list(_TAKEN)})
    taken_seconds = {topic: _seconds(at, now) for topic, at in taken.fetchall()}
    levels: date | None = cursor.execute(_SQL["benchmarks"]).fetchall()[0][0]
    return Arrears(
        lags=lags,
        unfolded_keys=unfolded,
        unfolded_seconds=_seconds(unfolded_since, now),
        unvalued_portfolios=unvalued,
        watermark_days=0 if unvalued_from is None else max(0, (today - unvalued_from).days),
        dead_letters=letters,
        taken_seconds=taken_seconds,
        benchmark_days=None if levels is None else max(0, (today - levels).days),
    )


def _seconds(since: datetime | None, now: datetime) -> float:
    """Return the seconds since an instant; none below zero where clocks differ, 0 of none."""
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
