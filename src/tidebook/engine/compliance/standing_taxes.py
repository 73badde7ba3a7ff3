"""What tax rules make of a household as it stands, for trades that come after all its facts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tidebook.compliance.policies import superficial_window_days
from tidebook.compliance.rulebook import BROKEN
from tidebook.compliance.taxes import (
    Household,
    HouseholdReading,
    StandingWashes,
    SuperficialTerms,
    families_of,
    match_superficial,
    risk_of_purchase,
    risk_of_sale,
)
from tidebook.compliance.taxes.superficial_view import SUPERFICIAL_RULE_ID
from tidebook.compliance.taxes.wash_terms import WASH_RULE_ID
from tidebook.compliance.wash_verdicts import of_superficial, of_washes
from tidebook.engine.compliance.judging import (
    AMERICA,
    CANADA,
    country_of,
    household_keys,
    household_of,
    tax_classes,
    wash_terms,
)
from tidebook.engine.compliance.tax_risks import TaxRule, risks_of, superficial_rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from tidebook.book.lots import Entry
    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.taxes import (
        Closing,
        LotEvent,
        Opening,
        PurchaseRisk,
        SaleRisk,
        WashTerms,
    )
    from tidebook.compliance.trades import Trade
    from tidebook.engine.book_facts import BookFacts, Rebuilt
    from tidebook.engine.compliance.judging import Taxes
    from tidebook.engine.compliance.tax_risks import TaxRisk
    from tidebook.model.instruments import Instrument


def standing_taxes(made: Rebuilt, policies: Mapping[str, AccountPolicy]) -> StandingTaxes | None:
    """Return what tax rules make of a household up to its end.

    There is none where its books are kept in several currencies, or where a rule breaks.
    """
    households = household_of(made, policies)
    if len(households) != 1:
        return None
    countries = {country_of(policies, each) for each in made.rests_on.facts.portfolios}
    try:
        terms = wash_terms(made, policies)
        days = superficial_window_days(policies.values())
        return StandingTaxes(made, households[0], (terms, days), countries)
    except BROKEN:
        # Where it is built anew, the verdicts say so.
        return None


class StandingTaxes:
    """What tax rules make of a household in one currency, up to its last event."""

    def __init__(
        self,
        made: Rebuilt,
        household: Household,
        rules: tuple[WashTerms, int],
        countries: Collection[str],
    ) -> None:
        """Read the books of a household, whose accounts are in these countries, to their end.

        ``rules`` are the terms of wash sales, and the days of the window of superficial losses.
        """
        terms, self._window_days = rules
        self._orders = household.orders
        reading = HouseholdReading(household_keys(made), household)
        self._reading = reading
        self._terms = terms
        self._currency = household.currency
        self._instruments = frozenset(household.instruments)
        events = reading.events
        self._washes = StandingWashes(events, terms)
        self._is_american = AMERICA in countries
        self._is_canadian = CANADA in countries
        self._superficial: dict[str, list[LotEvent]] = defaultdict(list)
        self._joined = families_of(events, terms.identity)
        for event in events if self._is_canadian else ():
            self._superficial[self._family(event)].append(event)
        reading.forget()

    def knows(self, instruments: Mapping[str, Instrument]) -> bool:
        """Tell whether no security that was not known before could replace another."""
        return not any(
            instrument.option_right is not None and security_id not in self._instruments
            for security_id, instrument in instruments.items()
        )

    def terms_with(self, instruments: Mapping[str, Instrument]) -> WashTerms:
        """Return the terms with securities that were not known before."""
        fresh = {each: one for each, one in instruments.items() if each not in self._instruments}
        if not fresh:
            return self._terms
        return replace(self._terms, classes={**tax_classes(fresh), **self._terms.classes})

    def events(self, entries: Mapping[str, Sequence[Entry]], given: BookFacts) -> list[LotEvent]:
        """Return what happens to lots by entries at the end."""
        portfolios, instruments, _, _, actions = given.facts
        currency, orders = self._currency, self._orders
        household = Household(portfolios, instruments, actions, currency, orders)
        return self._reading.onward((one for own in entries.values() for one in own), household)

    def said(self, events: Sequence[LotEvent], terms: WashTerms, as_of: date) -> Taxes:
        """Return what the rules say of the trades that make events, and of none before."""
        found: Taxes = {}
        if self._is_american:
            sales = self._washes.after(events, terms)
            found[WASH_RULE_ID, self._currency] = of_washes(sales, as_of, self._currency)
        if self._is_canadian:
            names = {self._family(event) for event in events}
            known = [event for name in names for event in self._superficial.get(name, ())]
            denied = match_superficial([*known, *events], self._superficial_terms(terms))
            told = of_superficial(denied, as_of, self._currency)
            found[SUPERFICIAL_RULE_ID, self._currency] = told
        return found

    def risks(
        self,
        events: Sequence[LotEvent],
        trades: Sequence[Trade],
        terms: WashTerms,
        policies: Mapping[str, AccountPolicy],
    ) -> dict[str, TaxRisk]:
        """Return what a tax rule would make of each trade, those before it done."""
        rules = {AMERICA: self._american(terms), CANADA: self._canadian(terms)}
        return risks_of(trades, events, partial(country_of, policies), rules)

    def _american(self, terms: WashTerms) -> TaxRule:
        def of_sale(later: Sequence[LotEvent], sale: Sequence[Closing]) -> SaleRisk:
            known = self._washes.known_of(sale[0].lot.security_id, later, terms)
            return risk_of_sale(known, sale, terms)

        def of_purchase(later: Sequence[LotEvent], one: Opening) -> PurchaseRisk:
            known = self._washes.known_of(one.lot.security_id, later, terms)
            return risk_of_purchase(known, one, terms)

        return TaxRule(of_sale, of_purchase)

    def _canadian(self, terms: WashTerms) -> TaxRule:
        rule = superficial_rule(self._superficial_terms(terms))

        def of_sale(later: Sequence[LotEvent], sale: Sequence[Closing]) -> SaleRisk:
            return rule.of_sale([*self._beside(sale[0]), *later], sale)

        def of_purchase(later: Sequence[LotEvent], one: Opening) -> PurchaseRisk:
            return rule.of_purchase([*self._beside(one), *later], one)

        return TaxRule(of_sale, of_purchase)

    def _beside(self, trade: LotEvent) -> Sequence[LotEvent]:
        return self._superficial.get(self._family(trade), ())

    def _superficial_terms(self, terms: WashTerms) -> SuperficialTerms:
        return SuperficialTerms(terms.accounts, terms.identity, self._window_days)

    def _family(self, event: LotEvent) -> str:
        return self._joined.of(self._terms.identity.family(event.lot.security_id))
