"""Deleting what is kept for long enough (see ``engine.keeping``), a part at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError

from tidebook.adapters.postgres.statements import statements
from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg_pool import ConnectionPool

    from tidebook.engine.keeping import Cut

_SQL: Final = statements("retention")
_AT_ONCE: Final = 10_000
_REPLACED: Final = {
    **dict.fromkeys(
        (
            *("transactions", "past_bookings", "entries", "portfolio_days", "market_prices"),
            *("fx_rates", "business_dates", "past_portfolios", "past_instruments"),
            *("corporate_actions", "benchmarks", "benchmark_levels", "past_series"),
        ),
        "superseded_at",
    ),
    "findings": "resolved_at",
}
"""Tables of what was replaced, and the column that says when."""


class PostgresKeeper:
    """Deletes from the tables of one database."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        """Take connections from a pool."""
        self._pool = pool

    def retire(self, cut: Cut) -> Mapping[str, int]:
        """Delete up to these instants; return how many rows of which table.

        Each part commits by itself, so that nobody waits for long and an interruption loses
        nothing. What may be asked as it was known moves first.

        Raises:
            StoreUnavailableError: When the database cannot be reached.
        """
        readers = _readers(is_shipped=cut.is_shipped)
        log = {
            "before": cut.log_before,
            "readers": [consumer for consumer, _ in readers],
            "topics": [topic for _, topic in readers],
        }
        deleted = {
            "event_log": self._repeated(_SQL["log"], log),
            "processed_events": self._repeated(_SQL["processed_events"], log),
        }
        if cut.known_before is not None:
            self._executed(_SQL["raise_horizon"], {"before": cut.known_before})
            for table, column in _REPLACED.items():
                statement = (
                    f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} "  # noqa: S608 - of the table above
                    f"WHERE {column} < %(before)s LIMIT %(limit)s))"
                )
                named = {"before": cut.known_before}
                deleted[table] = self._repeated(statement.encode(), named)
        return {table: count for table, count in deleted.items() if count}

    def _repeated(self, statement: bytes, named: Mapping[str, object]) -> int:
        total = 0
        while True:
            count = self._executed(statement, {**named, "limit": _AT_ONCE})
            total += count
            if count < _AT_ONCE:
                return total

    def _executed(self, statement: bytes, named: Mapping[str, datetime | object]) -> int:
        try:
            with self._pool.connection() as connection:
                return connection.execute(statement, named).rowcount
        except OperationalError as error:
            raise StoreUnavailableError(
                "the database did not answer while old rows were deleted",
                hint="check that it runs; what is left is deleted the next time",
            ) from error


def _readers(*, is_shipped: bool) -> list[tuple[str, str]]:
    """Return who must have read which topic before its records go."""
    found = [(BOOK, topics.RAW_TRANSACTIONS)]
    found += [(REFERENCE, topic) for topic in topics.REFERENCE_TOPICS]
    if is_shipped:
        found += [(SHIPPING, topic) for topic in topics.DURABLE_TOPICS]
    return found
