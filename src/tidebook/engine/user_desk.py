"""What the edges serve users with: trades in, comparisons out, benchmarks kept up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.engine.benchmark_updates import BenchmarkUpdates, MemoryBenchmarks
from tidebook.engine.benchmarks import Benchmarks, NoProvider
from tidebook.engine.user_trades import UserTrades
from tidebook.engine.users import UserPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.engine.ports import Clock, Commands, Reader


class UserDesk(NamedTuple):
    """Users' trades, and the benchmarks that users are compared with."""

    trades: UserTrades
    benchmarks: Benchmarks
    updates: BenchmarkUpdates


def user_desk(  # noqa: PLR0913 - a composition has this many parts
    commands: Commands,
    reader: Reader,
    clock: Clock,
    new_id: Callable[[], str],
    *,
    benchmarks: Benchmarks | None = None,
    policy: UserPolicy | None = None,
) -> UserDesk:
    """Return a desk; without benchmarks it knows those alone that are instruments of the book."""
    kept = benchmarks or Benchmarks(MemoryBenchmarks(), NoProvider(), reader, clock)
    return UserDesk(
        UserTrades(commands, reader, policy or UserPolicy(), new_id),
        kept,
        BenchmarkUpdates(kept, clock, new_id),
    )
