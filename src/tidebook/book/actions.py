"""Corporate actions applied to one portfolio's holding: which keys they touch, and how.

An action takes effect when its ex-date begins: before every trade of that day, on what was held
at the close of the day before. How many units that is, the fold of the key knows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.known import Wanted, rates_on
from tidebook.book.postings import Effect, EffectKind, Leg, Posted, Posting
from tidebook.model.actions import ActionType, applied_id
from tidebook.model.findings import Finding, cash_in_kind, of_action, unknown_instrument
from tidebook.model.instruments import cash_account
from tidebook.model.money import ONE, ZERO, exact
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.book.known import Known
    from tidebook.model.actions import CorporateAction
    from tidebook.model.portfolios import Portfolio

_RANK: Final = 1
_BEFORE_EVERY_ZONE: Final = timedelta(days=1)
"""Midnight UTC of the day before comes before the first instant of a day in any time zone."""


class _Rates(NamedTuple):
    """From the security's currency to base; from the cash currency to local and to base.

    And the same for the security that the action leads to, with the rate between the two.
    """

    local_base: Decimal
    cash_local: Decimal
    cash_base: Decimal
    to_local_base: Decimal
    local_local: Decimal


def apply_action(action: CorporateAction, portfolio: Portfolio, known: Known) -> Posted:
    """Return the postings of an action in a portfolio, or what it waits for there."""
    identity = applied_id(action.action_id, portfolio.portfolio_id)
    on = action.ex_date
    found = _currencies(action, known, identity)
    if isinstance(found, Finding):
        return _waiting(action, portfolio, found)
    local, to_local = found
    base, cash = portfolio.base_currency, action.cash_currency or local
    with exact():
        wanted = (
            Wanted(local, base),
            Wanted(cash, local),
            Wanted(cash, base),
            Wanted(to_local, base),
            Wanted(local, to_local),
        )
        rates = rates_on(known.rates, wanted, on, identity)
        if isinstance(rates, Finding):
            return _waiting(action, portfolio, rates)
        return _posted(action, portfolio, (local, to_local), _Rates(*rates))


def _waiting(action: CorporateAction, portfolio: Portfolio, finding: Finding) -> Posted:
    said = of_action(finding, action.action_id, portfolio.portfolio_id)
    return Posted(action.ex_date, action.security_id, None, (), (said,))


def _currencies(action: CorporateAction, known: Known, identity: str) -> tuple[str, str] | Finding:
    """Return the currencies of the security and of the one that the action leads to."""
    instrument = known.instruments.get(action.security_id)
    if instrument is None:
        return unknown_instrument(identity, action.security_id, event="action")
    if not action.moves_lots:
        return instrument.currency, instrument.currency
    target = known.instruments.get(action.to_security_id)
    if target is None:
        return unknown_instrument(identity, action.to_security_id, event="action")
    if target.is_cash:
        return cash_in_kind(identity, target.security_id)
    return instrument.currency, target.currency


def _posted(
    action: CorporateAction, portfolio: Portfolio, currencies: tuple[str, str], rates: _Rates
) -> Posted:
    local, to_local = currencies
    main = _leg(action, portfolio, Leg.MAIN)._replace(
        currency=local, fx_rate=rates.local_base, effect=_effect(action, rates)
    )
    postings = [main]
    arrival = None
    if action.moves_lots:
        to = main._replace(
            security_id=action.to_security_id,
            leg=Leg.TO,
            currency=to_local,
            fx_rate=rates.to_local_base,
            realises=False,
            effect=Effect(
                EffectKind.ARRIVE,
                ratio=(action.new_units, action.old_units),
                to_local=rates.local_local,
            ),
        )
        postings.append(to)
        arrival = to.key
    cash_key = None
    if action.cash_per_unit and portfolio.settlement is Settlement.AUTO:
        cash_key = cash_account(action.cash_currency or local)
        cash = main._replace(
            security_id=cash_key,
            leg=Leg.CASH,
            currency=action.cash_currency or local,
            fx_rate=rates.cash_base,
            realises=False,
            effect=Effect(EffectKind.SETTLE),
        )
        postings.append(cash)
    return Posted(action.ex_date, action.security_id, cash_key, tuple(postings), (), arrival)


def _leg(action: CorporateAction, portfolio: Portfolio, leg: Leg) -> Posting:
    day = action.ex_date
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - _BEFORE_EVERY_ZONE
    return Posting(
        portfolio.portfolio_id,
        action.security_id,
        leg,
        applied_id(action.action_id, portfolio.portfolio_id),
        action.type,
        day,
        at,
        _RANK,
        ZERO,
        ZERO,
        ZERO,
        "",
        ONE,
        realises=True,
        flow=None,
        flow_base=ZERO,
    )


def _effect(action: CorporateAction, rates: _Rates) -> Effect:
    """Return what an action does to the lots of the security that it acts on."""
    new, old = action.new_units, action.old_units
    match action.type:
        case ActionType.SPLIT:
            return Effect(EffectKind.SPLIT, ratio=(new, old))
        case ActionType.STOCK_DIVIDEND:
            return Effect(EffectKind.SPLIT, ratio=(old + new, old))
        case ActionType.RETURN_OF_CAPITAL:
            return _paying(Effect(EffectKind.RETURN), action, rates)
        case ActionType.SPIN_OFF | ActionType.RIGHTS_ISSUE:
            fraction = action.cost_fraction or ZERO
            return Effect(EffectKind.CARRY, everything=True, stays=True, fraction=fraction)
        case ActionType.MERGER | ActionType.IDENTIFIER_CHANGE:
            carry = Effect(EffectKind.CARRY, everything=True, fraction=carried_fraction(action))
            return _paying(carry, action, rates)


def carried_fraction(action: CorporateAction) -> Decimal:
    """Return the part of each lot's cost that goes along when a holding ends; the rest is paid."""
    fraction = action.cost_fraction
    if fraction is None or action.type is ActionType.IDENTIFIER_CHANGE:
        fraction = ONE if action.moves_lots else ZERO
    return fraction


def _paying(effect: Effect, action: CorporateAction, rates: _Rates) -> Effect:
    """Return an effect with the cash that is paid for every unit."""
    return effect._replace(
        per_unit=action.cash_per_unit, to_local=rates.cash_local, to_base=rates.cash_base
    )
