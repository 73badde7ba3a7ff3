"""Cashflows: what a transaction moves, when in the day, and across which border.

Two signs are kept, because two readers need opposite ones. ``cash_amount`` is the effect on the
portfolio's cash; ``position_flow`` is capital going into (+) or coming out of (-) the instrument.
A *portfolio flow* crosses the portfolio's border: it is the investor's or the custodian's doing,
not the market's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.facts import TransactionType as T
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tidebook.model.facts import Transaction


class Classification(StrEnum):
    """What kind of flow it is."""

    INVESTMENT_OUTFLOW = "INVESTMENT_OUTFLOW"
    INVESTMENT_INFLOW = "INVESTMENT_INFLOW"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"
    CASHFLOW_IN = "CASHFLOW_IN"
    CASHFLOW_OUT = "CASHFLOW_OUT"
    TRANSFER = "TRANSFER"


class Timing(StrEnum):
    """When in the day the flow joins or leaves the capital at work."""

    BOD = "BOD"
    EOD = "EOD"


class TypeRule(NamedTuple):
    """What one transaction type does: how it flows, and how it moves units and cash.

    ``settles`` types move cash beside the security; ``cash_only`` types are movements of a cash
    account; ``adds`` says whether units come in. ``costs_add`` types are paid: their costs come on
    top of the gross amount. ``realises`` says whether a disposal shows a gain, on the main leg and
    on the cash leg. ``in_kind`` types are income or costs in units: they flow, and move no cash.
    """

    classification: Classification
    timing: Timing
    is_portfolio_flow: bool
    cash_in: bool
    adds: bool
    settles: bool
    cash_only: bool
    moves_units: bool
    costs_add: bool
    realises: bool
    cash_realises: bool
    in_kind: bool


class Cashflow(NamedTuple):
    """One transaction's flow, in the currency of its amounts."""

    classification: Classification
    timing: Timing
    is_portfolio_flow: bool
    cash_amount: Decimal
    position_flow: Decimal


def _rule(
    classification: Classification, timing: Timing, marks: str, *, flows: bool = False
) -> TypeRule:
    words = set(marks.split())
    return TypeRule(
        classification,
        timing,
        flows,
        "cash-in" in words,
        "adds" in words,
        "settles" in words,
        "cash-only" in words,
        "units" in words,
        "costs-add" in words,
        "realises" in words,
        "settles" in words and "cash-only" not in words,
        "in-kind" in words,
    )


