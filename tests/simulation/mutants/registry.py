"""What a mutant is, and the list of all of them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.simulation.swarm import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

Patch = tuple[Any, str, Any]
"""An owner, the name of one of its members, and what stands in for it."""

RARE: Final = {
    "clock_trusted": 8,
    "folded_on_under_other_rules": 2_001_027,
    "moved_from_cash_lost": 1_001_381,
    "price_of_sold_not_dirtied": 53,
    "refusals_forgotten": 79,
    "replaced_as_first_seen": 85,
    "same_day_skipped": 15,
    "stale_generation": 94,
}
"""Those that show only where several things coincide, with a seed at which they did."""

WEATHER: Final[Mapping[str, Mapping[str, object]]] = {
    # A worker has to sleep while another process leads, and to wake under its own once more.
    "no_expected_offset": {
        "killed": 0.0,
        "lost": 0.0,
        "failed": 0.0,
        "refused": 0.0,
        "commit": 0.0,
        "stalled": 0.02,
        "stall_seconds": 20.0,
        "processes": 2,
        "workers": 2,
        "nemesis": (Fault.LEAD_LOST,),
        "nemesis_seconds": 2.0,
        "clock_step_seconds": 0.001,
    },
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One thing wrong."""

    name: str
    what: str
    """What is wrong, in words."""
    patches: Callable[[], list[Patch]]
    first_seed: int = 0
    """Where to look first."""

    @property
    def weather(self) -> Mapping[str, object]:
        """The rates that are not drawn for it but set, so that what it needs happens."""
        return WEATHER.get(self.name, {})

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def applied(self) -> Generator[None]:
        """Have it wrong for as long as the block lasts."""
        with ExitStack() as stack:
            for owner, name, wrong in self.patches():
                stack.enter_context(patch.object(owner, name, wrong))
            yield


ALL: Final[dict[str, Mutant]] = {}
"""Every mutant by its name, in the order in which they are written down."""


def mutant(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """Register a mutant under the name of its function, with the function's sentence."""
    name = make.__name__
    ALL[name] = Mutant(name, (make.__doc__ or "").strip().rstrip("."), make, RARE.get(name, 0))
    return make
