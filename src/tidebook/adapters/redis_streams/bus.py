"""The bus on Redis Streams (see ``engine.bus``): one stream per topic and partition.

A stream keeps its last messages only. The members of a group hold a lease on each partition that
they read, so that the order of a key is kept; a lease that is not renewed is free for the others,
who first claim what was delivered to its holder and never settled.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Final, cast

import redis
from redis.exceptions import RedisError, ResponseError

from tidebook.engine.bus import Arrival
from tidebook.engine.topics import PARTITIONS
from tidebook.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.bus import Outgoing, Owner, Part

_LENGTH_MAX: Final = 100_000
"""About how many messages a stream keeps."""
_LEASE_SECONDS: Final = 6.0
_SEQUENCE_BITS: Final = 20
_TIMEOUT_SECONDS: Final = 5.0
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""


class RedisBus:
    """Streams of one Redis server.

    Args:
        url: Where it is, ``redis://host:port/number``.
    """

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is connected before it is needed."""
        # Its stubs leave the types of answers open.
        self._client: Any = cast("Any", redis.Redis).from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
        )

    def ready(self) -> None:
        """Return when the server answers.

        Raises:
            BusUnavailableError: When it does not.
        """
        try:
            self._client.ping()
        except RedisError as error:
            raise _unavailable(error) from error

    def prepare(self, topics: Collection[str]) -> None:
        """Make sure that the server answers; streams come into being with their first message."""
        del topics
        self.ready()

    def publisher(self) -> RedisPublisher:
        """Return a way to send messages."""
        return RedisPublisher(self._client)

    def follow(self, topics: Mapping[str, datetime | None]) -> RedisFollower:
        """Return what reads topics from an instant on, or from the first message that is kept."""
        return RedisFollower(self._client, topics)

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> RedisSubscription:
        """Join a group of consumers of some topics."""
        return RedisSubscription(self._client, group, topics, owner)


