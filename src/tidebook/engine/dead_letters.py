"""Dead letters: records that could not be processed, and how they are sent again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from tidebook.engine.envelope import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.records import Record


class DeadLetter(NamedTuple):
    """A record that was set apart.

    ``letter_id`` names its place in the log. ``replayed_at`` is None until it was sent again.
    """

    letter_id: str
    original_topic: str
    original_partition: int
    original_offset: int
    reason: str
    at: datetime
    correlation_id: str
    value: str
    headers: str
    replayed_at: datetime | None


class Unprocessed(NamedTuple):
    """A message that cannot be processed, and why.

    ``place`` is its offset in the log, or where it lies with a bus; ``headers`` are those that it
    came with.
    """

    topic: str
    part: int
    place: int
    record: Mapping[str, object]
    headers: Mapping[str, str]
    correlation_id: str
    why: str
    at: datetime

    @property
    def letter(self) -> Record:
        """The record of the dead letter."""
        return {
            "original_topic": self.topic,
            "original_partition": str(self.part),
            "original_offset": str(self.place),
            "original_value": json.dumps(self.record, ensure_ascii=False),
            "original_headers": json.dumps(self.headers, ensure_ascii=False),
            "error_reason": self.why,
            "error_timestamp": self.at.isoformat(),
        }

    @property
    def key(self) -> str:
        """The key of the dead letter: those of a partition stay together, in their order."""
        return f"{self.topic}-{self.part}"


class LetterBox(Protocol):
    """Where messages of a bus go that many read and nobody can."""

    def set_apart(self, messages: Sequence[Unprocessed]) -> list[Unprocessed]:
        """Keep messages with the dead letters; return those that were not there yet.

        Raises:
            StoreUnavailableError: When the store does not answer; nothing is kept.
        """
        ...


class DeadLetters(Protocol):
    """The records that could not be processed."""

    def letters(self, *, topic: str | None = None, everything: bool = False) -> list[DeadLetter]:
        """Return letters, oldest first: those that were not replayed, or all.

        ``topic`` is the one that they were set apart from.
        """
        ...

    def replay(self, letter_ids: Sequence[str], correlation_id: str) -> list[DeadLetter]:
        """Send records again to where they came from, all or none; return them.

        A letter that was replayed before is passed over.

        Raises:
            BusUnavailableError: When live events came from a bus that does not answer.
            UnknownLetterError: When one of the ids names none.
            UnreadableMessageError: When what was sent is no record, so that it cannot come right.
        """
        ...


def record_of(letter: DeadLetter) -> Record | None:
    """Return the record of a letter as it was sent, or None when it is none."""
    value = cast("Mapping[str, object]", json.loads(letter.value))
    if UNREADABLE not in value:
        return cast("Record", value)
    try:
        sent = json.loads(str(value[UNREADABLE]))
    except ValueError:
        return None
    return cast("Record", sent) if isinstance(sent, dict) else None
