"""The bus: keyed messages between processes, whatever carries them.

A bus delivers at least once, and keeps the order of a key. That nothing takes effect twice is not
its work: a consumer keeps the place that it has reached in the same transaction as its output, and
tells the bus on assignment where to begin. Three adapters carry messages: the event log in the
store, Apache Kafka, and Redis Streams; one suite of contracts holds them alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

Part = tuple[str, int]
"""A topic and the number of a partition."""


class Outgoing(NamedTuple):
    """A message to be sent to a partition."""

    topic: str
    part: int
    key: str
    value: bytes
    headers: Mapping[str, str]


class Arrival(NamedTuple):
    """A message as it was received, and its place in the partition."""

    topic: str
    part: int
    place: int
    key: str
    value: bytes
    headers: Mapping[str, str]


class Publisher(Protocol):
    """Sends messages."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is durable with the bus, those of a partition in order.

        Raises:
            BusUnavailableError: When that was not confirmed in time. Some may have been taken;
                all of them may be sent again.
        """
        ...

    def close(self) -> None:
        """Give up the connection."""
        ...


class Owner(Protocol):
    """Who reads partitions, and knows where in them to begin."""

    def assigned(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Take partitions over; return the place to read each from.

        One that is left out is read from where the group has settled.
        """
        ...

    def revoked(self, parts: Collection[Part]) -> None:
        """Forget partitions, which another one may own by now."""
        ...


class Subscription(Protocol):
    """A member of a group of consumers, which share the partitions of some topics."""

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, at most ``limit``, or nothing when the time has run out.

        The owner is told of partitions that come and go inside this call alone.

        Raises:
            BusUnavailableError: When the bus does not answer.
        """
        ...

    def seek(self, places: Mapping[Part, int]) -> None:
        """Go on reading partitions that are owned from these places."""
        ...

    def settle(self, places: Mapping[Part, int]) -> None:
        """Tell the bus up to where partitions are done with."""
        ...

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Return the place behind the last message of each partition.

        Raises:
            BusUnavailableError: When the bus does not answer.
        """
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Follower(Protocol):
    """Reads topics whole, beside all others who do: it settles nothing and shares with nobody."""

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, at most about ``limit``, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the bus does not answer. Nothing is passed over: the next
                call goes on from the same places.
        """
        ...

    def close(self) -> None:
        """Give up the connection."""
        ...


class LiveBus(Protocol):
    """A way to send live events, and to follow them."""

    def ready(self) -> None:
        """Return when the bus answers; raise ``BusUnavailableError`` when it does not."""
        ...

    def publisher(self) -> Publisher:
        """Return a way to send messages."""
        ...

    def follow(self, topics: Mapping[str, datetime | None]) -> Follower:
        """Return what reads topics from an instant on, or from the first message that is kept."""
        ...


class Bus(Protocol):
    """A way to send and receive messages."""

    def prepare(self, topics: Collection[str]) -> None:
        """Make the topics that are missing.

        Raises:
            BusUnavailableError: When the bus does not answer.
            TopicShapeError: When a topic is there with another number of partitions.
        """
        ...

    def ready(self) -> None:
        """Return when the bus answers; raise ``BusUnavailableError`` when it does not."""
        ...

    def publisher(self) -> Publisher:
        """Return a way to send messages."""
        ...

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> Subscription:
        """Join a group of consumers of some topics."""
        ...
