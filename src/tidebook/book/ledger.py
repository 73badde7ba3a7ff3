"""From a transaction to postings: which keys it touches, by how much, in which order.

A key is (portfolio, security). A transaction posts its *main* leg to the key of its security and,
where the portfolio settles by itself, a *cash* leg to the cash account of its currency. Cash
movements (deposits, withdrawals, fees, taxes, interest on cash) post to the cash account directly.
A transaction for which something is missing posts nothing and says what it waits for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import flow, flow_amount
from tidebook.book.events import awaited, led_to, post_carry
from tidebook.book.known import NOBODY, Known, Wanted, rates_on
from tidebook.book.plans import CLOSES, plan_for
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
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tidebook.book.cashflows import Cashflow
    from tidebook.book.plans import Plan, Plans
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio


_MISMATCH_ABSOLUTE: Final = Decimal("0.01")
_MISMATCH_RELATIVE: Final = Decimal("0.001")
# A member asked of its class takes as long as all the rest of a comparison.
_CANCELLED: Final = T.CANCELLED
_MARK_TO_MARKET: Final = T.MARK_TO_MARKET
_MAIN: Final = Leg.MAIN
_CASH: Final = Leg.CASH


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
        return _post(transaction, portfolio, Known(instruments, rates, portfolios), {})


def post_all(
    transactions: Iterable[Transaction],
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
    rates: RateTable,
) -> list[Posted]:
    """Return :func:`post` of each transaction of one portfolio."""
    known = Known(instruments, rates, NOBODY)
    plans: Plans = {}
    with exact():
        return [_post(transaction, portfolio, known, plans) for transaction in transactions]


def post_by_id(transactions: Iterable[Transaction], known: Known) -> dict[str, Posted]:
    """Return :func:`post` of each transaction under its own portfolio, by transaction id.

    Every transaction's portfolio must be among those that are known.
    """
    plans: Plans = {}
    with exact():
        return {
            fact.transaction_id: _post(fact, known.portfolios[fact.portfolio_id], known, plans)
            for fact in transactions
        }


def _post(transaction: Transaction, portfolio: Portfolio, known: Known, plans: Plans) -> Posted:
    kind = transaction.type
    on = business_date(transaction, portfolio.time_zone)
    if kind is _CANCELLED:
        return _cancelled(transaction, on)
    plan = plan_for(transaction, portfolio, known, plans)
    if plan is None:
        return _without_instrument(transaction, on)
    instrument = plan.instrument
    if instrument.multiplier is not ONE and instrument.multiplier != ONE:
        transaction = _with_multiplier(transaction, instrument.multiplier)
    if plan.is_carry:
        return post_carry(transaction, portfolio, instrument, known)
    main, cash = plan.main, plan.cash
    if kind is _MARK_TO_MARKET and not plan.on_margin:
        finding = missing_terms(
            transaction.transaction_id, main, "product type of a contract held on margin"
        )
        return Posted(on, main, None, (), (finding,))
    found = _terms(transaction, portfolio, plan, known.rates, on)
    if isinstance(found, Finding):
        return Posted(on, main, cash, (), (found,))
    converts, effect = found
    postings = _legs(transaction, portfolio, plan, on, converts, effect)
    findings = _warnings(transaction, portfolio, plan) if plan.rule.realises else ()
    return made(Posted, (on, main, cash, postings, findings, None))


def _cancelled(transaction: Transaction, on: date) -> Posted:
    """Return no postings, and where those of what was cancelled would be looked for."""
    named = transaction.security_id
    cash = built_in_instrument(named, transaction.currency)
    main = named if cash is None else cash_account(cash.currency)
    return Posted(on, main, None, (), (), led_to(transaction))


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


def _terms(
    transaction: Transaction, portfolio: Portfolio, plan: Plan, rates: RateTable, on: date
) -> tuple[_Conversions, Effect | None] | Finding:
    """Return the rates of a transaction and what it does besides, or the finding for one missing.

    The gain of a contract is in its own currency, whatever it was traded in.
    """
    converts = _SAME_CURRENCY
    if not plan.one_currency:
        asked = _conversions(transaction, portfolio.base_currency, plan.local, rates, on)
        if isinstance(asked, Finding):
            return asked
        converts = asked
    effect = None
    if not plan.is_plain or transaction.lots:
        effect = _effect(transaction, plan, converts)
    if plan.on_margin and effect is not None and plan.local != transaction.currency:
        pair = (Wanted(plan.local, transaction.currency),)
        found = rates_on(rates, pair, on, transaction.transaction_id)
        if isinstance(found, Finding):
            return found
        effect = effect._replace(to_cash=found[0])
    return converts, effect


def _effect(transaction: Transaction, plan: Plan, converts: _Conversions) -> Effect | None:
    """Return what a transaction does beyond adding or removing units at an amount.

    Cash has no lots to name and no side to close: an account may always be overdrawn.
    """
    kind = transaction.type
    if plan.cash_currency is not None:
        return None
    if plan.on_margin:
        multiplier = plan.instrument.multiplier
        price = converted(transaction.price * multiplier, converts.trade_to_local)
        costs = converted(transaction.fee + transaction.tax, converts.trade_to_local)
        what = EffectKind.TRADE
        if kind in {T.MARK_TO_MARKET, T.EXPIRY}:
            what = EffectKind.MARK if kind is T.MARK_TO_MARKET else EffectKind.END
        return Effect(
            what,
            transaction.lots,
            closes_only=kind in CLOSES,
            on_margin=True,
            price=price,
            costs=costs,
        )
    if kind is T.EXPIRY:
        return Effect(EffectKind.END, transaction.lots)
    if kind is T.RETURN_OF_CAPITAL:
        return Effect(EffectKind.RETURN)
    if transaction.lots or kind in CLOSES:
        return Effect(EffectKind.TRADE, transaction.lots, closes_only=kind in CLOSES)
    return None


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
    portfolio: Portfolio,
    plan: Plan,
    on: date,
    converts: _Conversions,
    effect: Effect | None,
) -> tuple[Posting, ...]:
    rule = plan.rule
    flowing = flow_amount(transaction, rule)
    flows: Cashflow | None = flow(rule, flowing)
    moved = flows.cash_amount
    amount = flowing if plan.amount_flows else transaction.gross
    if effect is not None and effect.on_margin:
        amount = transaction.gross
    elif effect is not None and effect.kind is EffectKind.END:
        amount = ZERO
    # In one currency nothing is converted, and local and base amounts are one object, which
    # tells the lots that one division serves both.
    local = base = amount
    flow_base = moved
    if converts is not _SAME_CURRENCY:
        local = converted(amount, converts.trade_to_local)
        base = converted(amount, converts.trade_to_base)
        flow_base = converted(moved, converts.trade_to_base)
    quantity = ZERO
    if plan.moves_units:
        units = local if plan.units_are_amount else transaction.quantity
        quantity = units if rule.adds else -units
    if plan.units_are_amount and amount < ZERO:
        # Costs beyond the amount turn the movement round: the quantity says so already.
        same = base is local
        local = -local
        base = local if same else -base
    if effect is not None and effect.on_margin:
        # Nothing flows but costs and gains, and these are known when lots have been matched.
        flows, flow_base = None, ZERO
    # What ends leaves, on whichever side and in whatever number it is held.
    ends = effect is not None and effect.kind is EffectKind.END
    main = made(
        Posting,
        (
            portfolio.portfolio_id,
            plan.main,
            _MAIN,
            transaction.transaction_id,
            transaction.type,
            on,
            instant(transaction),
            rank_of(-ONE if ends else quantity),
            quantity,
            local,
            base,
            plan.local,
            converts.local_to_base,
            rule.realises,
            flows,
            flow_base,
            effect,
        ),
    )
    if plan.cash is None:
        return (main,)
    size = flowing if flowing >= ZERO else -flowing
    return (main, _cash_leg(main, transaction, plan, plan.cash, (moved, size), converts))


def _cash_leg(  # noqa: PLR0913, PLR0917 - what a cash posting is made from, beside the main one
    main: Posting,
    transaction: Transaction,
    plan: Plan,
    account: str,
    flowing: tuple[Decimal, Decimal],
    converts: _Conversions,
) -> Posting:
    """Return what a transaction moves on its cash account, given as it is and without its sign.

    On margin that is what its holding will determine, and the amount is left open.
    """
    effect = None
    moved, size = flowing
    if plan.on_margin:
        moved, size, effect = ZERO, ZERO, Effect(EffectKind.SETTLE)
    abroad = converts is not _SAME_CURRENCY
    if abroad:
        moved = converted(moved, converts.trade_to_settle)
        size = abs(moved)
    return made(
        Posting,
        (
            main.portfolio_id,
            account,
            _CASH,
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
            plan.rule.cash_realises and effect is None,
            None,
            ZERO,
            effect,
        ),
    )


def _warnings(transaction: Transaction, portfolio: Portfolio, plan: Plan) -> tuple[Finding, ...]:
    """Return what looks wrong about a trade."""
    found: tuple[Finding, ...] = ()
    if plan.cash_currency is not None:
        settles_itself = portfolio.settlement is Settlement.AUTO
        if plan.cash_currency == transaction.currency and settles_itself:
            security_id = transaction.security_id
            found = (redundant_settlement(transaction.transaction_id, security_id),)
    product = transaction.quantity * transaction.price
    if plan.instrument.multiplier is not ONE:
        product *= plan.instrument.multiplier
    gross = transaction.gross
    if product != gross and product:
        gap = abs(product - gross)
        if gap > _MISMATCH_ABSOLUTE and gap > gross * _MISMATCH_RELATIVE:
            stated = decimal_text(gross)
            mismatch = amount_mismatch(transaction.transaction_id, decimal_text(product), stated)
            found = (*found, mismatch)
    return found
