# ruff: noqa: ANN401 - a wrong function stands in for any function
"""What could be wrong between the log and who reads it through a bus.

Each of these runs with a bus between the processes. Some guards stand behind another, which hides
that they are gone as far as the book is concerned: what shows it then is that the log is shipped
again where the bus has lost nothing.

Two guards have no mutant, since the ones behind them mend at once what they let through, without a
trace: that reading begins where the store says and not where the group has settled, and that who is
fenced off asks for what is at hand before it is dropped. Each has a test of its own in
``tests/unit/engine/test_bus_feed.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.bus import SimulatedSubscription
from tests.simulation.log_tables import LogTables
from tests.simulation.mutants.registry import mutant_of_the_bus
from tidebook.engine import envelope
from tidebook.engine.batches import LogBatch, Owned, Passage
from tidebook.engine.runner import feeds, shipping, workers
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.runner.feeds import SHIPPING, BusFeed, Through
from tidebook.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.mutants.registry import Patch


def nothing(*_: object, **__: object) -> None:
    """Stand in for what is left out."""


# The dispatcher.


@mutant_of_the_bus
def offset_before_publishing() -> list[Patch]:
    """The dispatcher's offset commits before the bus has the messages."""
    original = shipping.shipping

    def made(*given: Any) -> Any:
        ship = original(*given)

        def wrong(unit: Any, batches: Any, at: Any) -> Any:
            fences = given[1]
            for batch in batches:
                unit.complete(SHIPPING, batch, fences[SHIPPING, (batch.topic, batch.part)], 0, at)
            unit.session.make_visible()
            done = unit.complete_all
            unit.complete_all = nothing
            try:
                return ship(unit, batches, at)
            finally:
                unit.complete_all = done

        return wrong

    return [(workers, "shipping", made)]


@mutant_of_the_bus
def unconfirmed_taken_for_sent() -> list[Patch]:
    """The dispatcher goes on when the bus has not confirmed."""
    original = shipping.shipping

    def made(through: Any, fences: Any) -> Any:
        bus, offsets = through

        class Careless:
            def publish(self, messages: Any) -> None:
                try:
                    self.publisher.publish(messages)
                except BusError:
                    return

            def __init__(self) -> None:
                self.publisher = bus.publisher()

            close = nothing

        class Bus:
            prepare = nothing
            publisher = Careless

        careless: Any = Bus()
        return original(Through(careless, offsets), fences)

    return [(workers, "shipping", made)]


@mutant_of_the_bus
def shipped_out_of_order() -> list[Patch]:
    """The messages of a batch are sent in any order."""
    original = envelope.messages

    def messages(batch: Any, source: str = "") -> Iterator[Any]:
        return reversed(list(original(batch, source)))

    return [(shipping, "messages", messages)]


@mutant_of_the_bus
def shipped_without_sequence() -> list[Patch]:
    """Messages do not say which record of the log they are."""
    original = envelope.messages

    def messages(batch: Any, source: str = "") -> Iterator[Any]:
        for each in original(batch, source):
            said = {k: v for k, v in each.headers.items() if k != envelope.SEQUENCE}
            yield each._replace(headers=said)

    return [(shipping, "messages", messages)]


# Who reads from the bus.


@mutant_of_the_bus
def repeat_taken() -> list[Patch]:
    """A consumer does not look at the sequence of what it is sent."""
    original = envelope.received

    def received(arrival: Any) -> Any:
        return original(arrival)._replace(sequence=None)

    return [(feeds, "received", received)]


@mutant_of_the_bus
def another_log_taken() -> list[Patch]:
    """A consumer takes what was shipped from the log of another database."""
    original = envelope.received

    def received(arrival: Any) -> Any:
        found = original(arrival)
        return found._replace(source="ours" if found.source == "theirs" else found.source)

    return [(feeds, "received", received)]


@mutant_of_the_bus
def gap_passed_over() -> list[Patch]:
    """A consumer goes on behind a gap as if nothing were missing."""

    def batch(self: Any, _: Any, part: Any, arrivals: Any) -> Any:
        state = self._owned[part]
        expected = state.sequence
        taken: list[tuple[Any, str, tuple[int, int]]] = []
        for arrival in arrivals:
            said = envelope.received(arrival)
            sequence = said.sequence or 0
            if said.source == self._source and sequence >= expected:
                expected = sequence + 1
                taken.append((said.record, said.correlation_id, (arrival.place + 1, expected)))
        passage = Passage(state.place, arrivals[-1].place + 1, tuple(each[2] for each in taken))
        records, requests = tuple(each[0] for each in taken), tuple(each[1] for each in taken)
        return LogBatch(part[0], part[1], state.sequence, records, requests, passage)

    return [(BusFeed, "_batch", batch)]


