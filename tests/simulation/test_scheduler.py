"""One seed is one order, and what goes wrong in an actor is not lost."""

from __future__ import annotations

import pytest

from tests.simulation.scheduler import Ended, Group, Scheduler
from tests.simulation.swarm import chance


def _order(seed: int) -> list[str]:
    scheduler = Scheduler(chance("order", seed), switch_chance=0.5, steps_max=1000)
    seen: list[str] = []

    def walk(name: str) -> None:
        for _ in range(10):
            seen.append(name)
            scheduler.point()
        if len(seen) == 30:
            scheduler.end()

    for name in "abc":
        scheduler.spawn(name, lambda name=name: walk(name))
    scheduler.run()
    return seen


def test_a_seed_is_an_order() -> None:
    assert _order(1) == _order(1)
    assert len({tuple(_order(seed)) for seed in range(10)}) == 10


def test_time_leaps_when_everybody_rests() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=0.5, steps_max=1000)
    woken: list[float] = []

    def rest(seconds: float) -> None:
        scheduler.sleep(seconds)
        woken.append(seconds)
        if len(woken) == 3:
            scheduler.end()

    for seconds in (3600.0, 1.0, 60.0):
        scheduler.spawn(str(seconds), lambda seconds=seconds: rest(seconds))
    scheduler.run()
    assert woken == [1.0, 60.0, 3600.0]
    assert scheduler.now >= 3600.0


def test_the_actors_of_a_killed_process_unwind_and_others_go_on() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=0.5, steps_max=1000)
    group = Group("p")
    seen: list[str] = []

    def work() -> None:
        try:
            scheduler.wait()
        except Ended:
            seen.append("unwound")
            raise

    def kill() -> None:
        scheduler.sleep(1.0)
        group.alive = False
        scheduler.sleep(1.0)
        seen.append("went on")
        scheduler.end()

    scheduler.spawn("worker", work, group)
    scheduler.spawn("killer", kill)
    scheduler.run()
    assert seen == ["unwound", "went on"]


def test_a_stopped_process_goes_on_later() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=1.0, steps_max=1000)
    group = Group("p")
    group.stopped_until = 5.0
    at: list[float] = []

    def work() -> None:
        at.append(scheduler.now)
        scheduler.end()

    scheduler.spawn("worker", work, group)
    scheduler.run()
    assert at == [5.0]


def test_a_failure_ends_the_run() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=0.5, steps_max=1000)

    def fail() -> None:
        msg = "wrong"
        raise ValueError(msg)

    scheduler.spawn("idle", scheduler.wait)
    scheduler.spawn("failing", fail)
    with pytest.raises(ValueError, match="wrong"):
        scheduler.run()


def test_nobody_left_to_wake_anybody_is_a_failure() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=0.5, steps_max=1000)
    scheduler.spawn("idle", scheduler.wait)
    with pytest.raises(AssertionError, match="everybody waits"):
        scheduler.run()


def test_no_rest_is_a_failure() -> None:
    scheduler = Scheduler(chance("order", 1), switch_chance=0.0, steps_max=100)

    def spin() -> None:
        while True:
            scheduler.point()

    scheduler.spawn("busy", spin)
    with pytest.raises(AssertionError, match="no rest after 100 steps"):
        scheduler.run()
