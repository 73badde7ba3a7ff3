"""Dead letters in the event log (see ``engine.dead_letters``)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError

from tidebook.adapters.postgres import log
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.bus import Outgoing
from tidebook.engine.dead_letters import DeadLetter, record_of
from tidebook.engine.envelope import CORRELATION_ID, SCHEMA, schema_of
from tidebook.engine.topics import (
    DEAD_LETTERS,
    DRAWDOWN_UPDATED,
    LIVE_INPUT_TOPICS,
    key_of,
    partition,
)
from tidebook.errors import StoreUnavailableError, UnknownLetterError, UnreadableMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from psycopg import Cursor
    from psycopg_pool import ConnectionPool

    from tidebook.engine.bus import LiveBus
    from tidebook.engine.dead_letters import Unprocessed
    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record

_SQL: Final = statements("dead_letters")
_LIVE: Final = frozenset({*LIVE_INPUT_TOPICS, DRAWDOWN_UPDATED})


class PostgresDeadLetters:
    """The dead letters of one database.

    Args:
        pool: Where connections are borrowed.
        clock: Tells when something was replayed.
        live: What carries live events; asked for when there are some to be replayed.
    """

    def __init__(
        self, pool: ConnectionPool[Any], clock: Clock, *, live: Callable[[], LiveBus]
    ) -> None:
        """Keep what is needed."""
        self._pool = pool
        self._clock = clock
        self._live = live

    def set_apart(self, messages: Sequence[Unprocessed]) -> list[Unprocessed]:
        """Keep messages with the dead letters; return those that were not there yet.

        Raises:
            StoreUnavailableError: When the database does not answer.
        """
        named = {
            "topics": [each.topic for each in messages],
            "parts": [each.part for each in messages],
            "places": [each.place for each in messages],
            "at": self._clock.now(),
        }
        with self._cursor() as cursor:
            fresh = {tuple(row) for row in cursor.execute(_SQL["keep"], named).fetchall()}
            kept = [each for each in messages if each[:3] in fresh]
            for each in sorted(kept):
                topic = f"{each.topic}{DEAD_LETTERS}"
                log.append(cursor, topic, [(each.key, each.letter)], each.correlation_id, each.at)
            return kept

    def letters(self, *, topic: str | None = None, everything: bool = False) -> list[DeadLetter]:
        """Return letters, oldest first: those that were not replayed, or all."""
        with self._cursor() as cursor:
            return _letters(cursor, topic, everything=everything)

    def replay(self, letter_ids: Sequence[str], correlation_id: str) -> list[DeadLetter]:
        """Send records again to where they came from, all or none; return them.

        Live events are with their bus before it is known here that they were sent: they may come
        twice, and are known by their ids.

        Raises:
            BusUnavailableError: When live events came from a bus that does not answer.
            UnknownLetterError: When one of the ids names none.
            UnreadableMessageError: When what was sent is no record.
        """
        at = self._clock.now()
        with self._cursor() as cursor:
            known = {each.letter_id: each for each in _letters(cursor, None, everything=True)}
            for letter_id in letter_ids:
                if letter_id not in known:
                    raise UnknownLetterError(letter_id)
            places = [letter_id.rsplit("-", 2) for letter_id in letter_ids]
            named = {
                "topics": [place[0] for place in places],
                "parts": [int(place[1]) for place in places],
                "offsets": [int(place[2]) for place in places],
                "at": at,
                "correlation_id": correlation_id,
            }
            fresh = {row[0] for row in cursor.execute(_SQL["mark"], named).fetchall()}
            sent = [
                known[letter_id] for letter_id in dict.fromkeys(letter_ids) if letter_id in fresh
            ]
            by_topic: dict[str, list[tuple[str, Record]]] = {}
            for letter in sent:
                record = record_of(letter)
                if record is None:
                    why = f"what was sent as {letter.letter_id} is not a JSON object"
                    raise UnreadableMessageError(why)
                topic = letter.original_topic
                by_topic.setdefault(topic, []).append((key_of(topic, record), record))
            for topic in sorted(by_topic.keys() - _LIVE):
                log.append(cursor, topic, by_topic[topic], correlation_id, at)
            self._send_live(
                {topic: by_topic[topic] for topic in sorted(by_topic.keys() & _LIVE)},
                correlation_id,
            )
            return sent

    def _send_live(
        self, by_topic: Mapping[str, Sequence[tuple[str, Record]]], correlation_id: str
    ) -> None:
        """Send live events to their bus, which need not be this database."""
        messages = [
            Outgoing(
                topic,
                partition(key),
                key,
                json.dumps(record, ensure_ascii=False).encode(),
                {SCHEMA: schema_of(topic), CORRELATION_ID: correlation_id},
            )
            for topic, records in by_topic.items()
            for key, record in records
        ]
        if messages:
            publisher = self._live().publisher()
            publisher.publish(messages)
            publisher.close()

    @contextmanager
    def _cursor(self) -> Generator[Cursor[tuple[Any, ...]]]:
        try:
            with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor
        except OperationalError as error:
            raise StoreUnavailableError(
                "the database did not answer", hint="check that it runs, then ask again"
            ) from error


def _letters(
    cursor: Cursor[tuple[Any, ...]], topic: str | None, *, everything: bool
) -> list[DeadLetter]:
    rows = cursor.execute(_SQL["letters"], {"topic": topic, "everything": everything}).fetchall()
    return [DeadLetter(*row) for row in rows]
