"""The stages, put together: which of them run in this process."""

from __future__ import annotations

import gc
from sys import setswitchinterval
from threading import Timer
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.adapters.postgres.store import PostgresStore
from tidebook.config import Role
from tidebook.engine.runner import Runner, Stage, unbooked
from tidebook.wiring.clock import SystemClock
from tidebook.wiring.stages_process import Orders, StagesProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from tidebook.adapters.postgres.compliance_store import PostgresCompliance
    from tidebook.adapters.postgres.lead import LeadName
    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.adapters.postgres.pool import ToldPool
    from tidebook.config import Settings
    from tidebook.engine.runner import Through
    from tidebook.engine.signals import Signal
    from tidebook.engine.telemetry import Telemetry

_STAGES: Final = frozenset({Role.BOOK, Role.SERIES})
_ANSWERING: Final = frozenset({Role.INGEST, Role.QUERY, Role.LIVE})
# What the engine makes is frozen and never cyclic: looking for cycles often is wasted work.
_GC_THRESHOLDS = (500_000, 20, 100)
# Who books has enough to do: processes that do little else are given the time to ship first.
_OTHERS_FIRST_SECONDS: Final = 5.0
# A thread that computes keeps the others waiting for so long, several times in every request: at
# Python's own 5 ms a door beside a busy book answers some fifty requests a second.
_SWITCH_SECONDS: Final = 0.0005


class Making(NamedTuple):
    """What the parts of a system are made of."""

    settings: Settings
    pool: ToldPool
    cache: MarketCache
    url: str
    stack: ExitStack
    telemetry: Telemetry | None
    arrived: Signal
    booked: Signal

    def store(self, lead: LeadName = "stages") -> PostgresStore:
        """Return a store that is closed with the system."""
        made = PostgresStore(self.pool, self.cache, conninfo=self.url, lead=lead)
        self.stack.callback(made.close)
        return made


def working(
    making: Making, roles: Sequence[Role], compliance: PostgresCompliance, through: Through | None
) -> Callable[[], int]:
    """Run the stages of some roles from now on; return what tells how much lies unbooked."""
    settings, stack = making.settings, making.stack
    running: list[Runner] = []

    def runner(
        lead: LeadName,
        stage: Stage,
        behind: Callable[[], int] | None = None,
        after_seconds: float = 0.0,
    ) -> Runner:
        made = Runner(
            making.store(lead),
            SystemClock(),
            arrived=making.arrived,
            booked=making.booked,
            workers=settings.workers,
            batch_max=settings.book_batch_max,
            stages=[stage],
            through=through,
            unbooked=behind,
            compliance=compliance if stage is Stage.SERIES else None,
            telemetry=making.telemetry,
        )
        stack.callback(made.stop)
        running.append(made)
        if after_seconds:
            beginning = Timer(after_seconds, made.start)
            beginning.daemon = True
            beginning.start()
            stack.callback(beginning.cancel)
        else:
            made.start()
        return made

    take_turns()
    backlog = unbooked(making.store())
    if Role.BOOK in roles:
        made = runner("stages", Stage.BOOK)
        backlog = made.backlog if through is None else backlog
    if Role.SERIES in roles:
        runner("series", Stage.SERIES, backlog)
    if through is not None and not set(roles) <= {Role.QUERY, Role.LIVE}:
        leaves_it = set(roles).isdisjoint({Role.INGEST, Role.SERIES, Role.CONTROL})
        runner(
            "shipping", Stage.SHIPPING, after_seconds=_OTHERS_FIRST_SECONDS if leaves_it else 0.0
        )
    stack.callback(_ask_to_stop, running)
    return backlog


def are_apart(roles: Sequence[Role]) -> bool:
    """Tell whether a process that has these roles has its stages run beside it."""
    return not _STAGES.isdisjoint(roles) and not _ANSWERING.isdisjoint(roles)


def stages_beside(making: Making) -> StagesProcess:
    """Have a process run the stages from now on, and return what keeps it at work."""
    made = StagesProcess(
        Orders(making.settings, making.url), booked=making.booked, telemetry=making.telemetry
    )
    take_turns()
    made.start()
    making.stack.callback(made.stop)
    return made


def take_turns() -> None:
    """Have this process collect garbage seldom and its threads take turns often."""
    gc.set_threshold(*_GC_THRESHOLDS)
    setswitchinterval(_SWITCH_SECONDS)


def _ask_to_stop(running: Sequence[Runner]) -> None:
    """Tell all runners, before they are waited for one after the other."""
    for each in running:
        each.ask_to_stop()
