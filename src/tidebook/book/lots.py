"""Lots, and what one posting does to them: the values that the fold of a key works with.

A lot is a quantity acquired at a cost, kept in local and in base currency. A short position or an
overdraft is a lot of negative quantity and cost. What a posting takes from the lots it takes in
parts, each half even to 18 places, and the remainder stays with the lot, so that what left and
what stayed always sum to what was there.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.money import ZERO, exact
from tidebook.model.portfolios import TaxRates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tidebook.book.postings import Posting
    from tidebook.model.findings import Finding

DUST: Final = Decimal("1e-12")
"""A remainder of units at or below this is a residue of decimal fractions, not a holding."""


class Lot(NamedTuple):
    """Units acquired together. ``lot_id`` is the id of the transaction that opened it.

    A lot that was transferred, converted or split keeps its id and the day it was opened on.
    """

    lot_id: str
    opened_on: date
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal


Match = Lot
"""The part of a lot that one disposal consumed, with the cost that left with it: a lot itself."""


class LotRule(StrEnum):
    """How a key chooses the cost that leaves."""

    FIFO = "FIFO"
    """The oldest lot first."""
    LIFO = "LIFO"
    """The newest lot first."""
    HIFO = "HIFO"
    """The highest cost per unit first, in base currency; of a short, the lowest proceeds."""
    MIN_TAX = "MIN_TAX"
    """The least tax per unit first, at the key's rates for short and long holding periods."""
    AVCO = "AVCO"
    """One pool; every unit carries the average cost."""
    UNIT = "UNIT"
    """Cash in the base currency: every unit costs one, so there is nothing to choose."""


class RuleChange(NamedTuple):
    """From a day on, another rule."""

    on: date
    rule: LotRule


class KeyRules(NamedTuple):
    """The policy a key is folded under.

    ``changes`` are in order of their days. Keys with the same ``pool`` share an average cost
    while their rule is AVCO; an empty one is the key's own.
    """

    lots: LotRule = LotRule.FIFO
    allow_short: bool = False
    changes: tuple[RuleChange, ...] = ()
    pool: str = ""
    tax: TaxRates = TaxRates()

    def rule_on(self, on: date) -> LotRule:
        """Return the rule in force on a day."""
        rule = self.lots
        for change in self.changes:
            if change.on > on:
                break
            rule = change.rule
        return rule


class Holding(NamedTuple):
    """The state of a key: its open lots, oldest first, and their sums."""

    quantity: Decimal = ZERO
    cost_local: Decimal = ZERO
    cost_base: Decimal = ZERO
    lots: tuple[Lot, ...] = ()


class Entry(NamedTuple):
    """One posting, booked: what it did to quantity, cost and gain.

    ``quantity`` and the two costs are changes. ``opens`` are the lots that it opened or added to;
    ``matches`` are the parts of older lots that were consumed. The realised gain is None where
    nothing was realised; in base currency it is the price effect plus the currency effect.
    ``settled`` is the cash that the holding itself determined, in local currency: what an action
    paid on it, or the gain of a contract held on margin.
    """

    posting: Posting
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    opens: tuple[Lot, ...]
    matches: tuple[Match, ...]
    realised_local: Decimal | None
    realised_base: Decimal | None
    realised_price: Decimal | None
    realised_currency: Decimal | None
    settled: Decimal | None = None

    @property
    def opened(self) -> Decimal:
        """The quantity that became lots."""
        return _total(lot.quantity for lot in self.opens)

    @property
    def opened_cost_local(self) -> Decimal:
        """The cost of what became lots, in local currency."""
        return _total(lot.cost_local for lot in self.opens)

    @property
    def opened_cost_base(self) -> Decimal:
        """The cost of what became lots, in base currency."""
        return _total(lot.cost_base for lot in self.opens)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    with exact():
        return sum(amounts, ZERO)


class Folded(NamedTuple):
    """What a run of postings came to."""

    holding: Holding
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]


EMPTY: Final = Holding()
