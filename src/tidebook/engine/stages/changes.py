"""What a batch does to one key, gathered before it is folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidebook.book.postings import Posting
    from tidebook.engine.causes import Cause

_AMENDED: Final = "a transaction was amended"


class Change:
    """What a batch does to one key."""

    __slots__ = ("added", "anew", "carried", "causes", "reason", "removed")

    def __init__(self) -> None:
        self.added: list[Posting] = []
        self.removed: set[str] = set()
        self.carried: set[str] = set()
        """The facts that another key gave it a leg of; a key that is folded twice gives one."""
        self.anew = False
        """Whether the key is to be folded from all its facts."""
        self.reason = _AMENDED
        """Why its history changes, if it does."""
        self.causes: dict[Cause, None] = {}
        """What else than the batch's own transactions is behind it."""

    def fold_anew(self, reason: str, causes: Iterable[Cause] = ()) -> None:
        """Have the key folded from all its facts; the first reason given stands."""
        self.causes.update(dict.fromkeys(causes))
        if not self.anew:
            self.anew, self.reason = True, reason
