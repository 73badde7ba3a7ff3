"""Shipping: what the log holds, sent to a bus in its order.

The shipping worker is a consumer of the log like any other. Its offset moves when the bus has
confirmed a batch; when it dies in between, the batch is sent again, and the sequence in each
message tells the consumers that they have it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine import topics
from tidebook.engine.batches import Done, Effect
from tidebook.engine.envelope import messages
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.bus import Part, Publisher
    from tidebook.engine.runner.consuming import Consumption, Process
    from tidebook.engine.runner.feeds import Through
    from tidebook.engine.store import Unit

_FEW: Final = 200


class Kind(NamedTuple):
    """Topics that are shipped together, and how long to rest after a few of their records."""

    name: str
    topics: Sequence[str]
    rest_seconds: float


KINDS: Final = (
    Kind("shipping", topics.INPUT_TOPICS, rest_seconds=0.01),
    Kind(
        "telling",
        tuple(topic for topic in topics.DURABLE_TOPICS if topic not in topics.INPUT_TOPICS),
        rest_seconds=0.5,
    ),
)
"""What is shipped: facts, which the book waits for, and apart from them what is told of them."""


def resting(consumption: Consumption, stopping: Event, kind: Kind) -> Callable[[], bool]:
    """Return a step that ships, and after a few records rests until there are more.

    To send five records costs the broker and everybody who reads from it as much as to send fifty.
    """

    def step() -> bool:
        is_busy = consumption.step()
        if is_busy and consumption.backlog < _FEW:
            stopping.wait(kind.rest_seconds)
        return is_busy

    return step


def shipping(through: Through, fences: Mapping[tuple[str, Part], int]) -> Process:
    """Return what sends batches of the log to a bus, and then moves the offsets.

    Topics that are missing are made at first use, so that a broker may come up later than this
    process.
    """
    bus, offsets = through
    made: list[tuple[Publisher, str]] = []

    def ship(unit: Unit, batches: Sequence[LogBatch], at: datetime) -> Effect:
        if not made:
            bus.prepare(topics.DURABLE_TOPICS)
            made.append((bus.publisher(), offsets.log_id()))
        publisher, source = made[0]
        try:
            publisher.publish([each for batch in batches for each in messages(batch, source)])
        except BusError:
            # Whatever is there when it answers again, topics or none, is looked at anew.
            made.clear()
            publisher.close()
            raise
        done = [Done(batch, fences[SHIPPING, (batch.topic, batch.part)]) for batch in batches]
        unit.complete_all(SHIPPING, done, at)
        return Effect()

    return ship
