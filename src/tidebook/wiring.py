"""The composition root: settings in, a running system out."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING

from tidebook.adapters.postgres import schema
from tidebook.adapters.postgres.benchmark_store import PostgresBenchmarks
from tidebook.adapters.postgres.cluster import EmbeddedCluster
from tidebook.adapters.postgres.compliance_store import PostgresCompliance
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.engine.benchmarks import Benchmarks, NoProvider
from tidebook.engine.commands import LogCommands
from tidebook.engine.runner import Runner
from tidebook.engine.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    import uvicorn
    from fastapi import FastAPI

    from tidebook.config import Settings
    from tidebook.engine.benchmarks import Provider
    from tidebook.engine.compliance.ports import Compliance
    from tidebook.engine.ports import Clock, Commands, Reader

_STARTED_POLL_SECONDS = 0.01
# What the engine makes is frozen and never cyclic: looking for cycles often is wasted work.
_GC_THRESHOLDS = (500_000, 20, 100)


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class System:
    """A system at work: what may be asked of it, and how to end it."""

    commands: Commands
    reader: Reader
    clock: Clock
    settings: Settings
    database_url: str
    benchmarks: Benchmarks
    compliance: Compliance
    _stack: ExitStack

    def __enter__(self) -> Self:
        """Use the system in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what was started, last things first."""
        self._stack.close()


def open_system(settings: Settings, *, run: bool = True) -> System:
    """Return a system on the database that the settings name, migrated and ready.

    Args:
        settings: Which database, and how many workers.
        run: Whether this process also runs the stages; without, it reads and takes facts in.

    Raises:
        DataDirectoryError: The data directory cannot be used by this process.
        StoreUnavailableError: The database cannot be reached.
    """
    with ExitStack() as stack:
        url = database_url(settings, stack)
        schema.upgrade(url)
        pool = open_pool(url)
        stack.callback(pool.close)
        cache = MarketCache()
        store = PostgresStore(pool, cache, conninfo=url)
        stack.callback(store.close)
        compliance = PostgresCompliance(store, pool, cache)
        clock = SystemClock()
        arrived, booked = Signal(), Signal()
        runner = Runner(
            store,
            clock,
            arrived=arrived,
            booked=booked,
            workers=settings.workers,
            batch_max=settings.book_batch_max,
            compliance=compliance,
        )
        gc.set_threshold(*_GC_THRESHOLDS)
        if run:
            runner.start()
            stack.callback(runner.stop)
        commands = LogCommands(store, clock, arrived=arrived, booked=booked, backlog=runner.backlog)
        reader = PostgresReader(pool, cache)
        benchmarks = Benchmarks(
            PostgresBenchmarks(pool), benchmark_provider(settings), reader, clock
        )
        return System(
            commands, reader, clock, settings, url, benchmarks, compliance, stack.pop_all()
        )


def benchmark_provider(settings: Settings) -> Provider:
    """Return who has the levels of benchmarks: Alpaca with keys, else a folder, else nobody."""
    if settings.alpaca_api_key:
        from tidebook.adapters.alpaca import AlpacaBars  # noqa: PLC0415 - seldom needed

        return AlpacaBars(
            settings.alpaca_api_key,
            settings.alpaca_secret_key,
            url=settings.alpaca_url,
            feed=settings.alpaca_feed,
        )
    if settings.benchmark_dir is not None:
        from tidebook.adapters.benchmarkfiles import BenchmarkFolder  # noqa: PLC0415 - as above

        return BenchmarkFolder(settings.benchmark_dir)
    return NoProvider()


def database_url(settings: Settings, stack: ExitStack) -> str:
    """Return the URL of the database to use, starting the embedded one when none is named."""
    if settings.database_url is not None:
        return settings.database_url
    cluster = EmbeddedCluster.start(settings.data_dir, pg_bin=settings.pg_bin)
    stack.callback(cluster.stop)
    return cluster.conninfo


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve HTTP until interrupted.

    Args:
        settings: Where to listen, and on which database.
        on_ready: Called with the address once the door is open.
    """
    with open_system(settings) as system:
        serve_system(system, on_ready=on_ready)


def serve_system(system: System, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve HTTP for a system that is open already, until interrupted."""
    import uvicorn  # noqa: PLC0415 - reading the book from the command line must not pay for it

    settings = system.settings
    config = uvicorn.Config(
        application(system),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
    )
    server = uvicorn.Server(config)
    if on_ready is not None:
        announcer = Thread(target=_announce, args=(server, on_ready), daemon=True)
        announcer.start()
    server.run()


def application(system: System) -> FastAPI:
    """Return the HTTP application of a system, with its pages."""
    from tidebook.api import AppSettings, create_app, random_id, random_nonce  # noqa: PLC0415
    from tidebook.engine.user_desk import user_desk  # noqa: PLC0415
    from tidebook.engine.users import UserPolicy  # noqa: PLC0415
    from tidebook.web import create_pages  # noqa: PLC0415

    settings = AppSettings(max_body_bytes=system.settings.max_body_bytes)
    desk = user_desk(
        system.commands,
        system.reader,
        system.clock,
        random_id,
        benchmarks=system.benchmarks,
        policy=UserPolicy(system.settings.user_currency, system.settings.user_time_zone),
    )
    return create_app(
        system.commands,
        system.reader,
        clock=system.clock,
        desk=desk,
        compliance=system.compliance,
        pages=create_pages(
            system.reader,
            version=settings.version,
            new_nonce=random_nonce,
            levels_of=system.benchmarks.levels,
        ),
        settings=settings,
    )


def _announce(server: uvicorn.Server, on_ready: Callable[[str], None]) -> None:
    """Say where the door is once it is open; the port may have been any free one."""
    while not server.started:
        if server.should_exit:
            return
        sleep(_STARTED_POLL_SECONDS)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    on_ready(f"http://{host}:{port}")
