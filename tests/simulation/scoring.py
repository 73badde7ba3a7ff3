"""The mutation score: which mutants the simulation kills, how soon, and by what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.simulation import Simulation
from tests.simulation.swarm import chance, over_a_bus, swarm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.mutants import Mutant

_REASON_MAX = 70
_STEPS_MAX = 50_000
"""Twice what the product needs: some mutants never come to rest."""
_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")


class Score(NamedTuple):
    """How a mutant fared."""

    mutant: Mutant
    seeds: int
    """How many seeds were run, the killing one included."""
    reason: str | None
    """What gave it away; None when nothing did."""

    def __str__(self) -> str:
        seeds = str(self.seeds) if self.reason else f"not in {self.seeds}"
        return f"{self.mutant.name:<28} {seeds:>10}  {self.reason or ''}"


def score(mutant: Mutant, seeds: Iterable[int]) -> Score:
    """Run seeds with a mutant until one of them fails."""
    count = 0
    for seed in seeds:
        count += 1
        reason = verdict(mutant, seed)
        if reason is not None:
            return Score(mutant, count, reason)
    return Score(mutant, count, None)


def verdict(mutant: Mutant, seed: int) -> str | None:
    """Run one seed with a mutant; return what gave it away, if anything did.

    Raises:
        TypeError, AttributeError: When the mutant does not fit the product, which then fails for
            another reason.
    """
    with mutant.applied():
        drawn = swarm(chance("swarm", seed))
        drawn = over_a_bus(drawn, seed) if mutant.over_a_bus else drawn
        drawn = drawn._replace(**mutant.weather)  # pyright: ignore[reportArgumentType]
        simulation = Simulation(seed, drawn, steps_max=_STEPS_MAX)
        try:
            simulation.run()
        except Exception as error:
            for met in (error, *simulation.met):
                if isinstance(met, TypeError | AttributeError):
                    raise met from error
            lines = (str(error) or type(error).__name__).splitlines()
            return _MEMBER.sub(r"\1", lines[0])[:_REASON_MAX]
    return None
