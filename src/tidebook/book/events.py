"""Events that join two keys: transfers in kind, conversions, exercises and assignments.

Each has a main leg, where units leave with what they cost, and an arrival, where that cost turns up
again: as lots with their old dates, or in the amount of a trade in the underlying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import Cashflow, Classification, Timing
from tidebook.book.known import Wanted, rates_on
from tidebook.book.postings import Effect, EffectKind, Leg, Posted, Posting, rank_of
from tidebook.model.facts import TransactionType as T, business_date, instant
from tidebook.model.findings import (
    Finding,
    carried_to_itself,
    cash_in_kind,
    missing_terms,
    unknown_instrument,
    unknown_portfolio,
    valueless_transfer,
)
from tidebook.model.instruments import OptionRight, cash_account
from tidebook.model.money import ZERO, converted
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.book.known import Known
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

CARRIES: Final = frozenset({T.TRANSFER_IN_KIND, T.CONVERSION, T.EXERCISE, T.ASSIGNMENT})
"""Types that touch a second key beside cash."""
_CARRY_RANK: Final = 1
"""After what adds, before what removes."""


class _Sides(NamedTuple):
    """Both ends of a carry, and the rates between them.

    ``rates`` are from the trade currency to the source's local and base and to the arrival's local
    and base; from local to base on either side; from the source's local to the arrival's;
    between the two base currencies; and from the trade currency to the one that is settled in, and
    from that to the source's base.
    """

    portfolio: Portfolio
    instrument: Instrument
    to_portfolio: Portfolio
    to_instrument: Instrument
    on: date
    trade_local: Decimal
    trade_base: Decimal
    to_trade_local: Decimal
    to_trade_base: Decimal
    local_base: Decimal
    to_local_base: Decimal
    local_local: Decimal
    base_base: Decimal
    trade_settle: Decimal
    settle_base: Decimal

    @property
    def arrival(self) -> tuple[str, str]:
        """The key that receives."""
        return (self.to_portfolio.portfolio_id, self.to_instrument.security_id)


def post_carry(
    transaction: Transaction, portfolio: Portfolio, instrument: Instrument, known: Known
) -> Posted:
    """Return the postings of an event that joins two keys, or what it waits for."""
    on = business_date(transaction, portfolio.time_zone)
    main = instrument.security_id
    sides = _sides(transaction, portfolio, instrument, known, on)
    if isinstance(sides, Finding):
        return Posted(on, main, None, (), (sides,), awaited(transaction))
    if transaction.type in {T.EXERCISE, T.ASSIGNMENT}:
        return _exercise(transaction, sides)
    return _move(transaction, sides)


def _sides(
    transaction: Transaction,
    portfolio: Portfolio,
    instrument: Instrument,
    known: Known,
    on: date,
) -> _Sides | Finding:
    identity = transaction.transaction_id
    target = portfolio
    if transaction.type is T.TRANSFER_IN_KIND:
        found = known.portfolios.get(transaction.to_portfolio_id)
        if found is None:
            return unknown_portfolio(identity, transaction.to_portfolio_id)
        target = found
    arriving = _arriving(transaction, instrument, known)
    if isinstance(arriving, Finding):
        return arriving
    if (target.portfolio_id, arriving.security_id) == (
        portfolio.portfolio_id,
        transaction.security_id,
    ):
        return carried_to_itself(identity, arriving.security_id)
    trade, base, to_base = (
        transaction.trade_currency,
        portfolio.base_currency,
        target.base_currency,
    )
    wanted = (
        Wanted(trade, instrument.currency),
        Wanted(trade, base),
        Wanted(trade, arriving.currency),
        Wanted(trade, to_base),
        Wanted(instrument.currency, base),
        Wanted(arriving.currency, to_base),
        Wanted(instrument.currency, arriving.currency),
        Wanted(base, to_base),
        Wanted(trade, transaction.currency),
        Wanted(transaction.currency, base),
    )
    rates = rates_on(known.rates, wanted, on, identity)
    if isinstance(rates, Finding):
        return rates
    if transaction.fx_rate is not None and trade != base:
        rates[1] = transaction.fx_rate
        if transaction.currency == trade:
            rates[-1] = transaction.fx_rate
    return _Sides(portfolio, instrument, target, arriving, on, *rates)


def awaited(transaction: Transaction) -> tuple[str, str] | None:
    """Return the key that will receive, while something is missing: who is to be asked for.

    None where nothing is carried to another portfolio.
    """
    if not transaction.to_portfolio_id:
        return None
    return (transaction.to_portfolio_id, transaction.to_security_id or transaction.security_id)


def led_to(transaction: Transaction) -> tuple[str, str] | None:
    """Return the key that a transaction names as where it leads; None where it names none."""
    if not transaction.to_portfolio_id and not transaction.to_security_id:
        return None
    return (
        transaction.to_portfolio_id or transaction.portfolio_id,
        transaction.to_security_id or transaction.security_id,
    )


def _arriving(
    transaction: Transaction, instrument: Instrument, known: Known
) -> Instrument | Finding:
    """Return the instrument of the arrival."""
    identity = transaction.transaction_id
    if instrument.is_cash:
        return cash_in_kind(identity, instrument.security_id)
    named = transaction.to_security_id
    if transaction.type in {T.EXERCISE, T.ASSIGNMENT}:
        named = named or instrument.underlying_id
        if not named or _right(instrument) is None:
            what = "option right" if named else "underlying"
            return missing_terms(identity, instrument.security_id, what)
    arriving = known.instruments.get(named) if named else instrument
    if arriving is not None and arriving.is_cash:
        return cash_in_kind(identity, arriving.security_id)
    return arriving or unknown_instrument(identity, named)


def _right(instrument: Instrument) -> OptionRight | None:
    """Return what a contract gives a right to; a right or a warrant is one to buy."""
    kind = instrument.product_type.casefold()
    if instrument.option_right is None and ("right" in kind or "warrant" in kind):
        return OptionRight.CALL
    return instrument.option_right


def _move(transaction: Transaction, sides: _Sides) -> Posted:
    """Return the postings of lots that move with their dates."""
    abroad = sides.to_portfolio.portfolio_id != sides.portfolio.portfolio_id
    units = transaction.to_quantity or (None if abroad else transaction.quantity)
    leaves = _flow(transaction, sides.trade_base, -1) if abroad else (None, ZERO)
    arrives = _flow(transaction, sides.to_trade_base, 1) if abroad else (None, ZERO)
    main = _main(transaction, sides)._replace(flow=leaves[0], flow_base=leaves[1])
    arrival = _arrival(transaction, sides, ZERO)._replace(
        flow=arrives[0],
        flow_base=arrives[1],
        realises=False,
        effect=Effect(
            EffectKind.ARRIVE,
            units=units,
            to_local=sides.local_local,
            to_base=sides.base_base,
        ),
    )
    cost = transaction.fee + transaction.tax
    cash = _cash(transaction, sides, -cost, costs=True) if cost else None
    findings: tuple[Finding, ...] = ()
    if abroad and not transaction.gross:
        findings = (valueless_transfer(transaction.transaction_id, transaction.security_id),)
    return _posted(sides, (main, arrival), cash, findings)


def _exercise(transaction: Transaction, sides: _Sides) -> Posted:
    """Return the postings of a trade in the underlying that takes up what the contract cost."""
    instrument = sides.instrument
    units = transaction.to_quantity or transaction.quantity * instrument.multiplier
    gross = transaction.gross
    if not transaction.price and instrument.strike is not None and not gross:
        gross = instrument.strike * units
    holder = transaction.type is T.EXERCISE
    buys = (_right(instrument) is OptionRight.CALL) is holder
    costs = transaction.fee + transaction.tax
    amount = gross + costs if buys else gross - costs
    classification = Classification.INVESTMENT_OUTFLOW if buys else Classification.INVESTMENT_INFLOW
    cash_amount = -amount if buys else amount
    flow = Cashflow(
        classification,
        Timing.BOD if buys else Timing.EOD,
        is_portfolio_flow=False,
        cash_amount=cash_amount,
        position_flow=-cash_amount,
    )
    arrival = _arrival(transaction, sides, units if buys else -units)._replace(
        amount=converted(amount, sides.to_trade_local),
        amount_base=converted(amount, sides.to_trade_base),
        realises=True,
        flow=flow,
        flow_base=converted(cash_amount, sides.to_trade_base),
        effect=Effect(EffectKind.ABSORB, to_local=sides.local_local, to_base=sides.base_base),
    )
    cash = _cash(transaction, sides, cash_amount, costs=False)
    return _posted(sides, (_main(transaction, sides), arrival), cash, ())


def _main(transaction: Transaction, sides: _Sides) -> Posting:
    """Return the leg that units leave from; which side they are held on decides their sign."""
    return Posting(
        sides.portfolio.portfolio_id,
        sides.instrument.security_id,
        Leg.MAIN,
        transaction.transaction_id,
        transaction.type,
        sides.on,
        instant(transaction),
        _CARRY_RANK,
        transaction.quantity,
        ZERO,
        ZERO,
        sides.instrument.currency,
        sides.local_base,
        realises=False,
        flow=None,
        flow_base=ZERO,
        effect=Effect(EffectKind.CARRY, transaction.lots),
    )


def _arrival(transaction: Transaction, sides: _Sides, quantity: Decimal) -> Posting:
    return _main(transaction, sides)._replace(
        portfolio_id=sides.to_portfolio.portfolio_id,
        security_id=sides.to_instrument.security_id,
        leg=Leg.TO,
        quantity=quantity,
        currency=sides.to_instrument.currency,
        fx_rate=sides.to_local_base,
    )


def _flow(transaction: Transaction, to_base: Decimal, sign: int) -> tuple[Cashflow, Decimal]:
    """Return the flow of units across a portfolio's border, at the value that was stated."""
    value = sign * transaction.gross
    flow = Cashflow(
        Classification.TRANSFER,
        Timing.EOD if sign < 0 else Timing.BOD,
        is_portfolio_flow=True,
        cash_amount=value,
        position_flow=value,
    )
    return flow, converted(value, to_base)


