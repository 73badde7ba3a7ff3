"""Seeds that showed a fault of the product, and what they found: each is run with every change.

A seed draws another run once the simulation draws differently. So each finding is also held by the
mutant that brings the fault back, which must be killed by some seed whatever they draw.
"""

from __future__ import annotations

from typing import Final

REGRESSIONS: Final[tuple[tuple[int, str], ...]] = (
    (0, "the leader ended when taking over was refused, and kept the lead (leader_gives_up)"),
    (
        85,
        (
            "an amendment met a worker that booked the version before, and left its cash behind "
            "(replaced_as_first_seen); after a step of the clock a row ended before it began "
            "(clock_trusted)"
        ),
    ),
    (
        1_001_381,
        (
            "a batch on a cash account took from it what a new policy moves to another key, before "
            "that key was folded again (moved_from_cash_lost)"
        ),
    ),
    (
        2_001_027,
        (
            "a batch folded a cash account on under a new policy before it was folded again "
            "(folded_on_under_other_rules)"
        ),
    ),
)
