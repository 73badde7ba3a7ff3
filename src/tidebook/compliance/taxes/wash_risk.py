"""Before a trade: what of a loss a sale would lose, and which losses a purchase would wash.

Both are the matching itself, with the trade as if it were booked. Units that are not there yet,
such as a dividend that will be reinvested, are not foreseen.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tidebook.compliance.taxes.lot_events import Opening, events_beside
from tidebook.compliance.taxes.standing_washes import StandingWashes
from tidebook.compliance.taxes.tax_view import Standing
from tidebook.compliance.taxes.washing import match_washes
from tidebook.model.money import ZERO, exact, share

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import Closing, LotEvent
    from tidebook.compliance.taxes.tax_view import Replacement, TaxSale
    from tidebook.compliance.taxes.wash_terms import WashTerms


class SaleRisk(NamedTuple):
    """What the rule would make of a sale.

    ``loss`` is the loss of the parts that lose, positive, for tax and before the rule;
    ``disallowed`` what of it the units acquired so far would take up. ``clean_shares`` is how many
    shares, in the order in which the sale takes its lots, can be sold with nothing disallowed.
    ``clean_from`` is the first day from which the whole sale would be clean if nothing more is
    acquired: the day itself where it already is. ``rebuy_from`` is the first day on which the
    same can be bought without washing it: 31 days after the sale. ``exempt`` says why the rule
    does not reach it.
    """

    on: date
    shares: Decimal
    loss: Decimal
    disallowed: Decimal
    permanent: Decimal
    replacements: tuple[Replacement, ...]
    clean_shares: Decimal
    clean_from: date
    rebuy_from: date
    exempt: str


class WashedLoss(NamedTuple):
    """A loss that a purchase would wash: of which sale, how much, and until which day."""

    sale_id: str
    sold_on: date
    shares: Decimal
    disallowed: Decimal
    is_permanent: bool
    window_ends_on: date


class PurchaseRisk(NamedTuple):
    """What the rule would make of a purchase.

    ``clean_shares`` is how many of its shares wash nothing. ``clean_from`` is the first day on
    which a purchase of any size washes no loss taken so far: the day itself where none is in
    reach. ``sell_from`` is the first day on which older lots can be sold at a loss without this
    purchase replacing them.
    """

    on: date
    shares: Decimal
    disallowed: Decimal
    permanent: Decimal
    washed: tuple[WashedLoss, ...]
    clean_shares: Decimal
    clean_from: date
    sell_from: date


class Known(Protocol):
    """What has happened to the securities that a trade could matter to."""

    @property
    def acquired_on(self) -> Collection[date]:
        """The days on which something was acquired, as far back as a window reaches."""
        ...

    def after(self, events: Sequence[LotEvent]) -> Sequence[TaxSale]:
        """Return what sales come to after events that come later, in the order of time.

        Sales that nothing could change any more may be left out.
        """
        ...

    def clean_parts(self, sale: Sequence[Closing]) -> Iterator[bool | None]:
        """Tell of the parts of a sale, one after the other, whether each would be clean.

        A part is sold with those before it, which are clean. None where only :meth:`after` tells.
        """
        ...


class _Whole:
    """A family with all its events, matched from the beginning each time."""

    def __init__(self, events: list[LotEvent], terms: WashTerms) -> None:
        self._events = events
        self._terms = terms

    @property
    def acquired_on(self) -> Collection[date]:
        """The days on which something was acquired."""
        return {one.on for one in self._events if isinstance(one, Opening) and one.acquires}

    def after(self, events: Sequence[LotEvent]) -> Sequence[TaxSale]:
        """Return every sale after events that come later."""
        return match_washes([*self._events, *events], self._terms).sales

    def clean_parts(self, sale: Sequence[Closing]) -> Iterator[bool | None]:
        """Tell nothing: what comes later than the sale may bear on it."""
        return repeat(None, len(sale))


def wash_risk_of_sale(
    events: Iterable[LotEvent], sale: Sequence[Closing], terms: WashTerms
) -> SaleRisk:
    """Return what the rule would make of a sale.

    Args:
        events: The household's history, up to the sale.
        sale: The lots that it would take, in the order in which it takes them; at least one part,
            each with proceeds and cost, all under one transaction id.
        terms: The household's accounts and the parameters of the rule.
    """
    return risk_of_sale(_known(events, sale[0], terms), sale, terms)


def wash_risk_of_purchase(
    events: Iterable[LotEvent], purchase: Opening, terms: WashTerms
) -> PurchaseRisk:
    """Return what the rule would make of a purchase, or of a new short sale.

    Args:
        events: The household's history, up to the purchase.
        purchase: The lot that it would open; it comes after all that is known.
        terms: The household's accounts and the parameters of the rule.
    """
    return risk_of_purchase(_known(events, purchase, terms), purchase, terms)


def risk_of_sale(known: Known, sale: Sequence[Closing], terms: WashTerms) -> SaleRisk:
    """Return what :func:`wash_risk_of_sale` does, of what its family is known to stand at."""
    first = sale[0]
    found = _sold(known, sale)
    with exact():
        disallowed = sum((each.disallowed for each in found), ZERO)
        shares = sum((part.shares for part in sale), ZERO)
        return SaleRisk(
            first.on,
            shares,
            sum((max(ZERO, -each.gain_before_wash) for each in found), ZERO),
            disallowed,
            sum((each.permanent for each in found), ZERO),
            tuple(each for one in found for each in one.replacements),
            _clean_shares(known, sale) if disallowed else shares,
            first_clean_of(
                sale,
                map(terms.first_clean_day, known.acquired_on),
                lambda later: _is_clean(known, later),
            )
            if disallowed
            else first.on,
            terms.first_clean_day(first.on),
            next((each.exempt for each in found if each.exempt), ""),
        )


def risk_of_purchase(known: Known, purchase: Opening, terms: WashTerms) -> PurchaseRisk:
    """Return what :func:`wash_risk_of_purchase` does, of what its family is known to stand at."""
    with exact():
        washed = tuple(
            WashedLoss(
                sale.sale_id,
                sale.on,
                each.shares,
                each.disallowed,
                each.is_permanent,
                sale.window_ends_on,
            )
            for sale in known.after([purchase])
            for each in sale.replacements
            if each.lot == purchase.lot
        )
        used = sum((each.shares for each in washed), ZERO)
        return PurchaseRisk(
            purchase.on,
            purchase.shares,
            sum((each.disallowed for each in washed), ZERO),
            sum((each.disallowed for each in washed if each.is_permanent), ZERO),
            washed,
            ZERO if used else purchase.shares,
            _reachable(known.after([]), purchase, terms),
            terms.first_clean_day(purchase.on),
        )


def sale_in_units(risk: SaleRisk, quantity: Decimal, sale: Sequence[Closing]) -> SaleRisk:
    """Return a risk that counts in units of the order: contracts, and not the shares they are for.

    What an order sells beyond what is held closes nothing, and washes nothing.

    Args:
        risk: What the rule would make of the sale, in shares.
        quantity: The units of the order.
        sale: The lots that it would take.
    """
    with exact():
        closed = sum((part.quantity for part in sale), ZERO)
        clean = share(closed, risk.clean_shares, risk.shares) + quantity - closed
    return risk._replace(shares=quantity, clean_shares=clean)


def purchase_in_units(risk: PurchaseRisk, quantity: Decimal) -> PurchaseRisk:
    """Return a risk that counts in units of the order of ``quantity``."""
    with exact():
        clean = share(quantity, risk.clean_shares, risk.shares)
    return risk._replace(shares=quantity, clean_shares=clean)


def _reachable(sales: Iterable[TaxSale], purchase: Opening, terms: WashTerms) -> date:
    """Return the first day on which no loss that still counts is in reach of a purchase."""
    names = purchase.lot.security_id
    open_losses = [
        terms.first_clean_day(sale.on)
        for sale in sales
        if sale.side is purchase.side
        and sale.standing(purchase.on) is Standing.PROVISIONAL
        and _replaces(names, sale, terms)
    ]
    return max(open_losses, default=purchase.on)


def _replaces(security_id: str, sale: TaxSale, terms: WashTerms) -> bool:
    replacing = terms.identity.replacing(sale.lot.security_id)
    return security_id in replacing.certain or security_id in replacing.grouped


def _known(events: Iterable[LotEvent], trade: Opening | Closing, terms: WashTerms) -> Known:
    """Return what can matter to a trade; matched but once where all of it comes before."""
    family = events_beside(events, trade, terms.identity)
    if all(event.place < trade.place for event in family):
        washes = StandingWashes(family, terms)
        return washes.known_of(trade.lot.security_id, (), terms)
    return _Whole(family, terms)


def _sold(known: Known, sale: Sequence[Closing]) -> list[TaxSale]:
    identity = sale[0].transaction_id
    return [each for each in known.after(sale) if each.sale_id == identity]


def _is_clean(known: Known, sale: Sequence[Closing]) -> bool:
    return not any(each.replacements for each in _sold(known, sale))


def _clean_shares(known: Known, sale: Sequence[Closing]) -> Decimal:
    """Return the shares of the parts before the first of which something would be disallowed."""
    clean = ZERO
    told = zip(sale, known.clean_parts(sale), strict=True)
    for count, (part, is_clean) in enumerate(told, start=1):
        if not (_is_clean(known, sale[:count]) if is_clean is None else is_clean):
            break
        clean += part.shares
    return clean


def first_clean_of(
    sale: Sequence[Closing],
    clean_days: Iterable[date],
    is_clean: Callable[[Sequence[Closing]], bool],
) -> date:
    """Return the first day from which what was acquired so far does not take up a sale's loss.

    Args:
        sale: The sale, which is not clean on its day.
        clean_days: For each acquisition the first day that its window does not reach.
        is_clean: Tells it of the same sale on a later day.
    """
    on = sale[0].on
    days = sorted({day for day in clean_days if day > on})
    low, high = 0, len(days) - 1
    while low < high:
        middle = (low + high) // 2
        later = [part._replace(place=(days[middle], *part.place[1:])) for part in sale]
        if is_clean(later):
            high = middle
        else:
            low = middle + 1
    return days[low]
