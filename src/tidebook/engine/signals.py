"""Signals that something has happened, and that it is time to look again."""

from __future__ import annotations

from threading import Condition
from typing import Final, NamedTuple


class News(NamedTuple):
    """What was heard of the log: where something was appended, and whether others did.

    What this process has appended itself, its threads know already.
    """

    topics: frozenset[str] = frozenset()
    from_others: bool = False


NO_NEWS: Final = News()


class Signal:
    """Counts events, so that one that came between a look and a wait is not missed."""

    def __init__(self) -> None:
        """Start at zero."""
        self._condition = Condition()
        self._count = 0

    @property
    def count(self) -> int:
        """How often the signal was given."""
        return self._count

    def give(self) -> None:
        """Wake whoever waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> int:
        """Wait until the count differs from ``seen`` or the time runs out; return the count."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout_seconds)
            return self._count