@mutant_of_the_bus
def losses_not_missed() -> list[Patch]:
    """Nobody notices that what was shipped does not arrive."""
    return [(BusFeed, "_look_for_losses", nothing)]


@mutant_of_the_bus
def shipped_again_though_there() -> list[Patch]:
    """What does not arrive is taken for lost, wherever it is."""

    def ends(_: Any, parts: Any) -> dict[Any, int]:
        return dict.fromkeys(parts, 0)

    return [(SimulatedSubscription, "ends", ends)]


@mutant_of_the_bus
def assignment_without_place() -> list[Patch]:
    """Who is refused when taking partitions over leaves it at that, and never reads them."""

    def assigned(self: Any, parts: Any) -> Any:
        found = self._offsets.own(self.consumer, parts)
        self._keep(found)
        self._quiet_since = None
        return {part: state.place for part, state in found.items()}

    return [(BusFeed, "assigned", assigned)]


# Fences and offsets of who shares partitions.


@mutant_of_the_bus
def fence_kept_on_assignment() -> list[Patch]:
    """Who is assigned a partition presents the fence of the owner before."""
    original = LogTables.own

    def own(self: Any, consumer: str, parts: Any) -> Any:
        found = original(self, consumer, parts)
        for part, state in found.items():
            key = (consumer, *part)
            row = self._offsets.get(key)
            assert row is not None
            self._offsets.put(key, row._replace(fence=max(1, row.fence - 1)))
            found[part] = Owned(max(1, state.fence - 1), *state[1:])
        return found

    return [(LogTables, "own", own)]


@mutant_of_the_bus
def fence_not_presented() -> list[Patch]:
    """Where a partition was read to decides whether an offset moves, whoever owns it."""

    def may_move(row: Any, batch: Any, _: int) -> bool:
        is_there = batch.passage is None or row.place == batch.passage.first
        return row.next_offset == batch.first_offset and is_there

    return [(LogTables, "_may_move", staticmethod(may_move))]


@mutant_of_the_bus
def place_not_compared() -> list[Patch]:
    """The owner's fence alone decides whether an offset moves, not how far it has read."""

    def may_move(row: Any, _: Any, fence: int) -> bool:
        return row.fence == fence

    return [(LogTables, "_may_move", staticmethod(may_move))]


# What cannot be processed.


@mutant_of_the_bus
def letter_apart_from_its_offset() -> list[Patch]:
    """A dead letter commits first, and the offset behind it after that."""
    original = Consumption._set_apart

    def set_apart(self: Any, single: Any, error: Exception, fence: int) -> None:
        unit_of = self._store.unit

        class Store:
            def unit(self) -> Any:
                return _Split(unit_of())

        self._store = Store()
        try:
            original(self, single, error, fence)
        finally:
            self._store = unit_of.__self__

    return [(Consumption, "_set_apart", set_apart)]


class _Split:
    """A unit that shows what was appended before it moves an offset."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __enter__(self) -> Any:
        unit = self._manager.__enter__()
        complete = unit.complete

        def visible_first(*given: Any) -> None:
            unit.session.make_visible()
            complete(*given)

        unit.complete = visible_first
        return unit

    def __exit__(self, *given: object) -> Any:
        return self._manager.__exit__(*given)


@mutant_of_the_bus
def taken_apart_for_ever() -> list[Patch]:
    """Who was interrupted while taking a batch apart begins again with what is done already."""
    return [(Consumption, "_alone_if_mine", Consumption._alone)]


@mutant_of_the_bus
def single_passes_its_batch() -> list[Patch]:
    """The first record of a batch that is taken apart passes all the others."""
    original = LogBatch.singles

    def singles(self: Any) -> Iterator[Any]:
        first = next(iter(original(self)))
        passage = first.passage
        if passage is None or self.passage is None:
            yield from original(self)
            return
        marks = ((self.passage.after, self.next_offset),)
        yield first._replace(passage=passage._replace(after=self.passage.after, marks=marks))

    return [(LogBatch, "singles", singles)]
