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

from tidebook.book.cashflows import RULES, flow, flow_amount
from tidebook.model.facts import business_date, instant
from tidebook.model.findings import (
    Finding,
    amount_mismatch,
    missing_rate,
    redundant_settlement,
    unknown_instrument,
)
from tidebook.model.instruments import PLAIN_CASH, built_in_instrument, cash_account
from tidebook.model.money import ONE, ZERO, converted, decimal_text, exact
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from tidebook.book.cashflows import Cashflow, TypeRule
    from tidebook.model.facts import Transaction, TransactionType
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


class Leg(StrEnum):
    """Which side of a transaction a posting is."""

    MAIN = "main"
    CASH = "cash"


class Posting(NamedTuple):
    """One transaction's effect on one key, before lots.

    ``quantity`` is signed. ``amount`` is what was paid or received for it in ``currency``, the
    key's local one, and ``amount_base`` the same in the portfolio's base currency; neither is
    negative but where the costs of a sale exceed what it brought. ``fx_rate`` is local to base.
    ``realises`` says whether a disposal shows a gain: sales do, withdrawals, costs and transfers
    do not. ``flow`` is in the trade currency, ``flow_base`` its cash amount in base currency.
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
    amount_base: Decimal
    currency: str
    fx_rate: Decimal
    realises: bool
    flow: Cashflow | None
    flow_base: Decimal

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
    stands for the cash account of its currency; a trade in cash of another currency than it
    settles in is an exchange of one account's money for the other's.

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
    instrument = instruments.get(transaction.security_id) or _built_in(transaction, portfolio)
    if instrument is None:
        finding = unknown_instrument(transaction.transaction_id, transaction.security_id)
        return Posted(on, transaction.security_id, None, (), (finding,))
    rule = RULES[transaction.type]
    is_cash = instrument.is_cash
    if portfolio.settlement is Settlement.EXPLICIT:
        main, cash = instrument.security_id, None
    else:
        main, cash = _accounts(transaction, rule, instrument.currency if is_cash else None)
    local = _local_currency(main, transaction, instrument)
    if transaction.trade_currency == transaction.currency == local == portfolio.base_currency:
        converts = _SAME_CURRENCY
    else:
        converts = _conversions(transaction, portfolio.base_currency, local, rates, on)
    if isinstance(converts, Finding):
        return Posted(on, main, cash, (), (converts,))
    accounts = _Accounts(main, cash, instrument, local)
    postings = _legs(transaction, rule, portfolio, on, accounts, converts)
    findings = (
        ()
        if not rule.realises
        else _warnings(transaction, portfolio, instrument.currency if is_cash else None)
    )
    return Posted(on, main, cash, postings, findings)


class _Accounts(NamedTuple):
    main: str
    cash: str | None
    instrument: Instrument
    local: str
    """The currency that the main key's prices and local costs are in."""


class _Conversions(NamedTuple):
    """The rates of one transaction.

    From its trade currency to the instrument's (local), the base and the settlement currency; and
    from the local and the settlement currency to the base currency.
    """

    trade_to_local: Decimal
    trade_to_base: Decimal
    local_to_base: Decimal
    trade_to_settle: Decimal
    settle_to_base: Decimal


_SAME_CURRENCY: Final = _Conversions(ONE, ONE, ONE, ONE, ONE)


def _accounts(
    transaction: Transaction, rule: TypeRule, cash_currency: str | None
) -> tuple[str, str | None]:
    """Return the keys of both legs where cash moves by itself.

    ``cash_currency`` is the instrument's if it is cash.
    """
    own = cash_account(transaction.currency)
    if cash_currency is not None and not rule.cash_only:
        return cash_account(cash_currency), own if rule.settles else None
    if cash_currency is not None or (rule.cash_only and not rule.settles):
        return own, None
    return transaction.security_id, own if rule.settles else None


