"""What production code takes from ``threading`` and ``time``, on virtual time and one baton."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

from tidebook.engine import commands
from tidebook.engine.runner import consuming, feeds, workers
from tidebook.engine.runner.sparing import Sparing
from tidebook.engine.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.simulation.scheduler import Actor, Scheduler

_FOREVER = float("inf")


class _Waiters:
    """Who waits for one thing."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._actors: list[Actor] = []

    def wake(self) -> None:
        """Let everybody go on."""
        for actor in self._actors:
            self._scheduler.wake(actor)

    def wait(self, until: Callable[[], bool], timeout_seconds: float | None) -> bool:
        """Rest until something holds or the time runs out; tell whether it holds."""
        scheduler = self._scheduler
        end = _FOREVER if timeout_seconds is None else scheduler.now + timeout_seconds
        me = scheduler.me
        self._actors.append(me)
        try:
            while not until() and scheduler.now < end:
                scheduler.wait(None if end == _FOREVER else end - scheduler.now)
        finally:
            self._actors.remove(me)
        return until()


class SimulatedEvent:
    """Stands for ``threading.Event``."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Be unset."""
        self._waiters = _Waiters(scheduler)
        self._set = False

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it and wake who waits."""
        self._set = True
        self._waiters.wake()

    def clear(self) -> None:
        """Unset it."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set or the time runs out."""
        return self._waiters.wait(self.is_set, timeout)


class SimulatedSignal(Signal):
    """A signal between actors."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Start at zero."""
        super().__init__()
        self._waiters = _Waiters(scheduler)

    def give(self) -> None:
        """Wake whoever waits."""
        self._count += 1
        self._waiters.wake()

    def wait(self, seen: int, timeout_seconds: float) -> int:
        """Wait until the count differs from ``seen`` or the time runs out; return the count."""
        self._waiters.wait(lambda: self._count != seen, timeout_seconds)
        return self._count


class SimulatedThread:
    """Stands for ``threading.Thread``: an actor of the process that starts it."""

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        target: Callable[..., None],
        name: str,
        args: tuple[object, ...] = (),
        daemon: bool = True,
    ) -> None:
        """Keep what to run."""
        self._scheduler = scheduler
        self._body = partial(target, *args)
        self._name = name
        self.daemon = daemon
        self._actor: Actor | None = None
        self._ended = SimulatedEvent(scheduler)

    def start(self) -> None:
        """Begin to run when the baton comes round."""
        group = self._scheduler.me.group
        self._actor = self._scheduler.spawn(self._name, self._run, group)

    def _run(self) -> None:
        try:
            self._body()
        finally:
            self._ended.set()

    def join(self) -> None:
        """Wait until it has ended; one whose process died before it began never will."""
        while not self._ended.wait(1.0):
            if self._actor is None or self._actor.done:
                return


class _Time:
    """Stands for the module ``time``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.monotonic: Callable[[], float] = lambda: scheduler.now
        self.perf_counter = self.monotonic


@contextmanager
def simulated(scheduler: Scheduler) -> Generator[None]:
    """Give production code these in the place of the real ones, for as long as the block lasts."""
    time = _Time(scheduler)
    with ExitStack() as stack:
        for module, name, stands_in in (
            (workers, "Thread", partial(SimulatedThread, scheduler)),
            (workers, "Event", partial(SimulatedEvent, scheduler)),
            (workers, "Signal", partial(SimulatedSignal, scheduler)),
            (workers, "time", time),
            (workers, "Sparing", partial(Sparing, clock=time.monotonic)),
            (commands, "time", time),
            (feeds, "time", time),
            (consuming, "time", time),
        ):
            stack.enter_context(patch.object(module, name, stands_in))
        yield
