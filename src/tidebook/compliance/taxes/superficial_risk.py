"""Before a trade: what of a loss Canada would deny, and which losses a purchase would deny.

Both are the matching itself, with the trade as if it were booked. What is held then is taken to be
kept until the window ends, and nothing more to be acquired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.compliance.taxes.identity import Confidence
from tidebook.compliance.taxes.lot_events import Opening, Owner, events_beside
from tidebook.compliance.taxes.superficial import match_superficial
from tidebook.compliance.taxes.tax_view import Replacement, Standing
from tidebook.compliance.taxes.wash_risk import PurchaseRisk, SaleRisk, WashedLoss, first_clean_of
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import Closing, LotEvent
    from tidebook.compliance.taxes.superficial_view import (
        Substitute,
        SuperficialSale,
        SuperficialTerms,
    )

REGISTERED: Final = "the account is registered: gains and losses in it do not count"


def superficial_risk_of_sale(
    events: Iterable[LotEvent], sale: Sequence[Closing], terms: SuperficialTerms
) -> SaleRisk:
    """Return what the rule would make of a sale.

    Of units that are alike none is clean before another: where anything would be denied, no part
    of the sale is clean. A sale of all that is held is, for nothing is kept.

    Args:
        events: Lots of all accounts, up to the sale.
        sale: The lots that it would take; at least one part, each with proceeds and cost, all
            under one transaction id.
        terms: The accounts, and what is identical.
    """
    first, family = sale[0], events_beside(events, sale[0], terms.identity)
    with exact():
        found = _sold(family, sale, terms)
        denied = sum((one.denied for one in found), ZERO)
        shares = sum((part.shares for part in sale), ZERO)
        acquired_on = {one.on for one in family if isinstance(one, Opening) and one.acquires}

        def is_clean(later: Sequence[Closing]) -> bool:
            return not any(one.substitutes for one in _sold(family, later, terms))

        clean_days = map(terms.first_clean_day, acquired_on)
        return SaleRisk(
            first.on,
            shares,
            sum((max(ZERO, -one.gain) for one in found), ZERO),
            denied,
            sum((one.permanent for one in found), ZERO),
            tuple(_replacement(one, each, terms) for one in found for each in one.substitutes),
            ZERO if denied else shares,
            first_clean_of(sale, clean_days, is_clean) if denied else first.on,
            terms.first_clean_day(first.on),
            REGISTERED if terms.account(first.lot.account_id).kind.is_sheltered else "",
        )


def superficial_risk_of_purchase(
    events: Iterable[LotEvent], purchase: Opening, terms: SuperficialTerms
) -> PurchaseRisk:
    """Return which losses a purchase would deny.

    Args:
        events: Lots of all accounts, up to the purchase.
        purchase: The lot that it would open; it comes after all that is known.
        terms: The accounts, and what is identical.
    """
    family = events_beside(events, purchase, terms.identity)
    with exact():
        without = match_superficial(family, terms).sales
        with_it = match_superficial([*family, purchase], terms).sales
        washed = tuple(_denied_more(without, with_it))
        in_reach = (
            terms.first_clean_day(sale.on) for sale in without if _could_deny(purchase, sale, terms)
        )
        return PurchaseRisk(
            purchase.on,
            purchase.shares,
            sum((one.disallowed for one in washed), ZERO),
            sum((one.disallowed for one in washed if one.is_permanent), ZERO),
            washed,
            ZERO if washed else purchase.shares,
            max(in_reach, default=purchase.on),
            terms.first_clean_day(purchase.on),
        )


def _sold(
    family: Sequence[LotEvent], sale: Sequence[Closing], terms: SuperficialTerms
) -> list[SuperficialSale]:
    identity = sale[0].transaction_id
    view = match_superficial([*family, *sale], terms)
    return [one for one in view.sales if one.sale_id == identity]


def _denied_more(
    before: Iterable[SuperficialSale], after: Iterable[SuperficialSale]
) -> Iterator[WashedLoss]:
    """Give what of losses is denied now and was not; what takes it may be another purchase."""
    for was, sale in zip(before, after, strict=True):
        for is_permanent in (False, True):
            units, denied = (
                new - old
                for new, old in zip(
                    _taken_up(sale, is_permanent=is_permanent),
                    _taken_up(was, is_permanent=is_permanent),
                    strict=True,
                )
            )
            if denied > ZERO:
                yield WashedLoss(
                    sale.sale_id, sale.on, units, denied, is_permanent, sale.window_ends_on
                )


def _taken_up(sale: SuperficialSale, *, is_permanent: bool) -> tuple[Decimal, Decimal]:
    """Return the units that take up a loss, in registered accounts or elsewhere, and how much."""
    chosen = [one for one in sale.substitutes if one.is_permanent is is_permanent]
    units = sum((one.units for one in chosen), ZERO)
    return units, sum((one.denied for one in chosen), ZERO)


def _could_deny(purchase: Opening, sale: SuperficialSale, terms: SuperficialTerms) -> bool:
    """Tell whether a loss that still counts, in part, is in reach of a purchase."""
    names = terms.identity.replacing(sale.security_id)
    replaces = purchase.lot.security_id in names.certain | names.grouped
    is_open = sale.standing(purchase.on) is Standing.PROVISIONAL
    return replaces and is_open and sale.denied < -sale.gain


def _replacement(sale: SuperficialSale, one: Substitute, terms: SuperficialTerms) -> Replacement:
    confidence = terms.identity.replacing(sale.security_id).confidence(one.lot.security_id)
    if terms.account(one.lot.account_id).owner is not Owner.SELF:
        confidence = Confidence.MEDIUM
    return Replacement(
        one.lot, one.acquired_on, one.units, one.denied, one.is_permanent, confidence
    )
