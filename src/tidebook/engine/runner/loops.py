"""What a runner runs: the stages, and the workers that repeat their steps."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.engine.signals import Signal

POLL_SECONDS: Final = 0.25
"""How long whoever finds nothing to do waits before it looks again by itself."""


class Stage(Enum):
    """What a runner does."""

    BOOK = "book"
    SERIES = "series"
    SHIPPING = "shipping"


class Loop(NamedTuple):
    """A worker: what it repeats, whether only while leading, and its rest when idle.

    Of that rest it does not wake for ``deaf_seconds``, whatever arrives. It wakes when anything
    does, or only for ``heeds``.
    """

    name: str
    make: Callable[[], Callable[[], bool]]
    led: bool = True
    rest_seconds: float = POLL_SECONDS
    deaf_seconds: float = 0.0
    heeds: Signal | None = None