_C, _BOD, _EOD = Classification, Timing.BOD, Timing.EOD
RULES: Final[Mapping[T, TypeRule]] = {
    T.BUY: _rule(_C.INVESTMENT_OUTFLOW, _BOD, "adds units settles costs-add realises"),
    T.SELL: _rule(_C.INVESTMENT_INFLOW, _EOD, "cash-in units settles realises"),
    T.DIVIDEND: _rule(_C.INCOME, _EOD, "cash-in settles"),
    T.INTEREST: _rule(_C.INCOME, _EOD, "cash-in settles"),
    T.FEE: _rule(_C.EXPENSE, _EOD, "settles cash-only units costs-add", flows=True),
    T.TAX: _rule(_C.EXPENSE, _EOD, "settles cash-only units", flows=True),
    T.DEPOSIT: _rule(_C.CASHFLOW_IN, _BOD, "cash-in adds cash-only units", flows=True),
    T.WITHDRAWAL: _rule(_C.CASHFLOW_OUT, _EOD, "cash-only units", flows=True),
    T.TRANSFER_IN: _rule(_C.TRANSFER, _BOD, "cash-in adds units", flows=True),
    T.TRANSFER_OUT: _rule(_C.TRANSFER, _EOD, "units", flows=True),
    T.TRANSFER_IN_KIND: _rule(_C.TRANSFER, _EOD, "units", flows=True),
    T.CONVERSION: _rule(_C.TRANSFER, _EOD, "units"),
    T.REDEMPTION: _rule(_C.INVESTMENT_INFLOW, _EOD, "cash-in units settles realises"),
    T.COUPON: _rule(_C.INCOME, _EOD, "cash-in settles"),
    T.DIVIDEND_REINVESTED: _rule(_C.INCOME, _EOD, "cash-in adds units in-kind realises"),
    T.STAKING_REWARD: _rule(_C.INCOME, _EOD, "cash-in adds units in-kind realises"),
    T.AIRDROP: _rule(_C.INCOME, _EOD, "cash-in adds units in-kind realises"),
    T.NETWORK_FEE: _rule(_C.EXPENSE, _EOD, "units realises in-kind", flows=True),
    T.RETURN_OF_CAPITAL: _rule(_C.INVESTMENT_INFLOW, _EOD, "cash-in settles realises"),
    T.BUY_TO_OPEN: _rule(_C.INVESTMENT_OUTFLOW, _BOD, "adds units settles costs-add realises"),
    T.SELL_TO_OPEN: _rule(_C.INVESTMENT_INFLOW, _EOD, "cash-in units settles realises"),
    T.BUY_TO_CLOSE: _rule(_C.INVESTMENT_OUTFLOW, _BOD, "adds units settles costs-add realises"),
    T.SELL_TO_CLOSE: _rule(_C.INVESTMENT_INFLOW, _EOD, "cash-in units settles realises"),
    T.EXPIRY: _rule(_C.INVESTMENT_INFLOW, _EOD, "units realises"),
    T.EXERCISE: _rule(_C.TRANSFER, _EOD, "units"),
    T.ASSIGNMENT: _rule(_C.TRANSFER, _EOD, "units"),
    T.MARK_TO_MARKET: _rule(_C.INVESTMENT_INFLOW, _EOD, "realises"),
    T.FUNDING_RECEIVED: _rule(_C.INCOME, _EOD, "cash-in settles"),
    T.FUNDING_PAID: _rule(_C.EXPENSE, _EOD, "settles costs-add"),
    T.INTEREST_CHARGE: _rule(_C.EXPENSE, _EOD, "settles cash-only units costs-add"),
    T.WITHHOLDING_TAX: _rule(_C.EXPENSE, _EOD, "settles cash-only units"),
    T.TAX_REFUND: _rule(_C.EXPENSE, _EOD, "cash-in adds settles cash-only units", flows=True),
    T.FEE_REFUND: _rule(_C.EXPENSE, _EOD, "cash-in adds settles cash-only units", flows=True),
    T.CANCELLED: _rule(_C.TRANSFER, _EOD, ""),
}


def flow_amount(transaction: Transaction, rule: TypeRule) -> Decimal:
    """Return the unsigned amount that moves, in the trade currency.

    What is paid away grows by its costs (BUY, FEE: gross + fee + tax + accrued interest); what
    comes in shrinks by them (all others: gross - fee - tax) and, where units are sold or paid
    back, holds the accrued interest that the buyer pays.
    """
    if not transaction.fee and not transaction.tax and not transaction.accrued_interest:
        return transaction.gross
    costs = transaction.fee + transaction.tax
    if rule.costs_add:
        return transaction.gross + costs + transaction.accrued_interest
    if rule.cash_in and rule.realises:
        return transaction.gross - costs + transaction.accrued_interest
    return transaction.gross - costs


def cashflow(transaction: Transaction) -> Cashflow:
    """Return a transaction's flow with both signs."""
    rule = RULES[transaction.type]
    with exact():
        return flow(rule, flow_amount(transaction, rule))


def flow(rule: TypeRule, amount: Decimal) -> Cashflow:
    """Return the flow of an unsigned amount under a type's rule.

    Trades and income move capital between the instrument and cash, so the two signs oppose; what
    crosses the portfolio's border moves both the same way. Income in units stays in the
    instrument.
    """
    opposite = -amount
    cash = amount if rule.cash_in else opposite
    if rule.in_kind and not rule.is_portfolio_flow:
        return Cashflow(
            rule.classification,
            rule.timing,
            is_portfolio_flow=False,
            cash_amount=cash,
            position_flow=ZERO,
        )
    return Cashflow(
        rule.classification,
        rule.timing,
        rule.is_portfolio_flow,
        cash,
        cash if rule.is_portfolio_flow else opposite if rule.cash_in else amount,
    )
