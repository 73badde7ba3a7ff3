"""What the engine and the doors tell of their work, and what may be asked of the backlog.

Both are ports. Who counts is an adapter, handed in by the composition root; the engine knows no
names of metrics and keeps no figure of its own. Whatever is given as a label is one of few:
a consumer, a worker, a topic, the template of a route; never an id of anybody's data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Telemetry(Protocol):
    """Takes note of work that was done."""

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Take note of a batch that a consumer committed."""
        ...

    def duplicates(self, consumer: str, count: int) -> None:
        """Take note of facts that were known already and so had no effect."""
        ...

    def fenced(self, worker: str) -> None:
        """Take note of a batch that was rolled back because another worker was first."""
        ...

    def failed(self, worker: str) -> None:
        """Take note of a step that failed and is tried again."""
        ...

    def set_apart(self, topic: str) -> None:
        """Take note of a record that was put with the dead letters of its topic."""
        ...

    def keys_restated(self, count: int) -> None:
        """Take note of keys whose history was folded again and came out different."""
        ...

    def series_restated(self, days: int) -> None:
        """Take note of a daily series of which this many days were replaced."""
        ...

    def transaction(self, *, waited_seconds: float, held_seconds: float) -> None:
        """Take note of a database transaction: the wait for a connection, and its own time."""
        ...


class Untold:
    """Takes note of nothing: for a process that nobody watches."""

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Do nothing."""

    def duplicates(self, consumer: str, count: int) -> None:
        """Do nothing."""

    def fenced(self, worker: str) -> None:
        """Do nothing."""

    def failed(self, worker: str) -> None:
        """Do nothing."""

    def set_apart(self, topic: str) -> None:
        """Do nothing."""

    def keys_restated(self, count: int) -> None:
        """Do nothing."""

    def series_restated(self, days: int) -> None:
        """Do nothing."""

    def transaction(self, *, waited_seconds: float, held_seconds: float) -> None:
        """Do nothing."""


class Lag(NamedTuple):
    """How far a consumer is behind in a topic."""

    consumer: str
    topic: str
    records: int
    oldest_seconds: float
    """How long the oldest record that it has not processed has been in the log; 0 without any."""


class Arrears(NamedTuple):
    """How far the whole system is behind, as the store has it, the same for every process.

    Attributes:
        lags: Of every consumer and topic.
        unfolded_keys: Keys that wait to be folded again.
        unfolded_seconds: For how long the oldest of them has waited; 0 without any.
        unvalued_portfolios: Portfolios whose daily series is not right up to its end.
        watermark_days: Days from the earliest day that is not right to today; 0 without any.
        dead_letters: Records per topic that were set apart and not sent again.
        taken_seconds: Per topic of reference data, how long ago facts of it were last taken; a
            topic that never had any is left out.
        benchmark_days: Days from the last level of the benchmark that is furthest behind to
            today; None without any benchmark.
    """

    lags: Sequence[Lag]
    unfolded_keys: int
    unfolded_seconds: float
    unvalued_portfolios: int
    watermark_days: int
    dead_letters: Mapping[str, int]
    taken_seconds: Mapping[str, float]
    benchmark_days: int | None


class ArrearsReader(Protocol):
    """Tells how far the system is behind."""

    def arrears(self) -> Arrears:
        """Return it as it is now, or was a few seconds ago.

        Raises:
            StoreUnavailableError: When the store cannot be asked.
        """
        ...


def unread(reader: ArrearsReader) -> dict[str, int]:
    """Return how many records each consumer has yet to process.

    Raises:
        StoreUnavailableError: When the store cannot be asked.
    """
    found: dict[str, int] = {}
    for lag in reader.arrears().lags:
        found[lag.consumer] = found.get(lag.consumer, 0) + lag.records
    return found
