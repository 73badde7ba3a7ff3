"""The bus on the event log in the store (see ``engine.bus``), for where there is no broker.

Records are appended in one transaction. A member of a group holds a lock of its session on each
partition that it reads, so what it holds is free when it ends, however it ends. Where the owner
keeps no place, the one that was settled last is kept with the other consumers' offsets.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, cast

from psycopg import OperationalError, connect

from tidebook.adapters.postgres import log
from tidebook.adapters.postgres.attentive import attentive, watch
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.bus import Arrival
from tidebook.engine.envelope import CORRELATION_ID, messages
from tidebook.engine.topics import PARTITIONS
from tidebook.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from psycopg import Connection

    from tidebook.engine.bus import Outgoing, Owner, Part
    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record

_SQL: Final = statements("log_bus")
_LOOK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.02
_FOLLOW_SECONDS: Final = 0.1
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LogBus:
    """The log of one database.

    Args:
        conninfo: Which database.
        clock: Tells when a message was appended.
    """

    def __init__(self, conninfo: str, clock: Clock) -> None:
        """Keep the address; nothing is connected before it is needed."""
        self._conninfo = conninfo
        self._clock = clock

    def ready(self) -> None:
        """Return when the database answers.

        Raises:
            BusUnavailableError: When it does not.
        """
        _connected(self._conninfo).close()

    def prepare(self, topics: Collection[str]) -> None:
        """Make sure that the database answers; partitions come with their first record."""
        del topics
        self.ready()

    def publisher(self) -> LogPublisher:
        """Return a way to send messages."""
        return LogPublisher(self._conninfo, self._clock)

    def follow(self, topics: Mapping[str, datetime | None]) -> LogFollower:
        """Return what reads topics from an instant on, or from the first record that is kept."""
        return LogFollower(self._conninfo, topics)

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> LogSubscription:
        """Join a group of consumers of some topics."""
        return LogSubscription(self._conninfo, group, topics, owner)


class LogPublisher:
    """Appends to the log (see ``engine.bus.Publisher``)."""

    def __init__(self, conninfo: str, clock: Clock) -> None:
        """Connect when something is sent."""
        self._conninfo = conninfo
        self._clock = clock
        self._connection: Connection[Any] | None = None

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when every record is durable; all of them are, or none.

        Raises:
            BusUnavailableError: When the database did not say so.
        """
        if self._connection is None or self._connection.closed:
            self._connection = _connected(self._conninfo)
        at = self._clock.now()
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                # Locked at once, so that no two publishers wait for each other in the middle.
                log.hold(cursor, sorted({(each.topic, each.part) for each in messages}))
                by_topic = sorted(messages, key=_topic)
                for (topic, request), run in groupby(by_topic, _topic_and_request):
                    keyed = [(each.key, cast("Record", json.loads(each.value))) for each in run]
                    log.append(cursor, topic, keyed, request, at)
        except OperationalError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            self._connection.close()


def _topic(message: Outgoing) -> str:
    return message.topic


def _topic_and_request(message: Outgoing) -> tuple[str, str]:
    return message.topic, message.headers.get(CORRELATION_ID, "")


