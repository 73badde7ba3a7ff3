"""Where a household's wash sales and those that brokers report rightly differ.

A broker reports on Form 1099-B what was replaced within one account by the same security (CUSIP).
The law counts every account of the taxpayer, of the spouse and of what they control, and what is
substantially identical.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes.identity import Families, Identity
from tidebook.compliance.taxes.lot_events import Move
from tidebook.compliance.taxes.washing import match_washes
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import LotEvent, LotKey
    from tidebook.compliance.taxes.tax_view import TaxSale
    from tidebook.compliance.taxes.wash_terms import WashTerms


class Why(StrEnum):
    """Why a broker does not see what the law sees."""

    OTHER_ACCOUNT = "other_account"
    """Something was replaced in another account."""
    OTHER_SECURITY = "other_security"
    """Something was replaced by another security that is substantially identical."""
    FOLLOWS = "follows"
    """It follows from another sale's difference: other shares, or another basis, were left."""


class BrokerDifference(NamedTuple):
    """A sale of which the law disallows another part than its broker would report."""

    sale_id: str
    account_id: str
    security_id: str
    on: date
    disallowed: Decimal
    disallowed_by_broker: Decimal
    why: tuple[Why, ...]


def broker_differences(
    events: Iterable[LotEvent], terms: WashTerms
) -> tuple[BrokerDifference, ...]:
    """Return the sales of which brokers would report another disallowed loss, by day.

    Accounts between which a lot was transferred count as one broker's.

    Args:
        events: What happened to the lots of all accounts of the household.
        terms: The household's accounts and the parameters of the rule.
    """
    listed = list(events)
    household = _by_sale(match_washes(listed, terms).sales)
    alone = replace(terms, identity=Identity())
    at_brokers: dict[_Name, list[TaxSale]] = {}
    for part in _by_broker(listed):
        at_brokers.update(_by_sale(match_washes(part, alone).sales))
    found: list[BrokerDifference] = []
    with exact():
        for name, sales in household.items():
            own, reported = _disallowed(sales), _disallowed(at_brokers.get(name, ()))
            if own != reported:
                found.append(BrokerDifference(*name, sales[0].on, own, reported, _why(sales)))
    return tuple(sorted(found, key=lambda each: (each.on, each.sale_id)))


_Name = tuple[str, str, str]


def _by_broker(events: list[LotEvent]) -> list[list[LotEvent]]:
    together = Families()
    for event in events:
        if isinstance(event, Move):
            together.join(_place(event.lot), _place(event.into))
    parts: dict[str, list[LotEvent]] = defaultdict(list)
    for event in events:
        parts[together.of(_place(event.lot))].append(event)
    return list(parts.values())


def _place(lot: LotKey) -> str:
    return f"{lot.account_id}\x1f{lot.security_id}"


def _by_sale(sales: Iterable[TaxSale]) -> dict[_Name, list[TaxSale]]:
    found: dict[_Name, list[TaxSale]] = defaultdict(list)
    for sale in sales:
        found[sale.sale_id, sale.lot.account_id, sale.lot.security_id].append(sale)
    return found


def _disallowed(sales: Iterable[TaxSale]) -> Decimal:
    return sum((sale.disallowed for sale in sales), ZERO)


def _why(sales: list[TaxSale]) -> tuple[Why, ...]:
    pairs = [(sale.lot, each.lot) for sale in sales for each in sale.replacements]
    why: list[Why] = []
    if any(sold.account_id != other.account_id for sold, other in pairs):
        why.append(Why.OTHER_ACCOUNT)
    if any(sold.security_id != other.security_id for sold, other in pairs):
        why.append(Why.OTHER_SECURITY)
    return tuple(why) or (Why.FOLLOWS,)
