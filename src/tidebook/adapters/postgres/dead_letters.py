"""Dead letters in the event log (see ``engine.dead_letters``)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError

from tidebook.adapters.postgres import log
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.dead_letters import DeadLetter, record_of
from tidebook.engine.topics import key_of
from tidebook.errors import StoreUnavailableError, UnknownLetterError, UnreadableMessageError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg import Cursor
    from psycopg_pool import ConnectionPool

    from tidebook.engine.ports import Clock
    from tidebook.engine.records import Record

_SQL: Final = statements("dead_letters")


class PostgresDeadLetters:
    """The dead letters of one database."""

    def __init__(self, pool: ConnectionPool[Any], clock: Clock) -> None:
        """Take connections from a pool; the clock tells when something was replayed."""
        self._pool = pool
        self._clock = clock

    def letters(self, *, topic: str | None = None, everything: bool = False) -> list[DeadLetter]:
        """Return letters, oldest first: those that were not replayed, or all."""
        with self._cursor() as cursor:
            return _letters(cursor, topic, everything=everything)

    def replay(self, letter_ids: Sequence[str], correlation_id: str) -> list[DeadLetter]:
        """Send records again to where they came from, all or none; return them.

        Raises:
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
            for topic in sorted(by_topic):
                log.append(cursor, topic, by_topic[topic], correlation_id, at)
            return sent

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
