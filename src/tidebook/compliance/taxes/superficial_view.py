"""What Canada's superficial loss rule rests on and results in, as values.

Source: Income Tax Act (Canada), section 54 "superficial loss", 40(2)(g)(i) and 53(1)(f). The share
of a loss that is denied, the least of three counts of units, is the practice of the Canada Revenue
Agency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.taxes.identity import Identity
from tidebook.compliance.taxes.lot_events import Account
from tidebook.compliance.taxes.tax_view import Standing
from tidebook.model.money import ZERO, exact, share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import LotKey

SUPERFICIAL_RULE_ID: Final = "superficial_loss_ca"
SUPERFICIAL_RULE_VERSION: Final = "1"
SUPERFICIAL_SOURCE_URL: Final = "https://laws-lois.justice.gc.ca/eng/acts/I-3.3/section-54.html"


def denied_loss(loss: Decimal, sold: Decimal, acquired: Decimal, held: Decimal) -> Decimal:
    """Return what is denied of a loss, half even to 18 places.

    Args:
        loss: The loss, positive.
        sold: Units sold at the loss; more than none.
        acquired: Units acquired in the 61 days around the sale.
        held: Units held when these 61 days end.

    Example:
        100 units sold at a loss of 200; 40 bought within 30 days, and all 40 kept.

        >>> from decimal import Decimal as D
        >>> denied_loss(D(200), D(100), D(40), D(40))
        Decimal('80')
    """
    with exact():
        return share(loss, max(ZERO, min(sold, acquired, held)), sold)


@dataclass(frozen=True, slots=True)
class SuperficialTerms:
    """The accounts of a taxpayer and of the persons affiliated, and the rule's parameter.

    Accounts that are not named are the taxpayer's own and not registered. All accounts of one
    owner that are not registered share one adjusted cost base per security; every controlled
    entity has its own.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    identity: Identity = field(default_factory=Identity)
    window_days: int = 30

    def account(self, account_id: str) -> Account:
        """Return an account."""
        return self.accounts.get(account_id) or Account(account_id)

    def first_clean_day(self, on: date) -> date:
        """Return the first day after ``on`` that its window does not reach: 31 days later."""
        return on + timedelta(days=self.window_days + 1)


class Substitute(NamedTuple):
    """Units that were acquired for what was sold, and the loss that went into their cost base.

    Where ``is_permanent``, they are in a registered account and the loss is gone.
    """

    lot: LotKey
    acquired_on: date
    units: Decimal
    denied: Decimal
    is_permanent: bool


class SuperficialSale(NamedTuple):
    """A sale by what of it counts.

    ``basis`` is the book's cost of what was sold plus ``adjustment``, its part of what had been
    denied and added before. ``acquired`` and ``held`` are units that no earlier loss has used up.
    """

    sale_id: str
    account_id: str
    security_id: str
    on: date
    units: Decimal
    proceeds: Decimal
    basis: Decimal
    adjustment: Decimal
    acquired: Decimal
    held: Decimal
    substitutes: tuple[Substitute, ...]
    window_ends_on: date

    @property
    def gain(self) -> Decimal:
        """Proceeds less basis; negative for a loss."""
        with exact():
            return self.proceeds - self.basis

    @property
    def denied(self) -> Decimal:
        """What of the loss does not count; never negative, never more than the loss."""
        with exact():
            return sum((each.denied for each in self.substitutes), ZERO)

    @property
    def permanent(self) -> Decimal:
        """The part of ``denied`` that is gone for good."""
        with exact():
            return sum((each.denied for each in self.substitutes if each.is_permanent), ZERO)

    @property
    def allowed(self) -> Decimal:
        """The gain or loss that counts."""
        with exact():
            return self.gain + self.denied

    def standing(self, as_of: date) -> Standing:
        """Return how final the figures are on a day: until the window ends, what is held counts."""
        is_open = self.gain < ZERO and as_of <= self.window_ends_on
        return Standing.PROVISIONAL if is_open else Standing.SETTLED


class CostBase(NamedTuple):
    """What denied losses add to the adjusted cost base of a security that an owner holds."""

    owner: str
    security_id: str
    units: Decimal
    added: Decimal


class SuperficialView(NamedTuple):
    """What the lots of a taxpayer and of affiliated persons come to under the rule.

        allowed - added - gone - permanent = economic

    for the sums over sales, cost bases, and what left without being sold.
    """

    sales: tuple[SuperficialSale, ...]
    bases: tuple[CostBase, ...]
    gone: Decimal = ZERO
