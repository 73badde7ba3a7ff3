"""Giving way: when series are brought up to date, and trades judged, beside facts that keep coming.

A series is a pure function of the book, and the same work whether it is done once for many facts or
after each of them. While facts come in, it is done by turns: for a part of the time, and seldom
enough that a trade never waits long for a portfolio that is being valued. What rules say of trades
rests on the series, and gives way to both.
"""

from __future__ import annotations

from typing import Final

_PATIENCE_SECONDS_MIN: Final = 3.0
_PATIENCE_SECONDS_MAX: Final = 60.0
_BOOKED_A_SECOND: Final = 8_000  # about what the book does when it has the machine to itself
_LOOK_SECONDS: Final = 0.25
_REST_SHARE: Final = 5.0
_REST_SECONDS_MAX: Final = 5.0
_QUIET_SECONDS: Final = 0.5
PORTFOLIOS_MAX: Final = 500
"""How many portfolios a round values when nothing comes in."""
_PORTFOLIOS_BESIDE_MAX: Final = 150
_JUDGING_REST_SHARE: Final = 4.0
_JUDGING_REST_SECONDS_MIN: Final = 1.0
_JUDGING_REST_SECONDS_MAX: Final = 10.0


class GivingWay:
    """Tells how long to wait before the next round."""

    def __init__(self) -> None:
        """Begin with nothing to wait for."""
        self._waits_until: float | None = None
        self._rested_at = float("-inf")
        self._seen, self._moved_at = -1, float("-inf")

    def pause_seconds(
        self, now: float, *, is_behind: bool, unbooked: int = 0, arrived: int
    ) -> float:
        """Return how long to wait before asking again; 0 when a round may begin.

        While the book is behind the log, a round waits for it, about as long as it will take, but
        not for ever: what is valued before is valued again after it. A rest after a round ends
        early when nothing has moved for half a second.

        Args:
            now: The present moment, in seconds.
            is_behind: Whether more than a batch waits to be booked.
            unbooked: How much waits.
            arrived: Grows whenever anything moves.
        """
        if arrived != self._seen:
            self._seen, self._moved_at = arrived, now
        if is_behind:
            if self._waits_until is None:
                self._waits_until = now + _patience_seconds(unbooked)
            if now < self._waits_until:
                return _LOOK_SECONDS
        self._waits_until = None
        if now - self._moved_at >= _QUIET_SECONDS:
            return 0.0
        return min(max(0.0, self._rested_at - now), _LOOK_SECONDS)

    def portfolios_max(self, now: float) -> int:
        """Return how many portfolios a round may value.

        Fewer while facts come in: a round holds its portfolios until it ends, and whoever books
        one of them waits for as long.
        """
        is_quiet = now - self._moved_at >= _QUIET_SECONDS
        return PORTFOLIOS_MAX if is_quiet else _PORTFOLIOS_BESIDE_MAX

    def ran(self, began: float, ended: float, *, beside_others: bool) -> None:
        """Take note of a round; one beside which facts came in is followed by a rest."""
        rest = min((ended - began) * _REST_SHARE, _REST_SECONDS_MAX) if beside_others else 0.0
        self._rested_at = ended + rest


def _patience_seconds(unbooked: int) -> float:
    takes = unbooked / _BOOKED_A_SECOND
    return min(max(takes, _PATIENCE_SECONDS_MIN), _PATIENCE_SECONDS_MAX)


class LastSay:
    """Tells when trades may be judged.

    At once when nothing has moved for half a second; beside facts that come in, for a fifth of the
    time; while the book is behind the log, seldom, for what is judged then is judged again.
    """

    def __init__(self, now: float) -> None:
        """Begin with nothing judged yet, and nothing known of what has moved."""
        self._seen, self._moved_at = -1, now
        self._judged_at, self._took = now, _JUDGING_REST_SECONDS_MAX

    def may_begin(self, now: float, *, arrived: int, is_waiting: bool, is_behind: bool) -> bool:
        """Tell whether a round may begin.

        Args:
            now: The present moment, in seconds.
            arrived: Grows whenever anything moves.
            is_waiting: Whether there is anything to book.
            is_behind: Whether it is more than a batch.
        """
        if arrived != self._seen:
            self._seen, self._moved_at = arrived, now
        if now - self._moved_at >= _QUIET_SECONDS and not is_waiting:
            return True
        rest = max(_JUDGING_REST_SECONDS_MIN, self._took * _JUDGING_REST_SHARE)
        rest = _JUDGING_REST_SECONDS_MAX if is_behind else min(rest, _JUDGING_REST_SECONDS_MAX)
        return now - self._judged_at >= rest

    def ran(self, began: float, ended: float) -> None:
        """Take note of a round."""
        self._judged_at, self._took = ended, ended - began
