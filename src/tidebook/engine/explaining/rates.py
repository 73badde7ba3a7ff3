"""The trees of exchange rates: those of the day, and those that a fact was booked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.derivation import given
from tidebook.book.trees.rates import rate_tree

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.book.derivation import Node, Source
    from tidebook.model.markets import RateTable


class Rates:
    """Draws the trees of rates, each pair and day once."""

    def __init__(self, table: RateTable) -> None:
        """Keep the rates."""
        self.table = table
        self._drawn: dict[tuple[str, str, date], Node | None] = {}

    def tree(self, source: str, target: str, on: date) -> Node | None:
        """Return where a rate comes from; None in one currency, or where none is known."""
        if source == target:
            return None
        key = (source, target, on)
        if key not in self._drawn:
            self._drawn[key] = rate_tree(self.table, source, target, on)
        return self._drawn[key]


class Used(NamedTuple):
    """The rates that one fact was booked at: its own, or those of the day.

    ``recorded`` is the rate from ``pair`` that a transaction states by itself.
    """

    rates: Rates
    base: str
    on: date
    fact: Source | None
    recorded: Decimal | None = None
    pair: tuple[str, str] = ("", "")

    def tree(self, source: str, target: str) -> Node | None:
        """Return where a rate comes from; None in one currency, or where it is not known now."""
        if self.recorded is not None and source != target and (source, target) == self.pair:
            label = f"rate {source}/{target} recorded with the transaction"
            return given(label, self.recorded, "", self.fact)
        return self.rates.tree(source, target, self.on)

    def agreed(self, source: str, rate: Decimal) -> Node | None:
        """Return the rate to the base currency; of the book where those known now differ."""
        found = self.tree(source, self.base)
        if found is None or found.value == rate:
            return found
        label = f"rate {source}/{self.base} as known when it was booked, {self.on}"
        return given(label, rate, "", self.fact)
