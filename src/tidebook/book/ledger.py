"""From a transaction to postings: which keys it touches, by how much, in which order.

A key is (portfolio, security). A transaction posts its *main* leg to the key of its security and,
where the portfolio settles by itself, a *cash* leg to the cash account of its currency. Cash
movements (deposits, withdrawals, fees, taxes, interest on cash) post to the cash account directly.
A transaction for which something is missing posts nothing and says what it waits for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import RULES, flow, flow_amount
from tidebook.book.events import CARRIES, awaited, post_carry
from tidebook.book.known import NOBODY, Known
from tidebook.book.postings import Effect, EffectKind, Leg, Posted, Posting, rank_of
from tidebook.model.facts import TransactionType as T, business_date, instant
from tidebook.model.findings import (
    Finding,
    amount_mismatch,
    missing_rate,
    missing_terms,
    redundant_settlement,
    unknown_instrument,
)
from tidebook.model.instruments import built_in_instrument, cash_account
from tidebook.model.money import ONE, ZERO, converted, decimal_text, exact
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tidebook.book.cashflows import TypeRule
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


_MISMATCH_ABSOLUTE: Final = Decimal("0.01")
_MISMATCH_RELATIVE: Final = Decimal("0.001")
_CLOSES: Final = frozenset({T.BUY_TO_CLOSE, T.SELL_TO_CLOSE, T.REDEMPTION})
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


def post(
    transaction: Transaction,
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
    portfolios: Mapping[str, Portfolio] = NOBODY,
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
        portfolios: The portfolios that lots may be transferred to, by id.

    Returns:
        One posting per touched key, main leg first; none when something is missing, with a
        finding that names it.
    """
    with exact():
        return _post(transaction, portfolio, Known(instruments, rates, portfolios))


def post_all(
    transactions: Iterable[Transaction],
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
) -> list[Posted]:
    """Return :func:`post` of each transaction of one portfolio."""
    known = Known(instruments, rates, NOBODY)
    with exact():
        return [_post(transaction, portfolio, known) for transaction in transactions]


def _post(transaction: Transaction, portfolio: Portfolio, known: Known) -> Posted:
    kind = transaction.type
    on = business_date(transaction, portfolio.time_zone)
    if kind is T.CANCELLED:
        return Posted(on, "", None, (), ())
    base = portfolio.base_currency
    instrument = known.instrument(transaction.security_id, transaction.currency, base)
    if instrument is None:
        return _without_instrument(transaction, on)
    if instrument.multiplier is not ONE and instrument.multiplier != ONE:
        transaction = _with_multiplier(transaction, instrument.multiplier)
    if kind in CARRIES:
        return post_carry(transaction, portfolio, instrument, known)
    rule = RULES[kind]
    is_cash = instrument.is_cash
    on_margin = kind in _TRADES and instrument.is_margined
    if portfolio.settlement is Settlement.EXPLICIT:
        main, cash = instrument.security_id, None
    else:
        main, cash = _accounts(transaction, rule, instrument.currency if is_cash else None)
        if on_margin:
            cash = cash_account(transaction.currency)
    if kind is T.MARK_TO_MARKET and not on_margin:
        finding = missing_terms(
            transaction.transaction_id, main, "product type of a contract held on margin"
        )
        return Posted(on, main, None, (), (finding,))
    local = _local_currency(main, transaction, instrument)
    if transaction.trade_currency == transaction.currency == local == base:
        converts = _SAME_CURRENCY
    else:
        converts = _conversions(transaction, base, local, known.rates, on)
    if isinstance(converts, Finding):
        return Posted(on, main, cash, (), (converts,))
    accounts = _Accounts(main, cash, instrument, local)
    effect = _effect(transaction, instrument, converts, on_margin=on_margin)
    postings = _legs(transaction, rule, portfolio, on, accounts, converts, effect)
    findings = (
        ()
        if not rule.realises
        else _warnings(transaction, portfolio, instrument, instrument.currency if is_cash else None)
    )
    return Posted(on, main, cash, postings, findings)


def _without_instrument(transaction: Transaction, on: date) -> Posted:
    named = transaction.security_id
    finding = unknown_instrument(transaction.transaction_id, named)
    return Posted(on, named, None, (), (finding,), awaited(transaction))


def _with_multiplier(transaction: Transaction, multiplier: Decimal) -> Transaction:
    """Return a transaction whose amount, where it is quantity times price alone, is a contract's.

    A gross amount that leaves the multiplier out was not stated but derived.
    """
    if transaction.gross != transaction.quantity * transaction.price:
        return transaction
    return transaction._replace(gross=transaction.gross * multiplier)