class RedisPublisher:
    """Appends to streams (see ``engine.bus.Publisher``)."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - its stubs leave the types open
        """Share the connections of the bus."""
        self._client = client

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when the server has every message, in order.

        Raises:
            BusUnavailableError: When it did not say so.
        """
        pipe = self._client.pipeline(transaction=False)
        for message in messages:
            fields = {
                "key": message.key,
                "value": message.value,
                "headers": json.dumps(dict(message.headers)),
            }
            stream = _stream((message.topic, message.part))
            pipe.xadd(stream, fields, maxlen=_LENGTH_MAX, approximate=True)
        try:
            pipe.execute()
        except RedisError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Leave the connections to the bus."""


class RedisFollower:
    """Reads streams whole (see ``engine.bus.Follower``)."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - its stubs leave the types open
        topics: Mapping[str, datetime | None],
    ) -> None:
        """Begin with the first message that is kept, or with those since an instant."""
        self._client = client
        self._parts: dict[bytes, Part] = {}
        self._next: dict[bytes, str | bytes] = {}
        for topic, since in topics.items():
            start = "0-0" if since is None else f"{int(since.timestamp() * 1000)}-0"
            for part in range(PARTITIONS):
                name = _stream((topic, part)).encode()
                self._parts[name], self._next[name] = (topic, part), start

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the server does not answer.
        """
        try:
            answer = self._client.xread(
                self._next, count=limit, block=max(1, int(timeout_seconds * 1000))
            )
        except RedisError as error:
            raise _unavailable(error) from error
        found: list[Arrival] = []
        for name, entries in answer or ():
            part = self._parts[name]
            found += [_arrival(part, identity, fields) for identity, fields in entries]
            self._next[name] = entries[-1][0]
        return found

    def close(self) -> None:
        """Leave the connections to the bus."""


class RedisSubscription:
    """A member of a group (see ``engine.bus.Subscription``)."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - its stubs leave the types open
        group: str,
        topics: Sequence[str],
        owner: Owner,
    ) -> None:
        """Join at the first :meth:`receive`."""
        self._client = client
        self._group = group
        self._owner = owner
        self._member = os.urandom(8).hex()
        self._parts = [(topic, part) for topic in topics for part in range(PARTITIONS)]
        self._mine: dict[Part, list[int]] = {}
        """For each partition that is held, the places that are delivered and not settled."""
        self._claimed: list[Arrival] = []
        self._renewed_at = float("-inf")

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the server does not answer.
        """
        try:
            if time.monotonic() - self._renewed_at > _LEASE_SECONDS / 3:
                self._balance()
            if self._claimed:
                arrivals, self._claimed = self._claimed[:limit], self._claimed[limit:]
            else:
                arrivals = self._read(limit, timeout_seconds)
        except RedisError as error:
            raise _unavailable(error) from error
        for arrival in arrivals:
            self._mine[arrival.topic, arrival.part].append(arrival.place)
        return arrivals

    def seek(self, places: Mapping[Part, int]) -> None:
        """Go on reading partitions from these places."""
        for part, place in places.items():
            self._client.xgroup_setid(_stream(part), self._group, _id(place - 1))
            self._claimed = [each for each in self._claimed if (each.topic, each.part) != part]

    def settle(self, places: Mapping[Part, int]) -> None:
        """Acknowledge what lies before these places."""
        pipe = self._client.pipeline(transaction=False)
        for part, place in places.items():
            delivered = self._mine.get(part, [])
            done = [each for each in delivered if each < place]
            if done:
                pipe.xack(_stream(part), self._group, *map(_id, done))
                self._mine[part] = [each for each in delivered if each >= place]
        try:
            pipe.execute()
        except RedisError as error:
            raise _unavailable(error) from error

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Return the place behind the last message of each partition.

        Raises:
            BusUnavailableError: When the server does not answer.
        """
        found: dict[Part, int] = {}
        for part in parts:
            try:
                told = self._client.xinfo_stream(_stream(part))
            except ResponseError:
                # A stream comes into being with its first message.
                found[part] = 0
            except RedisError as error:
                raise _unavailable(error) from error
            else:
                last = _place(told["last-generated-id"])
                found[part] = last + 1 if last else 0
        return found

    def close(self) -> None:
        """Leave the group, so that the others need not wait for the leases to end."""
        try:
            self._client.zrem(self._members, self._member)
            self._give_up(list(self._mine))
        except RedisError as error:
            raise _unavailable(error) from error

    @property
    def _members(self) -> str:
        return f"tidebook:{self._group}:members"

    def _lease(self, part: Part) -> str:
        return f"tidebook:{self._group}:{part[0]}:{part[1]}:owner"

    def _balance(self) -> None:
        """Renew the leases that are held, leave what is beyond a fair share, and take what is free.

        Who joins becomes known first and gets its share at the next renewals of the others.
        """
        now = time.time()
        self._client.zadd(self._members, {self._member: now + _LEASE_SECONDS})
        self._client.zremrangebyscore(self._members, "-inf", now)
        share = -(-len(self._parts) // max(1, int(self._client.zcard(self._members))))
        milliseconds = int(_LEASE_SECONDS * 1000)
        lost = [
            part
            for part in self._mine
            if not self._client.eval(_RENEW, 1, self._lease(part), self._member, milliseconds)
        ]
        self._forget(lost)
        self._give_up(list(self._mine)[share:])
        taken: list[Part] = []
        for part in self._parts:
            if len(self._mine) + len(taken) >= share:
                break
            if part not in self._mine and self._client.set(
                self._lease(part), self._member, nx=True, px=milliseconds
            ):
                taken.append(part)
        if taken:
            self._begin(taken)
        self._renewed_at = time.monotonic()

    def _begin(self, taken: Iterable[Part]) -> None:
        parts = list(taken)
        for part in parts:
            self._mine[part] = []
            try:
                self._client.xgroup_create(_stream(part), self._group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        places = self._owner.assigned(parts)
        self.seek(places)
        for part in parts:
            if part not in places:
                self._claimed += self._claim(part)

    def _claim(self, part: Part) -> list[Arrival]:
        """Take over what was delivered to somebody who is gone, and never settled."""
        found: list[Arrival] = []
        start = "0-0"
        while True:
            start, entries, *_ = self._client.xautoclaim(
                _stream(part), self._group, self._member, 0, start_id=start
            )
            found += [_arrival(part, identity, fields) for identity, fields in entries if fields]
            if start in {"0-0", b"0-0"}:
                return found

    def _read(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        parts = list(self._mine)[:limit]
        if not parts:
            time.sleep(timeout_seconds)
            return []
        by_stream = {_stream(part): part for part in parts}
        answer = self._client.xreadgroup(
            self._group,
            self._member,
            dict.fromkeys(by_stream, ">"),
            count=max(1, limit // len(parts)),
            block=max(1, int(timeout_seconds * 1000)),
        )
        return [
            _arrival(by_stream[name.decode()], identity, fields)
            for name, entries in answer or ()
            for identity, fields in entries
        ]

    def _forget(self, parts: Collection[Part]) -> None:
        if parts:
            gone = set(parts)
            self._owner.revoked(parts)
            for part in parts:
                del self._mine[part]
            self._claimed = [e for e in self._claimed if (e.topic, e.part) not in gone]

    def _give_up(self, parts: Collection[Part]) -> None:
        self._forget(parts)
        for part in parts:
            self._client.eval(_RELEASE, 1, self._lease(part), self._member)


def _stream(part: Part) -> str:
    return f"tidebook:{part[0]}:{part[1]}"


def _place(identity: bytes) -> int:
    """Return the place of a message: its millisecond and its number within it, as one number."""
    milliseconds, _, number = identity.decode().partition("-")
    return (int(milliseconds) << _SEQUENCE_BITS) + int(number)


def _id(place: int) -> str:
    """Return the id of the message at a place.

    >>> _id(_place(b"1732200000000-3"))
    '1732200000000-3'
    """
    place = max(place, 0)
    return f"{place >> _SEQUENCE_BITS}-{place & ((1 << _SEQUENCE_BITS) - 1)}"


def _arrival(part: Part, identity: bytes, fields: Mapping[bytes, bytes]) -> Arrival:
    headers = json.loads(fields[b"headers"])
    return Arrival(*part, _place(identity), fields[b"key"].decode(), fields[b"value"], headers)


def _unavailable(error: RedisError) -> BusUnavailableError:
    return BusUnavailableError(str(error) or type(error).__name__)
