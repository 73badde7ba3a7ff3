"""The bus on Apache Kafka (see ``engine.bus``).

Messages are sent by an idempotent producer that waits for all replicas, so that those of a
partition neither change places nor double while it lives. Consumers share partitions by the
cooperative protocol and begin each where its owner says. The offsets that are committed to Kafka
tell others how far a group is behind; nobody begins from them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from confluent_kafka import (
    OFFSET_STORED,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tidebook.engine.bus import Arrival
from tidebook.engine.topics import PARTITIONS, RAW_TRANSACTIONS
from tidebook.errors import BusUnavailableError, TopicShapeError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from concurrent.futures import Future

    from confluent_kafka import Message

    from tidebook.engine.bus import Outgoing, Owner, Part

_ANSWER_SECONDS: Final = 10.0
_CONFIRM_SECONDS: Final = 30.0
_MORE_SECONDS: Final = 0.001
_MESSAGE_BYTES_MAX: Final = 8 * 1024 * 1024
# Of an answer as it is sent: unpacked it is several times as long. A longer message comes alone.
_FETCHED_BYTES_MAX: Final = 2 * 1024 * 1024
_REPLICAS: Final = 3
_SESSION_MILLISECONDS: Final = 10_000
"""How long a member may be silent before its partitions go to others."""
# Of what comes all the time, what comes within so short a time is fetched together: a partition by
# itself costs the cluster and this process as much as all of them. What comes seldom comes at once.
_STEADY: Final = {"fetch.min.bytes": 256 * 1024, "fetch.wait.max.ms": 15}
_SELDOM: Final = {"fetch.min.bytes": 1, "fetch.wait.max.ms": 250}
_Config: TypeAlias = "dict[str, str | int | float | bool]"


class KafkaBus:
    """Topics of one Kafka cluster.

    Args:
        bootstrap: Addresses of servers, ``host:port`` with commas between.
        client_id: What the cluster's own figures call this process.
    """

    def __init__(self, bootstrap: str, *, client_id: str = "tidebook") -> None:
        """Keep the address; nothing is connected before it is needed."""
        self._config: _Config = {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "log_level": 0,  # the library's own lines say less than the errors that come out of it
        }
        self._admin: AdminClient | None = None

    def _administrator(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient(self._config)
        return self._admin

    def ready(self) -> None:
        """Return when the cluster answers.

        Raises:
            BusUnavailableError: When it does not.
        """
        try:
            self._administrator().list_topics(timeout=_ANSWER_SECONDS / 5)
        except KafkaException as error:
            raise _unavailable(error) from error

    def prepare(self, topics: Collection[str]) -> None:
        """Make the topics that are missing, with the partitions that keys are placed on.

        Raises:
            BusUnavailableError: When the cluster does not answer.
            TopicShapeError: When a topic is there with another number of partitions.
        """
        admin = self._administrator()
        try:
            found = admin.list_topics(timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise _unavailable(error) from error
        replicas = min(_REPLICAS, max(1, len(found.brokers)))
        config = {"max.message.bytes": str(_MESSAGE_BYTES_MAX)}
        missing = [
            NewTopic(topic, PARTITIONS, replicas, config=config)
            for topic in sorted(set(topics) - found.topics.keys())
        ]
        for topic in sorted(set(topics) & found.topics.keys()):
            count = len(found.topics[topic].partitions)
            if count != PARTITIONS:
                raise TopicShapeError(topic, count, expected=PARTITIONS)
        if not missing:
            return
        made = cast(
            "Mapping[str, Future[None]]",
            admin.create_topics(missing, request_timeout=_ANSWER_SECONDS),  # pyright: ignore[reportUnknownMemberType]
        )
        for future in made.values():
            try:
                future.result(timeout=_ANSWER_SECONDS * 2)
            except KafkaException as error:
                # Somebody else made it in the meantime, as this one would have.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise _unavailable(error) from error

    def publisher(self) -> KafkaPublisher:
        """Return a way to send messages."""
        return KafkaPublisher(self._config)

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> KafkaSubscription:
        """Join a group of consumers of some topics."""
        return KafkaSubscription(self._config, group, topics, owner)


class KafkaPublisher:
    """Sends messages and waits until all replicas have them (see ``engine.bus.Publisher``)."""

    def __init__(self, config: _Config) -> None:
        """Connect when something is sent."""
        self._config: _Config = config | {
            "enable.idempotence": True,
            "acks": "all",
            "enable.gapless.guarantee": True,
            "linger.ms": 2,
            "compression.type": "lz4",
            "message.max.bytes": _MESSAGE_BYTES_MAX,
            "message.timeout.ms": int(_CONFIRM_SECONDS * 1000 / 2),
            "queue.buffering.max.messages": 1_000_000,
        }
        self._producer: Producer | None = None

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is durable with the cluster, in order.

        Raises:
            BusUnavailableError: When that was not confirmed in time.
        """
        if self._producer is None:
            self._producer = Producer(self._config)
        producer = self._producer
        failures: list[KafkaError] = []

        def confirmed(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        try:
            for message in messages:
                producer.produce(
                    message.topic,
                    message.value,
                    message.key,
                    message.part,
                    on_delivery=confirmed,
                    headers=list(message.headers.items()),
                )
            left = producer.flush(_CONFIRM_SECONDS)
        except (KafkaException, BufferError) as error:
            self._give_up(producer)
            raise _unavailable(error) from error
        if failures or left:
            # A producer that has lost a message may not go on: what follows would overtake it.
            self._give_up(producer)
            why = str(failures[0].str()) if failures else "messages were not confirmed in time"
            raise BusUnavailableError(why)

    def close(self) -> None:
        """Give up the connection."""
        if self._producer is not None:
            self._give_up(self._producer)

    def _give_up(self, producer: Producer) -> None:
        producer.purge()
        producer.flush(0)
        self._producer = None


class KafkaSubscription:
    """A member of a consumer group (see ``engine.bus.Subscription``)."""

    def __init__(self, config: _Config, group: str, topics: Sequence[str], owner: Owner) -> None:
        """Join the group; partitions come with the first calls of :meth:`receive`."""
        self._owner = owner
        self._consumer = Consumer(
            config
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",
                **(_STEADY if RAW_TRANSACTIONS in topics else _SELDOM),
                "fetch.message.max.bytes": _MESSAGE_BYTES_MAX,
                "fetch.max.bytes": _FETCHED_BYTES_MAX,
                "queued.max.messages.kbytes": 16_384,
                "session.timeout.ms": _SESSION_MILLISECONDS,
                "heartbeat.interval.ms": _SESSION_MILLISECONDS // 10,
                "topic.metadata.refresh.interval.ms": 10_000,
            }
        )
        self._consumer.subscribe(
            list(topics),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        """Return what has arrived, or nothing when the time has run out.

        Raises:
            BusUnavailableError: When the cluster does not answer.
        """
        try:
            found = self._consumer.consume(1, timeout_seconds)
            # To ask for many at first would wait for many: whatever is there already comes along.
            if found and limit > 1:
                found += self._consumer.consume(limit - 1, _MORE_SECONDS)
        except KafkaException as error:
            raise _unavailable(error) from error
        arrivals: list[Arrival] = []
        for message in found:
            error = message.error()
            if error is None:
                arrivals.append(_arrival(message))
            elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                # The topic is yet to be made, by whoever ships first.
                time.sleep(timeout_seconds)
            elif not error.retriable() or error.fatal():
                raise BusUnavailableError(str(error.str()))
        return arrivals

    def seek(self, places: Mapping[Part, int]) -> None:
        """Go on reading partitions from these places."""
        for (topic, part), place in places.items():
            try:
                self._consumer.seek(TopicPartition(topic, part, place))
            except KafkaException as error:
                raise _unavailable(error) from error

    def settle(self, places: Mapping[Part, int]) -> None:
        """Tell the cluster how far the group has come."""
        self._consumer.commit(
            offsets=[TopicPartition(topic, part, place) for (topic, part), place in places.items()],
            asynchronous=True,
        )

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        """Return the place behind the last message of each partition.

        Raises:
            BusUnavailableError: When the cluster does not answer.
        """
        found: dict[Part, int] = {}
        for topic, part in parts:
            try:
                told = self._consumer.get_watermark_offsets(
                    TopicPartition(topic, part), timeout=_ANSWER_SECONDS
                )
            except KafkaException as error:
                raise _unavailable(error) from error
            # Its stubs leave out that nothing is said when the time runs out.
            marks = cast("tuple[int, int] | None", told)
            if marks is None:
                raise BusUnavailableError("it did not say in time where a partition ends")
            found[topic, part] = marks[1]
        return found

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:
            places = self._owner.assigned([(each.topic, each.partition) for each in partitions])
            for each in partitions:
                each.offset = places.get((each.topic, each.partition), OFFSET_STORED)
            consumer.incremental_assign(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._owner.revoked([(each.topic, each.partition) for each in partitions])
        if partitions:
            consumer.incremental_unassign(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._owner.revoked([(each.topic, each.partition) for each in partitions])


def _arrival(message: Message) -> Arrival:
    key, value = message.key(), message.value()
    return Arrival(
        str(message.topic()),
        int(message.partition() or 0),
        int(message.offset() or 0),
        _text(key),
        value if isinstance(value, bytes) else b"",
        {name: _text(value) for name, value in message.headers() or ()},
    )


def _text(value: str | bytes | None) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value or ""


def _unavailable(error: Exception) -> BusUnavailableError:
    said = error.args[0] if error.args else error
    return BusUnavailableError(str(said.str() if isinstance(said, KafkaError) else said))
