"""The policy of each key: how a portfolio's rules apply to one instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.book.lots import KeyRules, LotRule, RuleChange
from tidebook.model.instruments import built_in_instrument
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_RULES: Final = {
    CostMethod.FIFO: LotRule.FIFO,
    CostMethod.LIFO: LotRule.LIFO,
    CostMethod.HIFO: LotRule.HIFO,
    CostMethod.MIN_TAX: LotRule.MIN_TAX,
    CostMethod.AVCO: LotRule.AVCO,
    CostMethod.AVCO_POOLED: LotRule.AVCO,
}


def key_rules(portfolio: Portfolio, security_id: str, instrument: Instrument | None) -> KeyRules:
    """Return the policy under which a key is folded.

    Cash may always go below zero: an overdraft is a fact of life, and hiding it would be worse.
    Cash of the base currency in a portfolio that settles by itself needs no lots, because every
    unit of it costs one; cash of another currency is kept first in, first out unless the
    portfolio averages. Contracts can always be written as well as held.
    """
    known = instrument or built_in_instrument(security_id, portfolio.base_currency)
    rule = _RULES[portfolio.cost_method]
    changes = tuple(
        RuleChange(change.on, _RULES[change.method]) for change in portfolio.cost_method_changes
    )
    if known is not None and known.is_cash:
        in_base = known.currency == portfolio.base_currency
        if in_base and portfolio.settlement is Settlement.AUTO:
            return KeyRules(LotRule.UNIT, allow_short=True)
        averages = portfolio.cost_method in {CostMethod.AVCO, CostMethod.AVCO_POOLED}
        return KeyRules(LotRule.AVCO if averages else LotRule.FIFO, allow_short=True)
    allow_short = portfolio.allow_short or (known is not None and known.is_contract)
    if not changes and not _pools(portfolio):
        return KeyRules(rule, allow_short, tax=portfolio.tax_rates)
    pool = ""
    if _pools(portfolio):
        # Costs in several base currencies have no average.
        pool = f"{portfolio.taxpayer_id}/{portfolio.base_currency}/{security_id}"
    return KeyRules(rule, allow_short, changes, pool, portfolio.tax_rates)


def _pools(portfolio: Portfolio) -> bool:
    """Tell whether a portfolio shares the pools of its taxpayer, at any time."""
    methods = {portfolio.cost_method, *(each.method for each in portfolio.cost_method_changes)}
    return bool(portfolio.taxpayer_id) and CostMethod.AVCO_POOLED in methods
