"""Plans: what is the same for all transactions of one type, security and currencies.

Which keys are touched, what moves the units, whether anything has to be converted: none of it
depends on the single transaction, so it is decided once for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import RULES
from tidebook.book.events import CARRIES
from tidebook.model.facts import TransactionType as T
from tidebook.model.instruments import built_in_instrument, cash_account
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tidebook.book.cashflows import TypeRule
    from tidebook.book.known import Known
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_AUTO: Final = Settlement.AUTO
CLOSES: Final = frozenset({T.BUY_TO_CLOSE, T.SELL_TO_CLOSE, T.REDEMPTION})
"""What may only close what is open."""
_TRADES: Final = frozenset(
    {
        T.BUY,
        T.SELL,
        T.BUY_TO_OPEN,
        T.SELL_TO_OPEN,
        T.BUY_TO_CLOSE,
        T.SELL_TO_CLOSE,
        T.EXPIRY,
        T.MARK_TO_MARKET,
    }
)
"""What moves no more than costs and gains where a contract is held on margin."""
_EFFECTS: Final = CLOSES | {T.EXPIRY, T.RETURN_OF_CAPITAL}
"""What does more than to add or remove units at an amount, whatever it is done with."""


class Plan(NamedTuple):
    """How one type of transaction is posted in one security and its currencies.

    ``main`` and ``cash`` are the keys of both legs; ``local`` is the currency that the main key's
    prices and costs are in. ``one_currency`` says that nothing is to be converted.
    ``cash_currency`` is the instrument's where it is cash.
    """

    rule: TypeRule
    instrument: Instrument
    main: str
    cash: str | None
    local: str
    cash_currency: str | None
    is_carry: bool
    on_margin: bool
    one_currency: bool
    amount_flows: bool
    """Whether the amount is what flows, costs included, and not the gross amount."""
    moves_units: bool
    units_are_amount: bool
    """Whether the units that move are the amount: those of cash are."""
    is_plain: bool
    """Whether it only adds or removes units at an amount, unless it names lots."""


Terms = tuple[T, str, str, str, str, bool]
"""What a plan follows from: type, security, trade and settlement currency; base, settlement."""
Plans = dict[Terms, Plan | None]
"""Plans that were made before, under the same instruments; None for an unknown one."""


def plan_for(
    transaction: Transaction, portfolio: Portfolio, known: Known, plans: Plans
) -> Plan | None:
    """Return the plan of a transaction, from those made before or anew; None without instrument."""
    terms = (
        transaction.type,
        transaction.security_id,
        transaction.trade_currency,
        transaction.currency,
        portfolio.base_currency,
        portfolio.settlement is _AUTO,
    )
    try:
        return plans[terms]
    except KeyError:
        plan = plans[terms] = _plan(terms, known)
        return plan


def _plan(terms: Terms, known: Known) -> Plan | None:
    kind, security_id, traded_in, settled_in, base, is_automatic = terms
    instrument = known.instrument(security_id, settled_in, base)
    if instrument is None:
        return None
    rule = RULES[kind]
    is_cash = instrument.is_cash
    on_margin = kind in _TRADES and instrument.is_margined
    main, cash = instrument.security_id, None
    if is_automatic:
        own = cash_account(settled_in)
        main, cash = _accounts(security_id, rule, instrument.currency if is_cash else None, own)
        if on_margin:
            cash = own
    local = _local_currency(main, settled_in, instrument)
    is_cash_key = is_cash or built_in_instrument(main, "") is not None
    return Plan(
        rule=rule,
        instrument=instrument,
        main=main,
        cash=cash,
        local=local,
        cash_currency=instrument.currency if is_cash else None,
        is_carry=kind in CARRIES,
        on_margin=on_margin,
        one_currency=traded_in == settled_in == local == base,
        amount_flows=rule.settles or rule.cash_only or rule.in_kind,
        moves_units=rule.moves_units and (is_cash_key or not (rule.cash_only and rule.settles)),
        units_are_amount=rule.cash_only,
        is_plain=is_cash or not (on_margin or kind in _EFFECTS),
    )


def _accounts(
    security_id: str, rule: TypeRule, cash_currency: str | None, own: str
) -> tuple[str, str | None]:
    """Return the keys of both legs where cash moves by itself.

    ``cash_currency`` is the instrument's if it is cash; ``own`` is the account that is settled on.
    """
    if cash_currency is not None and not rule.cash_only:
        return cash_account(cash_currency), own if rule.settles else None
    if cash_currency is not None or (rule.cash_only and not rule.settles):
        return own, None
    return security_id, own if rule.settles else None


def _local_currency(main: str, settled_in: str, instrument: Instrument) -> str:
    if main == instrument.security_id:
        return instrument.currency
    built_in = built_in_instrument(main, settled_in)
    return built_in.currency if built_in is not None else instrument.currency
