"""Live events that cannot be read: kept with the dead letters, each once, by who meets it first."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from tidebook.engine.correlating import correlated
from tidebook.engine.dead_letters import Unprocessed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tidebook.engine.bus import Arrival
    from tidebook.engine.dead_letters import LetterBox
    from tidebook.engine.envelope import Received

_log = logging.getLogger("tidebook.live")

_WAITING_MAX: Final = 1_000
_AT_ONCE: Final = 100


class Apart:
    """What waits to be kept, so that who follows the bus asks no database.

    A feed that sends nothing but what cannot be read must not fill the database: of what comes
    faster than a hundred a second only so much waits, and the rest is counted and logged alone.

    Args:
        letters: Where it is kept; None keeps nothing.
    """

    def __init__(self, letters: LetterBox | None) -> None:
        """Begin with nothing."""
        self._letters = letters
        self._waiting: deque[Unprocessed] = deque()

    def add(self, arrival: Arrival, said: Received, why: str, at: datetime) -> None:
        """Have a message kept, with why it cannot be read, at the next :meth:`deliver`."""
        if self._letters is None or len(self._waiting) >= _WAITING_MAX:
            return
        place = arrival.topic, arrival.part, arrival.place
        headers = dict(arrival.headers)
        self._waiting.append(
            Unprocessed(*place, said.record, headers, said.correlation_id, why, at)
        )

    def deliver(self, told: Callable[[str], None]) -> None:
        """Keep some of what waits, and tell the topic of each that nobody had kept before.

        Raises:
            StoreUnavailableError: When the store does not answer; the same is kept the next time.
        """
        if self._letters is None or not self._waiting:
            return
        some = [self._waiting[i] for i in range(min(_AT_ONCE, len(self._waiting)))]
        for each in self._letters.set_apart(some):
            with correlated([each.correlation_id]):
                place = f"{each.topic}-{each.part}-{each.place}"
                _log.warning("the message %s was set apart: %s", place, each.why)
            told(each.topic)
        for _ in some:
            self._waiting.popleft()
