"""Where the accounts of a household stand, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.replies import Json, amount, amount_or_null, day_or_null
from tidebook.compliance.taxes import NOT_ADVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.compliance.account_standing import AccountStanding, Concentration
    from tidebook.compliance.bound import BuyingPower, DayTrader, MarginStanding, Restriction
    from tidebook.compliance.trades import Known
    from tidebook.engine.compliance.accounts import Standings


def standings_of(user_id: str, found: Standings) -> Json:
    """Return where the accounts of a user, and of those judged with them, stand."""
    return {
        "user_id": user_id,
        "as_of": found.as_of.isoformat(),
        "accounts": [
            _account(one.standing) | {"positions": _concentrations(one.concentrations)}
            for one in found.accounts
        ],
        "household": [
            {
                "currency": one.currency,
                "equity": _known(one.equity),
                "positions": _concentrations(one.concentrations),
            }
            for one in found.together
        ],
        "disclaimer": NOT_ADVICE,
    }


def _account(one: AccountStanding) -> Json:
    account, bound = one.account, one.bound
    return {
        "portfolio_id": account.account_id,
        "account_type": account.type.value,
        "jurisdiction": account.jurisdiction,
        "currency": account.currency,
        "equity": _known(one.equity),
        "equity_is_floor": account.is_floor,
        "cash": _known(one.cash),
        "day_trades_in_window": len(one.window.day_trades),
        "pattern_day_trader": _day_trader(bound.day_trader),
        "day_trading_buying_power": _buying_power(bound.buying_power),
        "restriction": _restriction(None if bound.cash is None else bound.cash.restriction),
        "intraday_margin": _margin(bound.margin),
    }


def _day_trader(known: DayTrader | None) -> Json | None:
    if known is None or known.designation is None:
        return None
    made = known.designation.day_trades
    return {
        "designated_on": known.designation.on.isoformat(),
        "day_trades": [one.closed_by for one in made],
    }


def _buying_power(power: BuyingPower | None) -> Json | None:
    if power is None:
        return None
    return {
        **_known(power.limit),
        "multiple": amount(power.multiple),
        "cash_only_until": day_or_null(power.cash_only_until),
        "calls": [
            {
                "on": one.on.isoformat(),
                "amount": amount(one.amount),
                "due_on": one.due_on.isoformat(),
                "brought": amount(one.brought),
            }
            for one in power.calls
        ],
    }


def _restriction(held: Restriction | None) -> Json | None:
    if held is None:
        return None
    return {
        "since": held.since.isoformat(),
        "until": held.until.isoformat(),
        "why": held.why,
        "trades": list(held.trades),
    }


def _margin(margin: MarginStanding | None) -> Json | None:
    if margin is None:
        return None
    return {
        "frozen_until": day_or_null(margin.frozen_until),
        "late": [day.isoformat() for day in margin.late],
        "open": [
            {
                "on": one.on.isoformat(),
                "amount": amount(one.amount),
                "is_minor": one.is_minor,
                "due_on": one.due_on.isoformat(),
                "expires_after": one.expires_after.isoformat(),
                "brought": amount(one.brought),
            }
            for one in margin.open
        ],
        "unknown_days": margin.unknown_days,
    }


def _concentrations(found: Sequence[Concentration]) -> list[Json]:
    return [
        {
            "issuer": one.name,
            "symbols": list(one.securities),
            "value": amount_or_null(one.value),
            "percent": amount_or_null(one.percent),
            "limit_pct": amount(one.limit_pct),
            "above_limit": one.is_above,
            "reason": one.why or None,
        }
        for one in found
    ]


def _known(known: Known) -> Json:
    return {"value": amount_or_null(known.value), "reason": known.why or None}
