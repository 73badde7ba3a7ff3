"""Whatever dies, stalls, is repeated or comes late: the book is that of the final facts.

Thousands of small runs of the whole pipeline, each drawn from a seed. ``tests/simulation`` says
what a run is; a failure prints the command that has it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulation.mutants import mutants
from tests.simulation.regressions import OVER_A_BUS, REGRESSIONS
from tests.simulation.scoring import score
from tests.simulation.simulation import Simulation
from tests.simulation.swarm import BusFault, Fault, chance, over_a_bus, swarm

if TYPE_CHECKING:
    from tests.simulation.mutants import Mutant

_ROOT = Path(__file__).parents[2]
_SEEDS = 240
_FAULTS_MIN = 50_000
_BUS_SEEDS = 24
_NIGHT_SEEDS = 6_000
_NIGHT_BUS_SEEDS = 1_500
_NIGHT_FAULTS_MIN = 1_000_000
_MUTANT_SEEDS = 20
_MUTANTS_MIN = 20


def _storm(first: int, count: int, *, bus: bool = False) -> Counter[Fault | BusFault]:
    faults: Counter[Fault | BusFault] = Counter()
    for seed in range(first, first + count):
        drawn = swarm(chance("swarm", seed))
        try:
            run = Simulation(seed, over_a_bus(drawn, seed) if bus else drawn).run()
        except AssertionError as error:
            how = f"--seed {seed}{' --bus' if bus else ''}"
            error.add_note(f"replay it: python -m tests.simulation {how}")
            raise
        faults.update(run.faults)
    return faults


def _table(faults: Counter[Fault | BusFault]) -> str:
    lines = [f"{times:>9,}  {fault}" for fault, times in faults.most_common()]
    return "\n".join([*lines, f"{faults.total():>9,}  faults"])


def test_a_storm_of_faults_changes_nothing() -> None:
    faults = _storm(0, _SEEDS)
    sys.stdout.write(_table(faults))
    assert faults.total() >= _FAULTS_MIN
    assert set(faults) == set(Fault), "a kind of fault never took effect"


def test_a_storm_over_a_bus_changes_nothing() -> None:
    """The log is shipped, and read by whoever the bus gives it to, while both go wrong."""
    faults = _storm(0, _BUS_SEEDS, bus=True)
    sys.stdout.write(_table(faults))
    assert set(BusFault) <= set(faults), "a kind of fault never took effect"


@pytest.mark.night
def test_a_night_of_storms_changes_nothing() -> None:
    first = int(os.environ.get("TIDEBOOK_SIMULATION_SEED", "1000000"))
    faults = _storm(first, _NIGHT_SEEDS)
    sys.stdout.write(_table(faults))
    assert faults.total() >= _NIGHT_FAULTS_MIN


@pytest.mark.night
def test_a_night_of_storms_over_a_bus_changes_nothing() -> None:
    first = int(os.environ.get("TIDEBOOK_SIMULATION_SEED", "1000000"))
    sys.stdout.write(_table(_storm(first, _NIGHT_BUS_SEEDS, bus=True)))


@pytest.mark.parametrize(
    ("seed", "what"), [pytest.param(seed, what, id=str(seed)) for seed, what in REGRESSIONS]
)
def test_what_failed_once_holds(seed: int, what: str) -> None:
    Simulation(seed).run()


@pytest.mark.parametrize(
    ("seed", "what"), [pytest.param(seed, what, id=str(seed)) for seed, what in OVER_A_BUS]
)
def test_what_failed_once_over_a_bus_holds(seed: int, what: str) -> None:
    Simulation(seed, over_a_bus(swarm(chance("swarm", seed)), seed)).run()


def test_the_same_seed_is_the_same_run() -> None:
    assert Simulation(3).run() == Simulation(3).run()
    assert Simulation(3).run() != Simulation(4).run()


def test_the_order_of_sets_does_not_decide_a_run() -> None:
    """Python orders sets of texts anew in every process; a seed must not depend on it."""
    outputs = [_replayed(hash_seed) for hash_seed in ("1", "2")]
    assert outputs[0] == outputs[1]


def _replayed(hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--count", "4", "--traces"]
    path = os.pathsep.join(("src", os.environ.get("PYTHONPATH", "")))
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_there_are_mutants_to_kill() -> None:
    assert len(mutants()) >= _MUTANTS_MIN


@pytest.mark.parametrize("mutant", mutants(), ids=str)
def test_every_mutant_is_killed(mutant: Mutant) -> None:
    found = score(mutant, (mutant.first_seed, *range(_MUTANT_SEEDS)))
    sys.stdout.write(f"{found}\n")
    assert found.reason is not None, f"{mutant.name} lives: {mutant.what}"
