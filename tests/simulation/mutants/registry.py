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

SEEDS: Final = {
    "action_not_reapplied": 185,
    "back_dated_appended": 16,
    "batch_set_apart": 3,
    "cancelled_action_waits": 203,
    "carry_books_half": 4,
    "carry_loses_dates": 9,
    "clock_trusted": 22,
    "dearest_as_oldest": 107,
    "fence_kept_on_assignment": 7,
    "fence_not_presented": 22,
    "fence_not_raised": 22,
    "gap_passed_over": 19,
    "group_not_locked": 1,
    "instant_ignored": 12,
    "instrument_not_refolded": 139,
    "late_rate_not_woken": 10,
    "least_tax_as_dearest": 201,
    "levelled_though_refused": 71,
    "log_overwritten": 43,
    "losses_not_missed": 1,
    "lost_wake_up": 51,
    "newest_as_oldest": 6,
    "no_expected_offset": 36,
    "no_fence": 22,
    "offset_before_publishing": 3,
    "place_not_compared": 16,
    "policy_not_refolded": 28,
    "pool_kept_as_lots": 12,
    "pool_not_levelled": 71,
    "premium_dropped": 21,
    "price_of_sold_not_dirtied": 106,
    "rank_ignored": 5,
    "rate_not_dirtied": 10,
    "rate_not_refolded": 83,
    "refusals_forgotten": 133,
    "remainder_dropped_in_share": 8,
    "said_to_be_booked": 1,
    "same_day_skipped": 69,
    "series_writes_stale_job": 8,
    "settled_cash_forgotten": 50,
    "share_rounded_down": 8,
    "shipped_again_though_there": 3,
    "stale_generation": 85,
    "taken_apart_for_ever": 59,
    "taken_without_lead": 5,
    "waiting_forgotten": 5,
}
"""The first seed that kills a mutant, where that is not 0."""

_CALM: Final[Mapping[str, object]] = {
    "killed": 0.0,
    "lost": 0.0,
    "failed": 0.0,
    "refused": 0.0,
    "commit": 0.0,
    "clock_step_seconds": 0.001,
}

WEATHER: Final[Mapping[str, Mapping[str, object]]] = {
    # Whoever takes partitions has to be refused, and nothing may make it take them once more.
    "assignment_without_place": {**_CALM, "refused": 0.2, "processes": 1, "nemesis_seconds": 1e9},
    # A worker has to sleep in the middle of a batch for longer than it stays in its group.
    "fence_kept_on_assignment": {
        **_CALM,
        "stalled": 0.0,
        "processes": 3,
        "workers": 2,
        "nemesis": (Fault.PROCESS_STOPPED, Fault.ZOMBIE),
        "nemesis_seconds": 0.5,
    },
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
    # A batch has to commit between the reading of a series and its writing, and not to hold its
    # portfolio then: statements take a while, and nothing else goes wrong.
    "series_writes_stale_job": {
        **_CALM,
        "stalled": 0.1,
        "stall_seconds": 0.05,
        "think_seconds": 0.2,
        "processes": 1,
        "workers": 3,
        "nemesis_seconds": 1e9,
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
    over_a_bus: bool = False
    """Whether it needs a bus between the processes."""

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
    return _registered(make, over_a_bus=False)


def mutant_of_the_bus(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """Register a mutant that needs a bus between the processes."""
    return _registered(make, over_a_bus=True)


def _registered(make: Callable[[], list[Patch]], *, over_a_bus: bool) -> Callable[[], list[Patch]]:
    name = make.__name__
    what = (make.__doc__ or "").strip().rstrip(".")
    ALL[name] = Mutant(name, what, make, SEEDS.get(name, 0), over_a_bus)
    return make
