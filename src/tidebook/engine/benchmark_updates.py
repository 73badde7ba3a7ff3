"""Updates of the kept benchmarks: one at a time, in the background, each with its outcome."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from tidebook.engine.benchmarks import (
    LISTED,
    KeptEnd,
    KeptState,
    SymbolOutcome,
    Update,
    UpdateStatus,
)
from tidebook.engine.jobs import Job
from tidebook.errors import ProviderError, TidebookError, UnknownUpdateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from tidebook.engine.benchmarks import Benchmarks, KeptLevels
    from tidebook.engine.ports import Clock

GIVEN_UP_AFTER: Final = timedelta(minutes=15)
"""How long an update may run; one that is older was left by a process that ended."""
_SPARE_UPDATES: Final = 100
_REFRESH_EVERY: Final = timedelta(hours=4)


class BenchmarkUpdates:
    """Starts updates and tells how they ended."""

    def __init__(self, benchmarks: Benchmarks, clock: Clock, new_id: Callable[[], str]) -> None:
        """Keep what is updated."""
        self._benchmarks = benchmarks
        self._clock = clock
        self._new_id = new_id

    def start(self) -> tuple[Update, bool]:
        """Return the update that runs and whether it was started now.

        While one runs, in whatever process, asking again starts no second one.
        """
        mine, now = self._new_id(), self._clock.now()
        update = self._benchmarks.store.begin(mine, now, now - GIVEN_UP_AFTER)
        is_new = update.update_id == mine
        if is_new:
            Thread(target=self._run, args=(update,), name="benchmark-update", daemon=True).start()
        return update, is_new

    def run(self) -> Update:
        """Update now and return how it ended, or the update that runs already."""
        mine, now = self._new_id(), self._clock.now()
        update = self._benchmarks.store.begin(mine, now, now - GIVEN_UP_AFTER)
        return self._run(update) if update.update_id == mine else update

    def _run(self, update: Update) -> Update:
        outcomes = tuple(SymbolOutcome(symbol, None, "the update broke off") for symbol in LISTED)
        try:
            outcomes = self._benchmarks.refresh()
        except TidebookError as error:
            outcomes = tuple(SymbolOutcome(symbol, None, str(error)) for symbol in LISTED)
        finally:
            failed = all(one.error for one in outcomes)
            ended = update._replace(
                status=UpdateStatus.FAILED if failed else UpdateStatus.DONE,
                ended_at=self._clock.now(),
                outcomes=outcomes,
            )
            self._benchmarks.store.end(ended)
        return ended

    def of(self, update_id: str) -> Update:
        """Return one update.

        Raises:
            UnknownUpdateError: If nobody started it.
        """
        found = self._benchmarks.store.update(update_id)
        if found is None:
            raise UnknownUpdateError(update_id)
        return found

    def last(self) -> Update | None:
        """Return the update that was begun last, or None."""
        return self._benchmarks.store.update()


def benchmark_job(updates: BenchmarkUpdates, provider: str) -> Job:
    """Return the job that fetches every listed benchmark anew, every four hours."""

    def run() -> dict[str, int]:
        update = updates.run()
        refused = [f"{one.symbol}: {one.error}" for one in update.outcomes if one.error]
        if update.status is UpdateStatus.FAILED:
            raise ProviderError(provider, "; ".join(refused))
        return {"fetched": len(update.outcomes) - len(refused), "refused": len(refused)}

    return Job("benchmarks", "fetches the levels of benchmarks", _REFRESH_EVERY, run)


class MemoryBenchmarks:
    """Keeps benchmarks in this process alone (see ``engine.benchmarks.BenchmarkStore``)."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._lock = Lock()
        self._kept: dict[str, list[KeptLevels]] = {}
        self._updates: dict[str, Update] = {}

    def levels(self, symbol: str, known_at: datetime | None = None) -> KeptLevels | None:
        """Return what is kept of a benchmark, or was at an instant; None where nothing is."""
        known = [
            one
            for one in self._kept.get(symbol, ())
            if known_at is None or one.fetched_at <= known_at
        ]
        return known[-1] if known else None

    def replace(self, kept: KeptLevels) -> None:
        """Keep these levels from now on; what they replace stays known as of then."""
        with self._lock:
            before = self._kept.get(kept.symbol, [])
            older = [one for one in before if one.fetched_at < kept.fetched_at]
            self._kept[kept.symbol] = [*older, kept]

    def states(self) -> tuple[KeptState, ...]:
        """Return what is kept, by symbol, without the levels."""
        with self._lock:
            kept = [each[-1] for _, each in sorted(self._kept.items()) if each[-1].points]
        return tuple(
            KeptState(
                one.symbol,
                one.currency,
                one.basis,
                one.provider,
                one.fetched_at,
                one.points[0].on,
                one.points[-1].on,
                len(one.points),
            )
            for one in kept
        )

    def ends(self, symbols: Sequence[str]) -> tuple[KeptEnd, ...]:
        """Return where the kept levels of benchmarks end; what has none is left out."""
        return tuple(
            KeptEnd(one.symbol, one.fetched_at, one.last_on)
            for one in self.states()
            if one.symbol in symbols
        )

    def begin(self, update_id: str, at: datetime, stale_before: datetime) -> Update:
        """Return the update that runs, or a new one of this id that runs from now on."""
        with self._lock:
            for one in self._updates.values():
                if one.status is UpdateStatus.RUNNING:
                    if one.started_at >= stale_before:
                        return one
                    given_up = one._replace(status=UpdateStatus.FAILED, ended_at=at)
                    self._updates[one.update_id] = given_up
            while len(self._updates) >= _SPARE_UPDATES:
                del self._updates[next(iter(self._updates))]
            begun = Update(update_id, UpdateStatus.RUNNING, at, None, ())
            self._updates[update_id] = begun
            return begun

    def end(self, update: Update) -> None:
        """Keep how an update ended; one that was given up meanwhile stays given up."""
        with self._lock:
            known = self._updates.get(update.update_id)
            if known is not None and known.status is UpdateStatus.RUNNING:
                self._updates[update.update_id] = update

    def update(self, update_id: str | None = None) -> Update | None:
        """Return an update, or the last one that was begun; None where there is none."""
        with self._lock:
            if update_id is not None:
                return self._updates.get(update_id)
            return max(self._updates.values(), key=lambda one: one.started_at, default=None)
