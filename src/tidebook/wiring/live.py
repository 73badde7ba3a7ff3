"""The live book, put together: the bus that feeds it, and when it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.config import EVERY_ROLE
from tidebook.errors import MissingExtraError
from tidebook.wiring.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from tidebook.adapters.postgres.store import PostgresStore
    from tidebook.adapters.telemetry.metrics import Metrics
    from tidebook.config import Settings
    from tidebook.engine.bus import LiveBus
    from tidebook.engine.dead_letters import LetterBox
    from tidebook.engine.live import LivePortfolios
    from tidebook.engine.ports import Reader


def live_portfolios(  # noqa: PLR0913 - what it follows, what it starts from, and where it tells
    settings: Settings,
    bus: LiveBus,
    reader: Reader,
    *,
    lease: PostgresStore,
    letters: LetterBox,
    stack: ExitStack,
) -> LivePortfolios:
    """Return the live book.

    A process that does everything begins to follow when somebody first asks, unless a Redis server
    is named; one that is apart begins at once.
    """
    from tidebook.engine.live import LivePortfolios  # noqa: PLC0415 - for servers

    clock = SystemClock()
    made = LivePortfolios(bus, reader, clock, lease, settings.live_portfolio, letters=letters)
    stack.callback(made.stop)
    if settings.roles != EVERY_ROLE or settings.redis_url is not None:
        made.start()
    return made


def live_bus(settings: Settings, database_url: str) -> LiveBus:
    """Return what carries live events: the Redis server that is named, or else the log.

    Raises:
        MissingExtraError: The client library of Redis is not installed.
    """
    if settings.redis_url is None:
        from tidebook.adapters.postgres.log_bus import LogBus  # noqa: PLC0415 - for servers

        return LogBus(database_url, SystemClock())
    try:
        from tidebook.adapters.redis_streams import RedisBus  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as missing:
        raise MissingExtraError("TIDEBOOK_REDIS_URL", "redis") from missing
    return RedisBus(settings.redis_url)


def attended(live: LivePortfolios, metrics: Metrics | None, is_ending: Callable[[], bool]) -> None:
    """Count what a live book does, and end its streams when the server is to end.

    A stream has no end of its own, and the server waits for it.
    """
    if metrics is not None:
        metrics.tell_live(live)
    live.is_ending = is_ending
