"""The policy of each key: how a portfolio's rules apply to one instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.lots import KeyRules, LotRule
from tidebook.model.instruments import built_in_instrument
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio


def key_rules(portfolio: Portfolio, security_id: str, instrument: Instrument | None) -> KeyRules:
    """Return the policy under which a key is folded.

    Cash may always go below zero: an overdraft is a fact of life, and hiding it would be worse.
    Cash of the base currency in a portfolio that settles by itself needs no lots, because every
    unit of it costs one.
    """
    known = instrument or built_in_instrument(security_id, portfolio.base_currency)
    method = LotRule.AVCO if portfolio.cost_method is CostMethod.AVCO else LotRule.FIFO
    if known is None or not known.is_cash:
        return KeyRules(method, portfolio.allow_short)
    in_base = known.currency == portfolio.base_currency
    if in_base and portfolio.settlement is Settlement.AUTO:
        return KeyRules(LotRule.UNIT, allow_short=True)
    return KeyRules(method, allow_short=True)