class LogFollower:
    """Reads partitions whole (see ``engine.bus.Follower``)."""

    def __init__(self, conninfo: str, topics: Mapping[str, datetime | None]) -> None:
        """Connect at the first :meth:`receive`."""
        self._conninfo = conninfo
        self._topics = topics
        self._places: dict[Part, int] = {}
        self._connection: Connection[Any] | None = None

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the database does not answer.
        """
        end = time.monotonic() + timeout_seconds
        try:
            if self._connection is None:
                self._connection = _connected(self._conninfo)
            if not self._places:
                self._places = self._beginnings(self._connection)
            while True:
                arrivals = _unread(self._connection, self._places, limit)
                if arrivals or time.monotonic() >= end:
                    return arrivals
                time.sleep(_FOLLOW_SECONDS)
        except OperationalError as error:
            self.close()
            raise _unavailable(error) from error

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _beginnings(self, connection: Connection[Any]) -> dict[Part, int]:
        named = {
            "topics": list(self._topics),
            "since": [since or _EVER for since in self._topics.values()],
            "partitions": PARTITIONS,
        }
        rows = connection.execute(_SQL["beginnings"], named).fetchall()
        return {(row[0], row[1]): row[2] for row in rows}


class LogSubscription:
    """A member of a group (see ``engine.bus.Subscription``)."""

    def __init__(self, conninfo: str, group: str, topics: Sequence[str], owner: Owner) -> None:
        """Join at the first :meth:`receive`."""
        self._conninfo = conninfo
        self._group = group
        self._owner = owner
        self._parts = [(topic, part) for topic in topics for part in range(PARTITIONS)]
        self._places: dict[Part, int] = {}
        self._connection: Connection[Any] | None = None
        self._looked_at = float("-inf")

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the database does not answer.
        """
        end = time.monotonic() + timeout_seconds
        try:
            connection = self._session()
            if time.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._take(connection)
            while True:
                arrivals = self._read(connection, limit)
                if arrivals or time.monotonic() >= end:
                    return arrivals
                time.sleep(_POLL_SECONDS)
        except OperationalError as error:
            self._lose()
            raise _unavailable(error) from error

    def seek(self, places: Mapping[Part, int]) -> None:
        """Go on reading partitions from these places."""
        self._places.update({part: at for part, at in places.items() if part in self._places})

    def settle(self, places: Mapping[Part, int]) -> None:
        """Keep how far the group has come."""
        named = {
            "consumer": self._group,
            "topics": [topic for topic, _ in places],
            "parts": [part for _, part in places],
            "places": list(places.values()),
        }
        try:
            self._session().execute(_SQL["settle"], named)
        except OperationalError as error:
            self._lose()
            raise _unavailable(error) from error

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Return the place behind the last message of each partition.

        Raises:
            BusUnavailableError: When the database does not answer.
        """
        named = {"topics": [topic for topic, _ in parts], "parts": [part for _, part in parts]}
        try:
            rows = self._session().execute(_SQL["ends"], named).fetchall()
        except OperationalError as error:
            self._lose()
            raise _unavailable(error) from error
        return {(row[0], row[1]): row[2] for row in rows}

    def close(self) -> None:
        """Leave the group."""
        self._lose()

    def _session(self) -> Connection[Any]:
        if self._connection is None:
            self._connection = _connected(self._conninfo)
        return self._connection

    def _lose(self) -> None:
        """Give everything up: the locks end with the session."""
        if self._places:
            self._owner.revoked(list(self._places))
        self._places.clear()
        self._looked_at = float("-inf")
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self, connection: Connection[Any]) -> None:
        """Lock the partitions that nobody reads."""
        self._looked_at = time.monotonic()
        free = [part for part in self._parts if part not in self._places]
        named = {
            "consumer": self._group,
            "topics": [topic for topic, _ in free],
            "parts": [part for _, part in free],
        }
        rows = connection.execute(_SQL["take"], named).fetchall()
        if rows:
            settled = {(row[0], row[1]): row[2] for row in rows}
            self._places.update(settled)
            self._places.update(self._owner.assigned(list(settled)))

    def _read(self, connection: Connection[Any], limit: int) -> list[Arrival]:
        return _unread(connection, self._places, limit)


def _unread(connection: Connection[Any], places: dict[Part, int], limit: int) -> list[Arrival]:
    """Return what lies from these places on, and move them."""
    named = {
        "topics": [topic for topic, _ in places],
        "parts": [part for _, part in places],
        "places": list(places.values()),
        "limit": limit,
    }
    rows = connection.execute(_SQL["unread"], named).fetchall()
    arrivals: list[Arrival] = []
    for batch in log.batches_of(rows, limit):
        for offset, message in enumerate(messages(batch), batch.first_offset):
            if len(arrivals) == limit:
                return arrivals
            arrivals.append(Arrival(*message[:2], offset, *message[2:]))
            places[message.topic, message.part] = offset + 1
    return arrivals


def _connected(conninfo: str) -> Connection[Any]:
    try:
        connection = connect(attentive(conninfo), autocommit=True)
        watch(connection)
    except OperationalError as error:
        raise _unavailable(error) from error
    return connection


def _unavailable(error: Exception) -> BusUnavailableError:
    return BusUnavailableError((str(error).splitlines() or [type(error).__name__])[0])
