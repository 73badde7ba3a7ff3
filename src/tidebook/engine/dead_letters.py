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
