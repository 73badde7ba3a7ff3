"""Many actors, one baton: threads of which exactly one runs, in an order drawn from a seed.

Production code blocks where it likes, so every actor is a thread. Only the holder of the baton
runs; it hands the baton on at the points where a process could be interrupted. Time is virtual: it
moves a little at every point, and leaps to the next alarm when everybody rests.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_TICK_SECONDS: Final = 0.0005
_FOREVER: Final = float("inf")


class Ended(BaseException):
    """The run is over, or the actor's process is: unwind.

    Not an ``Exception``: nothing in production code may take it for a failure of its own.
    """


class Group:
    """A process as the scheduler sees it: its actors stall and die together."""

    def __init__(self, name: str) -> None:
        """Be alive, and not stopped."""
        self.name = name
        self.alive = True
        self.stopped_until = 0.0


class Actor:
    """One thread of the simulation."""

    def __init__(self, name: str, body: Callable[[], None], group: Group | None) -> None:
        """Wait for the first turn."""
        self.name = name
        self.body = body
        self.group = group
        self.turn = threading.Lock()
        self.turn.acquire()
        self.thread: threading.Thread | None = None
        self.wakes_at = 0.0
        self.done = False

    @property
    def dead(self) -> bool:
        """Whether the process of this actor has ended."""
        return self.group is not None and not self.group.alive

    def ready_at(self) -> float:
        """Return when this actor can go on."""
        if self.group is None or not self.group.alive:
            # Who is dead has only to unwind; that its session ended is noticed when it does.
            return 0.0 if self.dead else self.wakes_at
        return max(self.wakes_at, self.group.stopped_until)


class Scheduler:
    """Hands the baton on.

    Args:
        random: Decides who is next.
        switch_chance: How often a point hands the baton on.
        steps_max: After so many points without an end the run has failed.
    """

    def __init__(self, random: Random, *, switch_chance: float, steps_max: int) -> None:
        """Begin without actors, at the instant zero."""
        self.random = random
        self.now = 0.0
        self.steps = 0
        self.trace = 0
        """A digest of who ran when: equal for equal runs."""
        self.failure: BaseException | None = None
        self.ended = False
        self.at_rest: Callable[[], bool] = lambda: False
        """Asked before time leaps: whether there is nothing left to wait for."""
        self._switch_chance = switch_chance
        self._steps_max = steps_max
        self._actors: list[Actor] = []
        self._main = threading.Lock()
        self._main.acquire()
        self.current: Actor | None = None

    def spawn(self, name: str, body: Callable[[], None], group: Group | None = None) -> Actor:
        """Add an actor; it runs when the baton first comes to it."""
        actor = Actor(name, body, group)
        self._actors.append(actor)
        return actor

    def run(self) -> None:
        """Run until :meth:`end`; then unwind whoever is left.

        Raises:
            BaseException: What made the run fail.
        """
        self._pass_on(None)
        while any(not actor.done for actor in self._actors):
            left = next(actor for actor in self._actors if not actor.done)
            if left.thread is None:
                left.done = True
                continue
            self.current = left
            left.turn.release()
            self._main.acquire()
        for actor in self._actors:
            if actor.thread is not None:
                actor.thread.join()
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """End the run."""
        self.ended = True

    def fail(self, reason: BaseException) -> None:
        """End the run because of a failure; the first one stands."""
        self.failure = self.failure or reason
        self.ended = True

    def stop_if_over(self) -> None:
        """Unwind the current actor when it has no business to go on."""
        if self.ended or self._me.dead:
            raise Ended

    def point(self) -> None:
        """Let time pass, and perhaps somebody else run."""
        self.stop_if_over()
        self.now += _TICK_SECONDS
        self.steps += 1
        if self.steps > self._steps_max:
            self.fail(AssertionError(f"no rest after {self._steps_max} steps"))
            raise Ended
        if self.random.random() < self._switch_chance:
            self._switch()

    def sleep(self, seconds: float) -> None:
        """Rest for a while."""
        self.stop_if_over()
        self._me.wakes_at = self.now + seconds
        self._switch()

    def wait(self, seconds: float | None = None) -> None:
        """Rest until woken, for some seconds at the most."""
        self.stop_if_over()
        self._me.wakes_at = _FOREVER if seconds is None else self.now + seconds
        self._switch()

    def wake(self, actor: Actor) -> None:
        """Let an actor that waits go on."""
        actor.wakes_at = min(actor.wakes_at, self.now)

    @property
    def me(self) -> Actor:
        """The actor that runs."""
        return self._me

    @property
    def _me(self) -> Actor:
        if self.current is None:
            msg = "no actor runs"
            raise RuntimeError(msg)
        return self.current

    def _switch(self) -> None:
        me = self._me
        other = self._next()
        if other is not me:
            self._hand_to(other)
            me.turn.acquire()
        self.stop_if_over()

    def _next(self) -> Actor | None:
        """Choose who runs next; None when the run is over."""
        while not self.ended:
            ready: list[Actor] = []
            soonest = _FOREVER
            for actor in self._actors:
                at = actor.ready_at()
                if at <= self.now:
                    ready.append(actor)
                elif at < soonest:
                    soonest = at
            if ready:
                chosen = ready[int(self.random.random() * len(ready))]
                self.trace = hash((self.trace, self.steps, self._actors.index(chosen)))
                return chosen
            if self.at_rest():
                self.end()
            elif soonest == _FOREVER:
                self.fail(AssertionError("everybody waits for somebody else"))
            else:
                self.now = soonest
        return None

    def _hand_to(self, other: Actor | None) -> None:
        if other is None:
            self._main.release()
            return
        self.current = other
        if other.thread is None:
            other.thread = threading.Thread(target=self._body, args=(other,), daemon=True)
            other.thread.start()
        else:
            other.turn.release()

    def _pass_on(self, _: None) -> None:
        self._hand_to(self._next())
        self._main.acquire()

    def _body(self, actor: Actor) -> None:
        try:
            if not (self.ended or actor.dead):
                actor.body()
        except Ended:
            actor.done = True
        except BaseException as error:  # noqa: BLE001 - it is raised again by run
            error.add_note(f"{actor.name} has ended by it")
            self.fail(error)
        actor.done = True
        if self.ended:
            self._main.release()
            return
        self._actors.remove(actor)
        other = self._next()
        self._hand_to(other)
