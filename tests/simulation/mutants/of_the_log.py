# ruff: noqa: ANN401 - a wrong function stands in for any function
"""What could be wrong about offsets, fences and commits, and about who leads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.simulation.database import ProcessedRow
from tests.simulation.log_tables import LogTables
from tests.simulation.mutants.registry import mutant
from tests.simulation.session import Session
from tidebook.engine.commands import LogCommands
from tidebook.engine.runner import Runner
from tidebook.engine.runner.consuming import Consumption
from tidebook.errors import FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from tests.simulation.mutants.registry import Patch

_SOME_TIME: Final = datetime(2024, 6, 1, tzinfo=UTC)


def nothing(*_: object, **__: object) -> None:
    """Stand in for what is left out."""


# The log: offsets, fences, and what commits together.


@mutant
def no_fence() -> list[Patch]:
    """Offsets move, and work is done, for whoever comes, not for the owner alone."""

    def may_move(row: Any, batch: Any, _: int) -> bool:
        return row.next_offset == batch.first_offset

    return [
        (LogTables, "_may_move", staticmethod(may_move)),
        (LogTables, "hold_fence", nothing),
    ]


@mutant
def fence_not_raised() -> list[Patch]:
    """Whoever takes partitions over presents the fence of the owner before."""
    original = LogTables.take_partitions

    def take(self: LogTables, consumer: str, parts: Any) -> Any:
        known = {part: self._offsets.get((consumer, *part)) for part in parts}
        fences = original(self, consumer, parts)
        for part, row in known.items():
            if row is not None:
                fences[part] = row.fence
                now = self._offsets.get((consumer, *part))
                assert now is not None
                self._offsets.put((consumer, *part), now._replace(fence=row.fence))
        return fences

    return [(LogTables, "take_partitions", take)]


@mutant
def taken_without_lead() -> list[Patch]:
    """A leader that slept while another one took over takes the partitions back from it."""
    return [(Session, "must_lead", nothing)]


@mutant
def no_expected_offset() -> list[Patch]:
    """The owner's fence alone decides whether an offset moves, not where it stands."""

    def may_move(row: Any, _: Any, fence: int) -> bool:
        return row.fence == fence

    return [(LogTables, "_may_move", staticmethod(may_move))]


@mutant
def split_commit() -> list[Patch]:
    """Effects commit first and the offset after them."""
    original = LogTables.complete

    def complete(self: LogTables, *given: Any) -> None:
        self._session.make_visible()
        original(self, *given)

    return [(LogTables, "complete", complete)]


@mutant
def offset_before_data() -> list[Patch]:
    """The offset commits when a batch is read, before its effects."""
    original = LogTables.read

    def read(self: LogTables, consumer: str, parts: Any, limit: int) -> Any:
        batches = original(self, consumer, parts, limit)
        for batch in batches:
            key = (consumer, batch.topic, batch.part)
            row = self._offsets.locked(key)
            assert row is not None
            after = batch.first_offset + len(batch.records)
            self._offsets.put(key, row._replace(next_offset=after))
            audit = ProcessedRow(after - 1, row.fence, 0, _SOME_TIME)
            self._processed.put((*key, batch.first_offset), audit)
        self._session.make_visible()
        return batches

    return [(LogTables, "read", read), (LogTables, "complete", nothing)]


@mutant
def torn_batch() -> list[Patch]:
    """What a failed unit had written stays."""
    original = Session.rollback

    def rollback(self: Session) -> None:
        if self.transaction.wrote:
            self.make_visible()
        original(self)

    return [(Session, "rollback", rollback)]


@mutant
def log_overwritten() -> list[Patch]:
    """Appending does not lock the partition: two writers are given one offset."""

    def next_offset(self: LogTables, topic: str, part: int) -> int:
        end = self._partitions.get((topic, part)) or 0
        self._session.statement()
        return end

    original = LogTables.append

    def append(self: LogTables, *given: Any) -> Any:
        with patch.object(self._log, "insert", self._log.put):
            return original(self, *given)

    return [(LogTables, "_next_offset", next_offset), (LogTables, "append", append)]


@mutant
def acknowledged_before_commit() -> list[Patch]:
    """A request whose commit failed is acknowledged."""
    original = LogCommands._appended

    def appended(self: LogCommands, *given: Any) -> tuple[Any, ...]:
        try:
            return original(self, *given)
        except StoreUnavailableError:
            return ()

    return [(LogCommands, "_appended", appended)]


@mutant
def said_to_be_booked() -> list[Patch]:
    """Whoever waits for a booking is told that it is done before it is."""

    def has_reached(*_: object) -> bool:
        return True

    return [(LogCommands, "_has_reached", has_reached)]


@mutant
def unreadable_dropped() -> list[Patch]:
    """A record that cannot be read is passed over without a trace."""

    def set_apart(self: Consumption, single: Any, _: Exception, fence: int) -> None:
        with self._store.unit() as unit:
            unit.complete(self.consumer, single, fence, 0, self._clock.now())

    return [(Consumption, "_set_apart", set_apart)]


@mutant
def batch_set_apart() -> list[Patch]:
    """One record that cannot be read takes its whole batch with it."""

    def alone(self: Consumption, single: Any) -> None:
        fence = self._fences[self.consumer, (single.topic, single.part)]
        self._set_apart(single, ValueError("in bad company"), fence)

    return [(Consumption, "_alone", alone)]


@mutant
def leader_gives_up() -> list[Patch]:
    """A leader whose taking over is refused ends, and keeps the lead."""
    original = Runner._back_off

    def back_off(self: Runner, name: str, error: Exception, attempt: int) -> int:
        if name == "leader" and isinstance(error, FencedError):
            raise error
        return original(self, name, error, attempt)

    return [(Runner, "_back_off", back_off)]
