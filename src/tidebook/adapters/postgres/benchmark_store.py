"""Levels of benchmarks in PostgreSQL, and what is known of the updates that fetched them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from psycopg import OperationalError

from tidebook.adapters.postgres.rows import utc
from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.benchmarks import (
    KeptEnd,
    KeptLevels,
    KeptState,
    ReturnBasis,
    SymbolOutcome,
    Update,
    UpdateStatus,
)
from tidebook.errors import StoreUnavailableError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.snapshots import Pool

_SQL: Final = statements("benchmarks")
_REPLACING: Final = (
    *("hold", "withdraw", "close", "keep"),
    *("withdraw_levels", "close_levels", "keep_levels"),
)


class PostgresBenchmarks:
    """Keeps benchmarks (see ``engine.benchmarks.BenchmarkStore``)."""

    def __init__(self, pool: Pool) -> None:
        """Keep the pool that connections are borrowed from."""
        self._pool = pool

    def levels(self, symbol: str, known_at: datetime | None = None) -> KeptLevels | None:
        """Return what is kept of a benchmark, or was at an instant; None where nothing is."""
        named = {"symbol": symbol, "known_at": known_at}
        when = "" if known_at is None else "_known"
        with snapshot(self._pool) as cursor:
            row = cursor.execute(_SQL[f"benchmark{when}"], named).fetchone()
            if row is None:
                return None
            points = cursor.execute(_SQL[f"levels{when}"], named).fetchall()
        name, currency, basis, provider, asked_from, fetched_at = row
        return KeptLevels(
            name,
            currency,
            ReturnBasis(basis),
            provider,
            asked_from,
            utc(fetched_at),
            tuple(DatedValue(*point) for point in points),
        )

    def replace(self, kept: KeptLevels) -> None:
        """Keep these levels from now on, in one step; what they replace is closed."""
        named = {
            "symbol": kept.symbol,
            "currency": kept.currency,
            "basis": kept.basis.value,
            "provider": kept.provider,
            "asked_from": kept.asked_from,
            "fetched_at": kept.fetched_at,
            "days": [point.on for point in kept.points],
            "levels": [point.value for point in kept.points],
        }
        with self._writing() as cursor:
            for step in _REPLACING:
                cursor.execute(_SQL[step], named)

    def states(self) -> tuple[KeptState, ...]:
        """Return what is kept, by symbol, without the levels."""
        with snapshot(self._pool) as cursor:
            rows = cursor.execute(_SQL["states"]).fetchall()
        return tuple(
            KeptState(row[0], row[1], ReturnBasis(row[2]), row[3], utc(row[4]), *row[5:])
            for row in rows
        )

    def ends(self, symbols: Sequence[str]) -> tuple[KeptEnd, ...]:
        """Return where the kept levels of benchmarks end; what has none is left out."""
        with snapshot(self._pool) as cursor:
            rows = cursor.execute(_SQL["ends"], {"symbols": list(symbols)}).fetchall()
        return tuple(KeptEnd(symbol, utc(at), last_on) for symbol, at, last_on in rows)

    def begin(self, update_id: str, at: datetime, stale_before: datetime) -> Update:
        """Return the update that runs, or a new one of this id that runs from now on."""
        with self._writing() as cursor:
            cursor.execute(_SQL["hold_updates"])
            cursor.execute(_SQL["give_up"], {"at": at, "stale_before": stale_before})
            running = cursor.execute(_SQL["running"]).fetchone()
            if running is not None:
                return _update(running)
            cursor.execute(_SQL["begin"], {"update_id": update_id, "at": at})
            return Update(update_id, UpdateStatus.RUNNING, at, None, ())

    def end(self, update: Update) -> None:
        """Keep how an update ended; one that was given up meanwhile stays given up."""
        outcomes = [
            [one.symbol, one.last_on.isoformat() if one.last_on else None, one.error]
            for one in update.outcomes
        ]
        with self._writing() as cursor:
            cursor.execute(
                _SQL["end"],
                {
                    "update_id": update.update_id,
                    "status": update.status.value,
                    "ended_at": update.ended_at,
                    "outcomes": json.dumps(outcomes),
                },
            )

    def update(self, update_id: str | None = None) -> Update | None:
        """Return an update, or the last one that was begun; None where there is none."""
        with snapshot(self._pool) as cursor:
            if update_id is None:
                row = cursor.execute(_SQL["last_update"]).fetchone()
            else:
                row = cursor.execute(_SQL["update"], {"update_id": update_id}).fetchone()
        return None if row is None else _update(row)

    @contextmanager
    def _writing(self) -> Generator[Cursor[TupleRow]]:
        try:
            with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor() as cursor,
            ):
                yield cursor
        except OperationalError as error:
            raise StoreUnavailableError(
                "the database does not answer",
                hint="check that it is running and reachable, then ask again; nothing was changed",
            ) from error


def _update(row: TupleRow) -> Update:
    update_id, status, started_at, ended_at, outcomes = row
    told = cast("list[list[Any]]", outcomes)
    return Update(
        update_id,
        UpdateStatus(status),
        utc(started_at),
        None if ended_at is None else utc(ended_at),
        tuple(
            SymbolOutcome(symbol, date.fromisoformat(last) if last else None, error)
            for symbol, last, error in told
        ),
    )
