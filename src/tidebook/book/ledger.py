"""From a transaction to postings: which keys it touches, by how much, in which order.

A key is (portfolio, security). A transaction posts its *main* leg to the key of its security and,
where the portfolio settles by itself, a *cash* leg to the cash account of its currency. Cash
movements (deposits, withdrawals, fees, taxes, interest on cash) post to the cash account directly.
A transaction for which something is missing posts nothing and says what it waits for.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import RULES, Cashflow, TypeRule, flow, flow_amount
from tidebook.model.facts import Transaction, TransactionType, business_date, instant
from tidebook.model.findings import (
    Finding,
    amount_mismatch,
    missing_rate,
    redundant_settlement,
    unknown_instrument,
)
from tidebook.model.instruments import Instrument, built_in_instrument, cash_account
from tidebook.model.money import ONE, ZERO, converted, decimal_text, exact
from tidebook.model.portfolios import Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from tidebook.model.markets import RateTable


class Leg(StrEnum):
    """Which side of a transaction a posting is."""

    MAIN = "main"
    CASH = "cash"


class Posting(NamedTuple):
    """One transaction's effect on one key, before lots.

    ``quantity`` is signed. ``amount`` is what was paid or received for it, in ``currency``, never
    negative; ``fx_rate`` turns it into the base currency. ``realises`` says whether a disposal
    shows a gain: sales do, withdrawals, costs and transfers do not.
    """

    portfolio_id: str
    security_id: str
    leg: Leg
    transaction_id: str
    type: TransactionType
    on: date
    at: datetime
    rank: int
    quantity: Decimal
    amount: Decimal
    currency: str
    fx_rate: Decimal
    realises: bool
    flow: Cashflow | None

    @property
    def order(self) -> tuple[date, datetime, int, str, str]:
        """The place of this posting inside its key.

        By business date, instant, what adds before what removes, transaction id; never by arrival.
        """
        return (self.on, self.at, self.rank, self.transaction_id, self.leg)


class Posted(NamedTuple):
    """What a transaction comes to: postings, or the reason why there are none yet."""

    on: date
    main_security_id: str
    cash_security_id: str | None
    postings: tuple[Posting, ...]
    findings: tuple[Finding, ...]

    @property
    def waits(self) -> bool:
        """Whether the transaction is kept without effect for now."""
        return not self.postings


_MISMATCH_ABSOLUTE: Final = Decimal("0.01")
_MISMATCH_RELATIVE: Final = Decimal("0.001")


def post(
    transaction: Transaction,
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
) -> Posted:
    """Return the postings of a transaction under a portfolio's policies.

    Conventions: amounts convert at the last rate on or before the business date, unless the
    transaction recorded its own; a transaction that settles in another currency than it traded in
    moves the converted amount. In a portfolio with automatic settlement every cash instrument
    stands for the cash account of its currency.

    Args:
        transaction: The fact to post.
        portfolio: Its portfolio.
        instruments: Known instruments by security id; cash accounts need no entry.
        rates: Known exchange rates.

    Returns:
        One posting per touched key, main leg first; none when something is missing, with a
        finding that names it.
    """
    with exact():
        return _post(transaction, portfolio, instruments, rates)


def post_all(
    transactions: Iterable[Transaction],
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
) -> list[Posted]:
    """Return :func:`post` of each transaction of one portfolio."""
    with exact():
        return [_post(transaction, portfolio, instruments, rates) for transaction in transactions]


def _post(
    transaction: Transaction,
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
) -> Posted:
    on = business_date(transaction, portfolio.time_zone)
    instrument = instruments.get(transaction.security_id) or built_in_instrument(
        transaction.security_id, transaction.currency
    )
    if instrument is None:
        finding = unknown_instrument(transaction.transaction_id, transaction.security_id)
        return Posted(on, transaction.security_id, None, (), (finding,))
    rule = RULES[transaction.type]
    main, cash = _accounts(transaction, rule, portfolio, instrument)
    if transaction.trade_currency == transaction.currency == portfolio.base_currency:
        converts = _SAME_CURRENCY
    else:
        converts = _conversions(transaction, portfolio, rates, on, settles=cash is not None)
    if isinstance(converts, Finding):
        return Posted(on, main, cash, (), (converts,))
    accounts = _Accounts(main, cash, instrument)
    postings = _legs(transaction, rule, portfolio, on, accounts, converts)
    findings = () if rule.cash_only else _warnings(transaction, rule, portfolio, instrument)
    return Posted(on, main, cash, postings, findings)


class _Accounts(NamedTuple):
    main: str
    cash: str | None
    instrument: Instrument


class _Conversions(NamedTuple):
    """Rates trade to base, trade to settlement and settlement to base currency."""

    trade: Decimal
    settle: Decimal
    cash: Decimal


_SAME_CURRENCY: Final = _Conversions(ONE, ONE, ONE)


def _accounts(
    transaction: Transaction, rule: TypeRule, portfolio: Portfolio, instrument: Instrument
) -> tuple[str, str | None]:
    if portfolio.settlement is Settlement.EXPLICIT:
        return transaction.security_id, None
    own = cash_account(transaction.currency)
    if instrument.is_cash:
        return own, own if rule.settles and not rule.cash_only else None
    if rule.cash_only and not rule.settles:
        return own, None
    return transaction.security_id, own if rule.settles else None


def _conversions(
    transaction: Transaction,
    portfolio: Portfolio,
    rates: RateTable,
    on: date,
    *,
    settles: bool,
) -> _Conversions | Finding:
    trade, settle, base = transaction.trade_currency, transaction.currency, portfolio.base_currency
    rate_of_trade = transaction.fx_rate if trade != base else ONE
    if rate_of_trade is None:
        found = rates.rate(trade, base, on)
        if found is None:
            return missing_rate(transaction.transaction_id, trade, base, on.isoformat())
        rate_of_trade = found.rate
    if settle == trade or not settles:
        return _Conversions(rate_of_trade, ONE, rate_of_trade)
    to_settle, to_base = rates.rate(trade, settle, on), rates.rate(settle, base, on)
    if to_settle is None:
        return missing_rate(transaction.transaction_id, trade, settle, on.isoformat())
    if to_base is None:
        return missing_rate(transaction.transaction_id, settle, base, on.isoformat())
    return _Conversions(rate_of_trade, to_settle.rate, to_base.rate)


def _legs(  # noqa: PLR0913 - the five things a posting is made from, and the fact itself
    transaction: Transaction,
    rule: TypeRule,
    portfolio: Portfolio,
    on: date,
    accounts: _Accounts,
    converts: _Conversions,
) -> tuple[Posting, ...]:
    at = instant(transaction)
    flowing = flow_amount(transaction, rule)
    flows = flow(rule, flowing)
    quantity, amount = _main_units(transaction, rule, accounts, flowing)
    main = Posting(
        portfolio.portfolio_id,
        accounts.main,
        Leg.MAIN,
        transaction.transaction_id,
        transaction.type,
        on,
        at,
        _rank(quantity),
        quantity,
        amount,
        transaction.trade_currency,
        converts.trade,
        rule.realises,
        flows,
    )
    if accounts.cash is None:
        return (main,)
    moved = converted(flows.cash_amount, converts.settle)
    cash = Posting(
        portfolio.portfolio_id,
        accounts.cash,
        Leg.CASH,
        transaction.transaction_id,
        transaction.type,
        on,
        at,
        _rank(moved),
        moved,
        abs(moved),
        transaction.currency,
        converts.cash,
        rule.cash_realises,
        None,
    )
    return (main, cash)


def _main_units(
    transaction: Transaction, rule: TypeRule, accounts: _Accounts, flowing: Decimal
) -> tuple[Decimal, Decimal]:
    """Return the signed quantity and the amount of the main leg."""
    if not rule.moves_units:
        return ZERO, ZERO
    if rule.cash_only:
        if rule.settles and not _is_cash_key(accounts):
            return ZERO, ZERO
        return (flowing if rule.adds else -flowing), flowing
    amount = flowing if rule.settles else transaction.gross
    return (transaction.quantity if rule.adds else -transaction.quantity), amount


def _is_cash_key(accounts: _Accounts) -> bool:
    return accounts.instrument.is_cash or built_in_instrument(accounts.main, "") is not None


def _rank(quantity: Decimal) -> int:
    if quantity > 0:
        return 0
    return 1 if quantity == 0 else 2


def _warnings(
    transaction: Transaction, rule: TypeRule, portfolio: Portfolio, instrument: Instrument
) -> tuple[Finding, ...]:
    if not rule.realises:
        return ()
    found: tuple[Finding, ...] = ()
    identity = transaction.transaction_id
    if instrument.is_cash and portfolio.settlement is Settlement.AUTO:
        found = (redundant_settlement(identity, transaction.security_id),)
    product = transaction.quantity * transaction.price
    gross = transaction.gross
    if product and product != gross:
        gap = abs(product - gross)
        if gap > _MISMATCH_ABSOLUTE and gap > gross * _MISMATCH_RELATIVE:
            mismatch = amount_mismatch(identity, decimal_text(product), decimal_text(gross))
            found = (*found, mismatch)
    return found