def _effect(
    transaction: Transaction, instrument: Instrument, converts: _Conversions, *, on_margin: bool
) -> Effect | None:
    """Return what a transaction does beyond adding or removing units at an amount.

    Cash has no lots to name and no side to close: an account may always be overdrawn.
    """
    kind = transaction.type
    if instrument.is_cash:
        return None
    to_cash = converts.trade_to_settle
    if on_margin:
        price = converted(transaction.price * instrument.multiplier, converts.trade_to_local)
        costs = converted(transaction.fee + transaction.tax, converts.trade_to_local)
        what = EffectKind.TRADE
        if kind in {T.MARK_TO_MARKET, T.EXPIRY}:
            what = EffectKind.MARK if kind is T.MARK_TO_MARKET else EffectKind.END
        return Effect(
            what,
            transaction.lots,
            closes_only=kind in _CLOSES,
            on_margin=True,
            price=price,
            costs=costs,
            to_cash=to_cash,
        )
    if kind is T.EXPIRY:
        return Effect(EffectKind.END, transaction.lots)
    if kind is T.RETURN_OF_CAPITAL:
        return Effect(EffectKind.RETURN)
    if transaction.lots or kind in _CLOSES:
        return Effect(EffectKind.TRADE, transaction.lots, closes_only=kind in _CLOSES)
    return None


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


def _legs(  # noqa: PLR0913, PLR0917 - the six things a posting is made from, and the fact itself
    transaction: Transaction,
    rule: TypeRule,
    portfolio: Portfolio,
    on: date,
    accounts: _Accounts,
    converts: _Conversions,
    effect: Effect | None,
) -> tuple[Posting, ...]:
    at = instant(transaction)
    flowing = flow_amount(transaction, rule)
    flows = flow(rule, flowing)
    moves = rule.settles or rule.cash_only or rule.in_kind
    amount = flowing if moves else transaction.gross
    if effect is not None and effect.on_margin:
        amount = transaction.gross
    elif effect is not None and effect.kind is EffectKind.END:
        amount = ZERO
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
        rank_of(quantity),
        quantity,
        local,
        base,
        accounts.local,
        converts.local_to_base,
        rule.realises,
        flows,
        converted(flows.cash_amount, converts.trade_to_base) if abroad else flows.cash_amount,
        effect,
    )
    if effect is not None and effect.on_margin:
        # Nothing flows but costs and gains, and these are known when lots have been matched.
        main = main._replace(flow=None, flow_base=ZERO)
    if accounts.cash is None:
        return (main,)
    return (main, _cash_leg(main, transaction, rule, accounts.cash, flows.cash_amount, converts))


def _cash_leg(  # noqa: PLR0913, PLR0917 - what a cash posting is made from, beside the main one
    main: Posting,
    transaction: Transaction,
    rule: TypeRule,
    account: str,
    moved: Decimal,
    converts: _Conversions,
) -> Posting:
    """Return what a transaction moves on its cash account.

    On margin that is what its holding will determine, and the amount is left open.
    """
    effect = None
    if main.effect is not None and main.effect.on_margin:
        moved, effect = ZERO, Effect(EffectKind.SETTLE)
    abroad = converts is not _SAME_CURRENCY
    if abroad:
        moved = converted(moved, converts.trade_to_settle)
    size = abs(moved)
    return Posting(
        main.portfolio_id,
        account,
        Leg.CASH,
        main.transaction_id,
        main.type,
        main.on,
        main.at,
        rank_of(moved),
        moved,
        size,
        converted(size, converts.settle_to_base) if abroad else size,
        transaction.currency,
        converts.settle_to_base,
        rule.cash_realises and effect is None,
        None,
        ZERO,
        effect,
    )


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


def _warnings(
    transaction: Transaction,
    portfolio: Portfolio,
    instrument: Instrument,
    cash_currency: str | None,
) -> tuple[Finding, ...]:
    """Return what looks wrong about a trade; ``cash_currency`` as in :func:`_accounts`."""
    found: tuple[Finding, ...] = ()
    identity = transaction.transaction_id
    if cash_currency == transaction.currency and portfolio.settlement is Settlement.AUTO:
        found = (redundant_settlement(identity, transaction.security_id),)
    product = transaction.quantity * transaction.price
    if instrument.multiplier is not ONE:
        product *= instrument.multiplier
    gross = transaction.gross
    if product and product != gross:
        gap = abs(product - gross)
        if gap > _MISMATCH_ABSOLUTE and gap > gross * _MISMATCH_RELATIVE:
            mismatch = amount_mismatch(identity, decimal_text(product), decimal_text(gross))
            found = (*found, mismatch)
    return found
