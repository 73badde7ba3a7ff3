"""What is stated of an account, as JSON in the form in which it is sent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tidebook.api.replies import Json, amount, amount_or_null, day_or_null
from tidebook.compliance.policies import AccountPolicy

if TYPE_CHECKING:
    from tidebook.compliance.trades import DayTraderTerms, SecurityTerms


def policy_answer(portfolio_id: str, found: AccountPolicy | None) -> Json:
    """Return what is stated of an account, the latest days first; what nobody stated as taken."""
    latest, *earlier = reversed((found or AccountPolicy()).dated)
    return {
        "portfolio_id": portfolio_id,
        "is_stated": found is not None,
        "policy": policy_json(latest),
        "earlier": [policy_json(one) for one in earlier],
    }


def policy_json(policy: AccountPolicy) -> Json:
    """Return one statement about an account, in the form in which it is sent."""
    regime = policy.day_trade_regime
    always = policy.effective_from == date.min
    return {
        "effective_from": None if always else policy.effective_from.isoformat(),
        "account_type": policy.type.value,
        "jurisdiction": policy.jurisdiction,
        "day_trade_regime": None if regime is None else regime.value,
        "confirmed_on": day_or_null(policy.confirmed_on),
        "params": {name: amount(value) for name, value in policy.params.items()},
        "limits": [
            {
                "limit_id": one.limit_id,
                "max_value": amount_or_null(one.max_value),
                "max_quantity": amount_or_null(one.max_quantity),
                "symbols": list(one.symbols),
                "blocks": one.blocks,
            }
            for one in policy.limits
        ],
        "restricted": [
            {
                "symbol": one.security_id,
                "why": one.why,
                "closing_allowed": one.closing_allowed,
            }
            for one in policy.restricted
        ],
        "equity_elsewhere": amount_or_null(policy.equity_elsewhere),
        "tax_kind": policy.tax_kind.value,
        "owner": policy.owner.value,
        "household_id": policy.household_id,
        "identical": dict(policy.identical),
        "mark_to_market_from": day_or_null(policy.mark_to_market_from),
        "digital_assets_from": day_or_null(policy.digital_assets_from),
        "pattern_day_trader": _day_trader_json(policy.day_trader),
        "securities": {name: _security_json(one) for name, one in policy.securities.items()},
        "orders": dict(policy.orders),
    }


def _day_trader_json(terms: DayTraderTerms) -> Json:
    return {
        "designated_on": day_or_null(terms.designated_on),
        "resets": [
            {"on": one.on.isoformat(), "actor": one.actor, "reason": one.reason}
            for one in terms.resets
        ],
    }


def _security_json(terms: SecurityTerms) -> Json:
    return {
        "issuer": terms.issuer,
        "leverage_factor": amount(terms.leverage_factor),
        "marginable": terms.is_marginable,
        "delta": amount_or_null(terms.delta),
        "section_1256": terms.is_section_1256,
    }
