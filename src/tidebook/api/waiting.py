"""Where requests wait for the booking: apart from the threads that answer, and bounded.

A request that waits does nothing, but it holds a thread while it does. If these were the threads
that read the book, a few dozen waiting clients would keep every reader out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable


class WaitingRoom:
    """A number of seats, each with a thread of its own; whoever finds none is not kept waiting."""

    def __init__(self, seats: int) -> None:
        """Open with every seat free."""
        self._limiter = CapacityLimiter(seats)
        self._free = seats

    async def wait(self, until: Callable[[], bool]) -> bool | None:
        """Return what ``until`` returns after it has blocked a seat's thread.

        Returns:
            None, at once, when no seat is free.
        """
        # Counted here and not by the limiter: that one is asked only after the loop has moved on.
        if not self._free:
            return None
        self._free -= 1
        try:
            return await to_thread.run_sync(until, limiter=self._limiter)
        finally:
            self._free += 1
