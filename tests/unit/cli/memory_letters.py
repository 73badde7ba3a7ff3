"""Dead letters in memory, for tests of the commands about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tidebook.engine.dead_letters import DeadLetter
from tidebook.errors import UnknownLetterError

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
LETTER = DeadLetter(
    "raw_transactions.dlq-3-0",
    "raw_transactions",
    3,
    17,
    "the record has no field, or no known value, 'price'",
    _AT,
    "r1",
    '{"transaction_id": "T1"}',
    "{}",
    None,
)


class MemoryLetters:
    """Letters that are kept in a list."""

    def __init__(self, *kept: DeadLetter) -> None:
        self.kept = list(kept)

    def letters(self, *, topic: str | None = None, everything: bool = False) -> list[DeadLetter]:
        return [
            each
            for each in self.kept
            if topic in {None, each.original_topic} and (everything or each.replayed_at is None)
        ]

    def replay(self, letter_ids: Sequence[str], correlation_id: str) -> list[DeadLetter]:
        assert correlation_id.startswith("CLI:")
        known = {each.letter_id: each for each in self.kept}
        for letter_id in letter_ids:
            if letter_id not in known:
                raise UnknownLetterError(letter_id)
        sent = [known[letter_id] for letter_id in letter_ids if not known[letter_id].replayed_at]
        self.kept = [each._replace(replayed_at=_AT) if each in sent else each for each in self.kept]
        return sent
