"""Mutants: the product, or the store's guards that it relies on, with one thing wrong.

A simulation that finds nothing proves nothing until it has found what is known to be there. Each
mutant is a fault that somebody could have written; the simulation must tell it from the product
within a bounded number of seeds.
"""

from tests.simulation.mutants import of_the_book, of_the_log, of_the_market
from tests.simulation.mutants.registry import ALL, Mutant

__all__ = ["Mutant", "mutants", "of_the_book", "of_the_log", "of_the_market"]


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant, in the order in which they are written down."""
    return tuple(ALL.values())
