"""Mutants: the product, or the store's guards that it relies on, with one thing wrong.

A simulation that finds nothing proves nothing until it has found what is known to be there. Each
mutant is a fault that somebody could have written; the simulation must tell it from the product
within a few seeds, the first of them one that was seen to do it.

Four guards have no mutant here, since too much must coincide before anything shows: that what an
amendment replaces is looked at again under the lock, that a key is not folded on under another
policy, that what a new policy moves is folded at once, and that what has to wait from now on
leaves all its keys. Each has a test of its own on
PostgreSQL, in ``tests/faults/test_batches_that_meet.py``. Nor has it that the market is held while
series are valued, because a series whose market has moved is not written anyway
(``series_writes_stale_job``); the same file shows on PostgreSQL that who values and who brings
prices wait for each other.
"""

from tests.simulation.mutants import of_events, of_the_book, of_the_bus, of_the_log, of_the_market
from tests.simulation.mutants.registry import ALL, Mutant

__all__ = [
    "Mutant",
    "mutants",
    "of_events",
    "of_the_book",
    "of_the_bus",
    "of_the_log",
    "of_the_market",
]


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant, in the order in which they are written down."""
    return tuple(ALL.values())
