"""Before trades: what the tax rule of each account's country would make of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes import (
    Closing,
    Opening,
    purchase_in_units,
    sale_in_units,
    superficial_risk_of_purchase,
    superficial_risk_of_sale,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from tidebook.compliance.taxes import LotEvent, PurchaseRisk, SaleRisk, SuperficialTerms
    from tidebook.compliance.trades import Trade

    Events: TypeAlias = Sequence[LotEvent]
    TaxRisk: TypeAlias = SaleRisk | PurchaseRisk


class TaxRule(NamedTuple):
    """What a country's rule would make of a sale, and of a purchase, after events."""

    of_sale: Callable[[Events, Sequence[Closing]], SaleRisk]
    of_purchase: Callable[[Events, Opening], PurchaseRisk]


def superficial_rule(terms: SuperficialTerms) -> TaxRule:
    """Return the rule of Canada."""
    return TaxRule(
        partial(superficial_risk_of_sale, terms=terms),
        partial(superficial_risk_of_purchase, terms=terms),
    )


def risks_of(
    trades: Sequence[Trade],
    events: Events,
    country_of: Callable[[str], str],
    rules: Mapping[str, TaxRule],
) -> dict[str, TaxRisk]:
    """Return what is made of each trade; nothing where its account's country has no such rule.

    A trade is seen with those before it in the basket, and without those after it.

    Args:
        trades: The basket.
        events: What happened to lots, by the basket as well.
        country_of: The country that taxes an account.
        rules: By country.
    """
    later = [trade.trade_id for trade in trades]
    risks: dict[str, TaxRisk] = {}
    for place, trade in enumerate(trades):
        rule = rules.get(country_of(trade.account_id))
        if rule is None:
            continue
        hidden = set(later[place:])
        known = [event for event in events if event.place[3] not in hidden]
        own = [event for event in events if event.place[3] == trade.trade_id]
        sold = [event for event in own if isinstance(event, Closing) and event.proceeds is not None]
        bought = [event for event in own if isinstance(event, Opening)]
        if sold:
            risk = rule.of_sale(known, sold)
            risks[trade.trade_id] = sale_in_units(risk, trade.quantity, sold)
        elif bought:
            risks[trade.trade_id] = purchase_in_units(
                rule.of_purchase(known, bought[0]), trade.quantity
            )
    return risks