def _built_in(transaction: Transaction, portfolio: Portfolio) -> Instrument | None:
    """Return the cash account that a transaction names, if it names one.

    Plain cash is an account of its own in the base currency alone: two currencies in one account
    would be added up.
    """
    named, currency = transaction.security_id, transaction.currency
    if named == PLAIN_CASH and currency != portfolio.base_currency:
        named = cash_account(currency)
    return built_in_instrument(named, currency)


def _local_currency(main: str, transaction: Transaction, instrument: Instrument) -> str:
    if main == instrument.security_id:
        return instrument.currency
    built_in = built_in_instrument(main, transaction.currency)
    return built_in.currency if built_in is not None else instrument.currency


def _conversions(
    transaction: Transaction, base: str, local: str, rates: RateTable, on: date
) -> _Conversions | Finding:
    trade, settle = transaction.trade_currency, transaction.currency
    wanted = ((trade, local), (trade, base), (local, base), (trade, settle), (settle, base))
    found: list[Decimal] = []
    for source, target in wanted:
        if source == target:
            found.append(ONE)
        elif transaction.fx_rate is not None and (source, target) == (trade, base):
            found.append(transaction.fx_rate)
        else:
            quote = rates.rate(source, target, on)
            if quote is None:
                return missing_rate(transaction.transaction_id, source, target, on.isoformat())
            found.append(quote.rate)
    return _Conversions(*found)


def _legs(  # noqa: PLR0913, PLR0917 - the five things a posting is made from, and the fact itself
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
    amount = flowing if rule.settles or rule.cash_only else transaction.gross
    # In one currency nothing is converted, and local and base amounts are one object, which
    # tells the lots that one division serves both.
    abroad = converts is not _SAME_CURRENCY
    local = converted(amount, converts.trade_to_local) if abroad else amount
    base = converted(amount, converts.trade_to_base) if abroad else amount
    quantity = _main_quantity(transaction, rule, accounts, local)
    if rule.cash_only and amount < 0:
        # Costs beyond the amount turn the movement round: the quantity says so already.
        local = -local
        base = -base if abroad else local
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
        local,
        base,
        accounts.local,
        converts.local_to_base,
        rule.realises,
        flows,
        converted(flows.cash_amount, converts.trade_to_base) if abroad else flows.cash_amount,
    )
    if accounts.cash is None:
        return (main,)
    moved = flows.cash_amount
    if abroad:
        moved = converted(moved, converts.trade_to_settle)
    size = abs(moved)
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
        size,
        converted(size, converts.settle_to_base) if abroad else size,
        transaction.currency,
        converts.settle_to_base,
        rule.cash_realises,
        None,
        ZERO,
    )
    return (main, cash)


def _main_quantity(
    transaction: Transaction, rule: TypeRule, accounts: _Accounts, local: Decimal
) -> Decimal:
    """Return the signed change in units: cash moves by its amount, a security by its quantity."""
    if not rule.moves_units:
        return ZERO
    units = transaction.quantity
    if rule.cash_only:
        if rule.settles and not _is_cash_key(accounts):
            return ZERO
        units = local
    return units if rule.adds else -units


def _is_cash_key(accounts: _Accounts) -> bool:
    return accounts.instrument.is_cash or built_in_instrument(accounts.main, "") is not None


def _rank(quantity: Decimal) -> int:
    if quantity > 0:
        return 0
    return 1 if quantity == 0 else 2


def _warnings(
    transaction: Transaction, portfolio: Portfolio, cash_currency: str | None
) -> tuple[Finding, ...]:
    """Return what looks wrong about a trade; ``cash_currency`` as in :func:`_accounts`."""
    found: tuple[Finding, ...] = ()
    identity = transaction.transaction_id
    if cash_currency == transaction.currency and portfolio.settlement is Settlement.AUTO:
        found = (redundant_settlement(identity, transaction.security_id),)
    product = transaction.quantity * transaction.price
    gross = transaction.gross
    if product and product != gross:
        gap = abs(product - gross)
        if gap > _MISMATCH_ABSOLUTE and gap > gross * _MISMATCH_RELATIVE:
            mismatch = amount_mismatch(identity, decimal_text(product), decimal_text(gross))
            found = (*found, mismatch)
    return found
