"""How many records a batch takes.

Few while few wait, so that each is booked soon. More as more wait: what a key or a portfolio costs
by itself, its state read and written, its lock, its cash, is then spread over more facts. A batch
is an eighth of what waits at the most, so that it never adds much to the wait of what comes after.
"""

from __future__ import annotations

from typing import Final

_USUAL: Final = 2_000
_SHARE: Final = 8


def usual(batch_max: int) -> int:
    """Return the most records of a batch while the book keeps up; more than that are a lag."""
    return min(batch_max, _USUAL)


def sized(waiting: int, batch_max: int) -> int:
    """Return the most records of a batch while so many wait.

    Example:
        >>> [sized(waiting, 8_000) for waiting in (100, 16_000, 40_000, 1_000_000)]
        [2000, 2000, 5000, 8000]
    """
    return min(batch_max, max(_USUAL, waiting // _SHARE))


def after(limit: int, taken: int, batch_max: int) -> int:
    """Return the most records of the next batch where nobody tells how many wait.

    It is twice as many after a batch that was full, and as few as usual after any other.

    Example:
        >>> after(2_000, 2_000, 8_000), after(4_000, 3_999, 8_000)
        (4000, 2000)
    """
    return min(batch_max, 2 * limit) if taken >= limit else usual(batch_max)
