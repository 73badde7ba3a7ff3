"""How much lies unbooked, for a process that books nothing itself."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.engine.store import Store

_AGE_SECONDS_MAX: Final = 1.0


def unbooked(store: Store, clock: Callable[[], float] = time.monotonic) -> Callable[[], int]:
    """Return what tells how many records lie unbooked; it asks the store once a second at most.

    Raises:
        StoreUnavailableError: From what is returned, when the store cannot be asked.
    """
    parts = {
        BOOK: [(topics.RAW_TRANSACTIONS, part) for part in range(topics.PARTITIONS)],
        REFERENCE: [
            (topic, part) for topic in topics.REFERENCE_TOPICS for part in range(topics.PARTITIONS)
        ],
    }
    lock = Lock()
    asked_at, found = float("-inf"), 0

    def ask() -> int:
        nonlocal asked_at, found
        with lock:
            now = clock()
            if now - asked_at >= _AGE_SECONDS_MAX:
                with store.unit() as unit:
                    found = sum(sum(unit.backlog(who, of).values()) for who, of in parts.items())
                asked_at = now
            return found

    return ask
