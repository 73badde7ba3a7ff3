"""The composition root: settings in, a running system out."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from signal import SIGTERM, signal
from threading import Event, Thread, current_thread, main_thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook import __version__
from tidebook.adapters.postgres import schema
from tidebook.adapters.postgres.arrears import PostgresArrears
from tidebook.adapters.postgres.benchmark_store import PostgresBenchmarks
from tidebook.adapters.postgres.compliance_store import PostgresCompliance
from tidebook.adapters.postgres.dead_letters import PostgresDeadLetters
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.retention import PostgresKeeper
from tidebook.adapters.postgres.upgrading import upgrade_apart
from tidebook.config import EVERY_ROLE, Role
from tidebook.engine.benchmarks import Benchmarks
from tidebook.engine.commands import LogCommands
from tidebook.engine.gathering import GroupCommit
from tidebook.engine.keeping import Kept, cut_of, retention_job
from tidebook.engine.runner import Through, unbooked
from tidebook.engine.signals import Signal
from tidebook.engine.telemetry import unread
from tidebook.errors import StoreUnavailableError
from tidebook.wiring.chosen import (
    benchmark_provider,
    broker,
    configure_logs,
    database_url,
    traces,
)
from tidebook.wiring.clock import SystemClock
from tidebook.wiring.live import attended, live_bus, live_portfolios
from tidebook.wiring.scheduling import benchmark_jobs, scheduled
from tidebook.wiring.working import Making, are_apart, stages_beside, working

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from types import FrameType, TracebackType
    from typing import Self

    import uvicorn
    from fastapi import FastAPI

    from tidebook.adapters.postgres.pool import ToldPool
    from tidebook.adapters.telemetry.metrics import Metrics
    from tidebook.config import Settings
    from tidebook.engine.bus import Bus
    from tidebook.engine.compliance.ports import Compliance
    from tidebook.engine.dead_letters import DeadLetters
    from tidebook.engine.jobs import JobBoard
    from tidebook.engine.keeping import Keeper
    from tidebook.engine.live import LivePortfolios
    from tidebook.engine.ports import Clock, Commands, Reader
    from tidebook.engine.telemetry import ArrearsReader
    from tidebook.wiring.stages_process import StagesProcess

__all__ = [
    "System",
    "SystemClock",
    "Watch",
    "application",
    "benchmark_provider",
    "database_url",
    "open_system",
    "serve",
    "serve_system",
]

_log = logging.getLogger("tidebook.wiring")

_STARTED_POLL_SECONDS = 0.01
_PATIENCE_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 1.0
_STAGES_SECONDS: Final = 10.0


class Watch(NamedTuple):
    """What a system tells of its own state: what it has done, how far it is behind, its schema."""

    metrics: Metrics | None
    arrears: ArrearsReader
    schema_ready: Callable[[], None]


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
    bus: Bus | None
    dead_letters: DeadLetters
    watch: Watch
    jobs: JobBoard | None
    live: LivePortfolios | None
    commit: GroupCommit
    stages: StagesProcess | None
    _keeper: Keeper
    _stack: ExitStack

    def retire(self) -> Mapping[str, int]:
        """Delete what is kept for long enough; return how many rows of which table."""
        return self._keeper.retire(cut_of(_kept(self.settings), self.clock.now()))

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


def open_system(
    settings: Settings, *, run: bool = True, counted: bool = False, beside: bool = False
) -> System:
    """Return a system on the database that the settings name, migrated and ready.

    Args:
        settings: Which database, and how many workers.
        run: Whether this process also runs the stages; without, it reads and takes facts in.
        counted: Whether to count what is done, for ``/metrics``.
        beside: Whether the stages run in a process beside this one, which is to answer meanwhile.

    Raises:
        DataDirectoryError: The data directory cannot be used by this process.
        StoreUnavailableError: The database cannot be reached.
    """
    with ExitStack() as stack:
        clock, cache = SystemClock(), MarketCache()
        url, pool = _opened_pool(settings, stack, upgrade_apart if beside else schema.upgrade)
        watch = _watch(settings, pool, clock)
        if counted:
            watch = _counting(watch, settings, pool, stack)
        bus = broker(settings)
        arrived, booked = Signal(), Signal()
        making = Making(settings, pool, cache, url, stack, watch.metrics, arrived, booked)
        store, reader, keeper = making.store, PostgresReader(pool, cache), PostgresKeeper(pool)
        compliance = PostgresCompliance(store(), pool, cache)
        roles = settings.roles if run else ()
        stages = None
        if beside and are_apart(roles):
            counts = watch.metrics.untraced() if watch.metrics is not None else None
            stages = stages_beside(making._replace(telemetry=counts))
        if stages is None:
            backlog = working(making, roles, compliance, Through(bus, store()) if bus else None)
        else:
            backlog = unbooked(store())
        commands = LogCommands(store(), clock, arrived=arrived, booked=booked, backlog=backlog)
        commit = GroupCommit(store(), clock, arrived=arrived, backlog=backlog)
        provider, board, live = benchmark_provider(settings), None, None
        benchmarks = Benchmarks(PostgresBenchmarks(pool), provider, reader, clock)
        if Role.CONTROL in roles:
            jobs = [retention_job(keeper, clock, _kept(settings)), *benchmark_jobs(benchmarks)]
            board = scheduled(jobs, pool, store("jobs"), watch.metrics, stack)
        letters = PostgresDeadLetters(pool, clock, live=partial(live_bus, settings, url))
        if Role.LIVE in roles:
            bus_of_live, lease = live_bus(settings, url), store("live")
            live = live_portfolios(
                settings, bus_of_live, reader, lease=lease, letters=letters, stack=stack
            )
        return System(
            commands,
            reader,
            clock,
            settings,
            url,
            benchmarks,
            compliance,
            bus,
            letters,
            watch,
            board,
            live,
            commit,
            stages,
            keeper,
            stack.pop_all(),
        )


def _opened_pool(
    settings: Settings, stack: ExitStack, upgrade: Callable[[str], object]
) -> tuple[str, ToldPool]:
    """Return the address of the database, brought to this release's schema, and connections."""
    url = database_url(settings, stack)
    upgrade(url)
    pool = open_pool(url)
    stack.callback(pool.close)
    return url, pool


