"""The tax view of a book: what of each loss counts now, later or never, and what lots carry.

It stands beside the investment book and changes nothing of it: for tax, a lot's basis is its cost
in the book plus the losses that were deferred into it, and it is held since its own day less the
days that the shares which it replaced were held.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.choosing import is_long_term
from tidebook.book.holding_periods import Term
from tidebook.book.trades import Side
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.identity import Confidence
    from tidebook.compliance.taxes.lot_events import LotKey

LONG_TERM_MONTHS = 12


class Standing(StrEnum):
    """How final a sale's figures are."""

    SETTLED = "settled"
    """No later acquisition can change them."""
    PROVISIONAL = "provisional"
    """A loss that an acquisition in the rest of its window would wash."""


class Replacement(NamedTuple):
    """Shares that replaced sold ones, and the loss that this disallows.

    Where ``is_permanent``, the loss was not added to a basis, for the shares are in an account
    that has none: it is lost.
    """

    lot: LotKey
    acquired_on: date
    shares: Decimal
    disallowed: Decimal
    is_permanent: bool
    confidence: Confidence


class TaxSale(NamedTuple):
    """Shares of one lot that were sold, or covered, under one tax basis.

    ``proceeds`` and ``basis`` are those for tax: deferred losses raise the basis of a long lot
    and lower the proceeds of a short one; ``adjustment`` says by how much. Of a short sale,
    ``acquired_on`` is the day of the sale and ``on`` that of the cover. ``held_since`` counts
    with the days that tack. ``exempt`` says why the loss cannot be washed, and ``doubt`` what is
    not decided here.
    """

    sale_id: str
    lot: LotKey
    side: Side
    acquired_on: date
    held_since: date
    on: date
    shares: Decimal
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    adjustment: Decimal
    replacements: tuple[Replacement, ...]
    window_ends_on: date
    exempt: str = ""
    doubt: str = ""

    @property
    def gain_before_wash(self) -> Decimal:
        """Proceeds less basis; negative for a loss."""
        with exact():
            return self.proceeds - self.basis

    @property
    def disallowed(self) -> Decimal:
        """What of the loss does not count now; never negative, never more than the loss."""
        with exact():
            return sum((each.disallowed for each in self.replacements), ZERO)

    @property
    def permanent(self) -> Decimal:
        """The part of ``disallowed`` that never will count."""
        with exact():
            return sum((each.disallowed for each in self.replacements if each.is_permanent), ZERO)

    @property
    def recognised(self) -> Decimal:
        """The gain or loss that counts: the gain before the rule plus what is disallowed."""
        with exact():
            return self.gain_before_wash + self.disallowed

    @property
    def term(self) -> Term:
        """Long when held for more than a year, tacked days among them; a short sale never is."""
        if self.side is Side.SHORT:
            return Term.SHORT
        is_long = is_long_term(self.held_since, self.on, LONG_TERM_MONTHS)
        return Term.LONG if is_long else Term.SHORT

    def standing(self, as_of: date) -> Standing:
        """Return how final the figures are on a day."""
        is_open = as_of <= self.window_ends_on and self.recognised < ZERO and not self.exempt
        return Standing.PROVISIONAL if is_open else Standing.SETTLED


class LotAdjustment(NamedTuple):
    """What shares of an open lot carry for tax beside their cost in the book.

    Of a short lot, ``amount`` is taken off its proceeds. ``has_replaced`` tells whether the shares
    have replaced sold ones, and so cannot do so again.
    """

    lot: LotKey
    side: Side
    acquired_on: date
    held_since: date
    shares: Decimal
    amount: Decimal
    has_replaced: bool


class TaxView(NamedTuple):
    """What a household's lots come to for tax.

    ``sales`` are in the order of their days; ``lots`` are what is open after the last event.
    ``gone`` are deferred losses in units that left without being sold.
    """

    sales: tuple[TaxSale, ...]
    lots: tuple[LotAdjustment, ...]
    gone: Decimal = ZERO

    @property
    def totals(self) -> TaxTotals:
        """The sums of the sales, and what open lots still carry."""
        with exact():
            before = sum((sale.gain_before_wash for sale in self.sales), ZERO)
            disallowed = sum((sale.disallowed for sale in self.sales), ZERO)
            permanent = sum((sale.permanent for sale in self.sales), ZERO)
            carried = sum((sale.adjustment for sale in self.sales), ZERO)
            deferred = sum((lot.amount for lot in self.lots), self.gone)
            return TaxTotals(before + disallowed, disallowed, permanent, deferred, before + carried)


class TaxTotals(NamedTuple):
    """Sums of a tax view.

        recognised - deferred - permanent = economic

    ``economic`` is what the sales gained in the investment book. ``disallowed`` counts a loss
    that rolls on each time that it does; ``deferred`` is what lies in open lots at last.
    """

    recognised: Decimal
    disallowed: Decimal
    permanent: Decimal
    deferred: Decimal
    economic: Decimal