def _cash(
    transaction: Transaction, sides: _Sides, amount: Decimal, *, costs: bool
) -> Posting | None:
    """Return the cash leg, where the portfolio settles by itself: what is traded, or costs.

    ``amount`` is in the trade currency; what moves is its worth in the one that is settled in.
    """
    if sides.portfolio.settlement is Settlement.EXPLICIT:
        return None
    flow = None
    if costs:
        flow = Cashflow(
            Classification.EXPENSE,
            Timing.EOD,
            is_portfolio_flow=True,
            cash_amount=amount,
            position_flow=amount,
        )
    moved = converted(amount, sides.trade_settle)
    size = abs(moved)
    return _main(transaction, sides)._replace(
        security_id=cash_account(transaction.currency),
        leg=Leg.CASH,
        rank=rank_of(moved),
        quantity=moved,
        amount=size,
        amount_base=converted(size, sides.settle_base),
        currency=transaction.currency,
        fx_rate=sides.settle_base,
        realises=True,
        flow=flow,
        flow_base=converted(amount, sides.trade_base) if flow else ZERO,
        effect=None,
    )


def _posted(
    sides: _Sides,
    legs: tuple[Posting, Posting],
    cash: Posting | None,
    findings: tuple[Finding, ...],
) -> Posted:
    return Posted(
        sides.on,
        sides.instrument.security_id,
        cash.security_id if cash else None,
        (*legs, cash) if cash else legs,
        findings,
        sides.arrival,
    )
