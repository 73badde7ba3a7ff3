"""Giving way: when the daily series are brought up to date beside facts that keep coming.

A series is a pure function of the book, and the same work whether it is done once for many facts or
after each of them. While facts come in, it is done by turns: for a part of the time, and seldom
enough that a trade never waits long for a portfolio that is being valued.
"""

from __future__ import annotations

from typing import Final

_PATIENCE_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.25
_REST_SHARE: Final = 2.0
_REST_SECONDS_MAX: Final = 1.0


class GivingWay:
    """Tells how long to wait before the next round."""

    def __init__(self) -> None:
        """Begin with nothing to wait for."""
        self._waited_since: float | None = None
        self._rested_at = float("-inf")

    def pause_seconds(self, now: float, *, is_behind: bool) -> float:
        """Return how long to wait from ``now``; 0 when a round may begin.

        While the book is behind the log, a round waits for it, but not for ever.
        """
        if is_behind:
            since = self._waited_since = self._waited_since or now
            if now - since < _PATIENCE_SECONDS:
                return _LOOK_SECONDS
        self._waited_since = None
        return max(0.0, self._rested_at - now)

    def ran(self, began: float, ended: float, *, beside_others: bool) -> None:
        """Take note of a round; one beside which facts came in is followed by a rest."""
        rest = min((ended - began) * _REST_SHARE, _REST_SECONDS_MAX) if beside_others else 0.0
        self._rested_at = ended + rest