def _watch(settings: Settings, pool: ToldPool, clock: Clock) -> Watch:
    """Return what may be asked of a system's state; nothing is counted."""
    arrears = PostgresArrears(pool, clock, is_shipped=settings.bus != "log")
    return Watch(None, arrears, partial(schema.ready, pool))


def _counting(watch: Watch, settings: Settings, pool: ToldPool, stack: ExitStack) -> Watch:
    """Return the same with everything counted from now on."""
    from tidebook.adapters.telemetry.metrics import Metrics  # noqa: PLC0415 - for servers

    metrics = Metrics(
        version=__version__,
        roles=settings.roles,
        arrears=watch.arrears,
        traces=traces(settings, stack),
    )
    pool.telemetry = metrics
    return watch._replace(metrics=metrics)


def _kept(settings: Settings) -> Kept:
    return Kept(
        settings.retention_log_days,
        settings.retention_known_days,
        is_shipped=settings.bus != "log",
    )


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve HTTP until interrupted.

    Args:
        settings: Where to listen, and on which database.
        on_ready: Called with the address once the door is open.
    """
    configure_logs(settings)
    serving = Event()
    with _ending_in_order(serving), _patiently(settings) as system:
        serving.set()
        serve_system(system, on_ready=on_ready)


@contextmanager
def _ending_in_order(serving: Event) -> Generator[None]:
    """Let SIGTERM end the process as Ctrl-C does: after the requests and batches at hand."""

    def leave(_: int, __: FrameType | None) -> None:
        # The server catches the signal itself, ends, and then passes it on to here.
        if not serving.is_set():
            raise KeyboardInterrupt

    if current_thread() is not main_thread():
        yield
        return
    before = signal(SIGTERM, leave)
    try:
        yield
    finally:
        signal(SIGTERM, before)


def _patiently(settings: Settings) -> System:
    """Open the system; one that does a part of the work waits for a database that comes up later.

    Raises:
        StoreUnavailableError: The database cannot be reached, after a long wait or in a process
            that does all of the work and is looked at by whoever started it.
    """
    end = monotonic() + (0.0 if settings.roles == EVERY_ROLE else _PATIENCE_SECONDS)
    while True:
        try:
            return open_system(settings, counted=True, beside=True)
        except StoreUnavailableError as error:
            if monotonic() >= end:
                raise
            _log.warning("%s; trying again in %s s", error, _PAUSE_SECONDS)
            sleep(_PAUSE_SECONDS)


def serve_system(system: System, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve HTTP for a system that is open already, until interrupted."""
    import uvicorn  # noqa: PLC0415 - reading the book from the command line must not pay for it

    settings = system.settings
    configure_logs(settings)
    config = uvicorn.Config(
        application(system),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    if system.live is not None:
        attended(system.live, system.watch.metrics, lambda: server.should_exit)
    if on_ready is not None:
        announcer = Thread(target=_announce, args=(server, on_ready), daemon=True)
        announcer.start()
    if system.stages is not None:
        system.stages.wait(_STAGES_SECONDS)  # made meanwhile; the door need not wait for ever
    server.run()


def application(system: System) -> FastAPI:
    """Return the HTTP application of a system, with its pages."""
    from tidebook.api import (  # noqa: PLC0415 - see above
        AppSettings,
        Dependency,
        Doors,
        create_app,
        random_id,
        random_nonce,
    )
    from tidebook.engine.user_desk import user_desk  # noqa: PLC0415
    from tidebook.engine.users import UserPolicy  # noqa: PLC0415
    from tidebook.web import create_pages  # noqa: PLC0415

    given = system.settings
    settings = AppSettings(max_body_bytes=given.max_body_bytes)
    reading = Role.QUERY in given.roles
    pages = create_pages(
        system.reader,
        version=settings.version,
        new_nonce=random_nonce,
        levels_of=system.benchmarks.levels,
    )
    others = [Dependency("schema", system.watch.schema_ready, needed=True)]
    if system.live is not None and given.redis_url is not None:
        others.append(Dependency("redis", system.live.ready, needed=given.roles == (Role.LIVE,)))
    if system.stages is not None:
        others.append(Dependency("stages", system.stages.ready, needed=True))
    if system.bus is not None:
        needed = Role.BOOK in given.roles
        others.append(Dependency("broker", system.bus.ready, needed=needed))
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
        pages=pages if reading else None,
        compliance=system.compliance,
        settings=settings,
        doors=Doors(
            takes=Role.INGEST in given.roles,
            answers=reading,
            roles=given.roles,
            schedules=Role.CONTROL in given.roles,
            watches=Role.LIVE in given.roles,
        ),
        dependencies=others,
        unbooked=partial(unread, system.watch.arrears),
        metrics_told=system.watch.metrics,
        jobs=system.jobs,
        live=system.live,
        commit=system.commit,
    )


def _announce(server: uvicorn.Server, on_ready: Callable[[str], None]) -> None:
    """Say where the door is once it is open; the port may have been any free one."""
    while not server.started:
        if server.should_exit:
            return
        sleep(_STARTED_POLL_SECONDS)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    on_ready(f"http://{host}:{port}")
