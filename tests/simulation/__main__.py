"""Run seeds: ``python -m tests.simulation --seed 7``, ``--from 0 --count 100``, ``--score``."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from contextlib import nullcontext

from tests.simulation.mutants import mutants
from tests.simulation.scoring import score
from tests.simulation.simulation import Simulation
from tests.simulation.swarm import chance, over_a_bus, swarm


def main() -> int:
    """Run seeds, print what they came to, and tell by the exit code whether all were right."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay one seed")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--traces", action="store_true", help="print a digest of every run")
    parser.add_argument("--mutant", choices=[each.name for each in mutants()], help="with a fault")
    parser.add_argument("--bus", action="store_true", help="with a bus between the processes")
    parser.add_argument("--count", type=int, default=100, help="how many seeds")
    parser.add_argument("--score", action="store_true", help="print which seed kills each mutant")
    options = parser.parse_args()
    if options.score:
        return _print_scores(range(options.first, options.first + options.count))
    first = options.first if options.seed is None else options.seed
    count = options.count if options.seed is None else 1
    wrong = next((each for each in mutants() if each.name == options.mutant), None)
    faults: Counter[str] = Counter()
    failed: list[int] = []
    steps = commits = 0
    begun = time.perf_counter()
    for seed in range(first, first + count):
        try:
            with wrong.applied() if wrong else nullcontext():
                drawn = swarm(chance("swarm", seed))
                drawn = over_a_bus(drawn, seed) if options.bus else drawn
                report = Simulation(seed, drawn).run()
        except AssertionError:
            failed.append(seed)
            traceback.print_exc()
            sys.stdout.write(f"seed {seed} failed\n")
            continue
        if options.traces:
            sys.stdout.write(f"{seed}: {report.steps} {report.commits} {report.trace}\n")
        faults.update(report.faults)
        steps += report.steps
        commits += report.commits
    seconds = time.perf_counter() - begun
    for fault, times in faults.most_common():
        sys.stdout.write(f"{times:>9,}  {fault}\n")
    sys.stdout.write(
        f"{sum(faults.values()):>9,}  faults in {count} runs, {commits:,} commits and "
        f"{steps:,} steps; failed: {failed or 'none'}\n"
    )
    sys.stderr.write(f"{seconds:.1f} s\n")
    return 1 if failed else 0


def _print_scores(seeds: range) -> int:
    """Print the mutation score: each mutant, how many seeds it took, and what gave it away."""
    alive = 0
    for mutant in mutants():
        found = score(mutant, (mutant.first_seed, *seeds))
        alive += found.reason is None
        sys.stdout.write(f"{found}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(mutants()) - alive} of {len(mutants())} mutants were killed\n")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
