"""A household's wash sales as they stand, for trades to come after all that is known.

What has happened is matched once. A trade that comes after it can change no more than the losses
of the last days, so that what it would do is found without going through the years again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.compliance.taxes.lot_events import Opening, families_of, in_families
from tidebook.compliance.taxes.washing import Family
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date

    from tidebook.book.postings import Order
    from tidebook.compliance.taxes.lot_events import Closing, LotEvent
    from tidebook.compliance.taxes.tax_view import TaxSale
    from tidebook.compliance.taxes.wash_terms import WashTerms


class StandingWashes:
    """The wash sales of a household up to its last event."""

    def __init__(self, events: Iterable[LotEvent], terms: WashTerms) -> None:
        """Match events, given in any order.

        Args:
            events: What happened to the lots of all accounts of the household, at all brokers.
            terms: Its accounts and securities, and the parameters of the rule.
        """
        listed = list(events)
        self._terms = terms
        self._joined = families_of(listed, terms.identity)
        self._families: dict[str, Family] = {}
        with exact():
            for family in in_families(listed, terms.identity):
                standing = Family(family, terms)
                standing.stand()
                self._families[self._name(family[0].lot.security_id)] = standing

    def after(self, events: Iterable[LotEvent], terms: WashTerms) -> tuple[TaxSale, ...]:
        """Return what sales come to after events later than all before; nothing here changes.

        These are the sales among the events, and earlier ones whose loss a purchase could take up.
        Families without any of the events are left out, and so are sales that nothing changes.

        Args:
            events: Openings and closings, in any order.
            terms: Those that everything was matched under, which may know of more securities.
        """
        apart: dict[str, list[LotEvent]] = {}
        for event in events:
            apart.setdefault(self._name(event.lot.security_id), []).append(event)
        found: list[tuple[Order, TaxSale]] = []
        for name, own in apart.items():
            found += self._after(name, own, terms)
        return tuple(sale for _, sale in sorted(found, key=lambda each: each[0]))

    def known_of(
        self, security_id: str, earlier: Iterable[LotEvent], terms: WashTerms
    ) -> KnownFamily:
        """Return the family of a security after events that came later than all before."""
        name = self._name(security_id)
        own = [event for event in earlier if self._name(event.lot.security_id) == name]
        acquired = self._families[name].acquired_on if name in self._families else ()
        return KnownFamily(self, name, acquired, own, terms)

    def sales_of(
        self, name: str, events: Iterable[LotEvent], terms: WashTerms
    ) -> tuple[TaxSale, ...]:
        """Return what sales of one family come to after events of it."""
        return tuple(sale for _, sale in self._after(name, events, terms))

    def clean_parts(
        self,
        name: str,
        events: Iterable[LotEvent],
        sale: Sequence[Closing],
        terms: WashTerms,
    ) -> Iterator[bool | None]:
        """Tell of the parts of a sale whether each would be clean (``Family.clean_parts``)."""
        family = self._families.get(name) or Family([], terms)
        return family.clean_parts(events, sale, terms)

    def _after(
        self, name: str, events: Iterable[LotEvent], terms: WashTerms
    ) -> list[tuple[Order, TaxSale]]:
        family = self._families.get(name) or Family([], terms)
        return family.after(events, terms)

    def _name(self, security_id: str) -> str:
        return self._joined.of(self._terms.identity.family(security_id))


class KnownFamily:
    """One family of a household, as the risk of a trade is looked at (``wash_risk.Known``)."""

    def __init__(
        self,
        washes: StandingWashes,
        name: str,
        acquired_on: Collection[date],
        earlier: Sequence[LotEvent],
        terms: WashTerms,
    ) -> None:
        """Keep where the family stands, and what comes ``earlier`` than the trade."""
        self._washes = washes
        self._name = name
        self._earlier = earlier
        self._terms = terms
        bought = {one.on for one in earlier if isinstance(one, Opening) and one.acquires}
        self.acquired_on = {*acquired_on, *bought}

    def after(self, events: Sequence[LotEvent]) -> Sequence[TaxSale]:
        """Return what sales come to after events that come later, in the order of time."""
        return self._washes.sales_of(self._name, [*self._earlier, *events], self._terms)

    def clean_parts(self, sale: Sequence[Closing]) -> Iterator[bool | None]:
        """Tell of the parts of a sale, one after the other, whether each would be clean."""
        return self._washes.clean_parts(self._name, self._earlier, sale, self._terms)
