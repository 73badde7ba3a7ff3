"""The lines of a period's statement that are no gains: income, costs and what crossed the border.

Costs are told apart from what they were taken from. Where they lie inside the amounts of a trade,
its gain is told before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import RULES, Classification
from tidebook.book.postings import EffectKind
from tidebook.book.restated import NOTHING, Pair
from tidebook.errors import UnusableSeriesError
from tidebook.model.facts import TransactionType as T
from tidebook.model.money import ZERO, converted, share

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting
    from tidebook.book.series import Market
    from tidebook.model.facts import Transaction

_TAXES: Final = frozenset({T.TAX, T.WITHHOLDING_TAX, T.TAX_REFUND})
_CHARGES: Final = frozenset({T.INTEREST_CHARGE, T.FUNDING_PAID})
"""Costs of borrowing: they lower the income that they stand beside."""
_TRADED: Final = frozenset({Classification.INVESTMENT_OUTFLOW, Classification.INVESTMENT_INFLOW})


class Flows(NamedTuple):
    """Income, costs and transfers of an entry or of a period, in base currency."""

    income: Decimal = ZERO
    fees: Decimal = ZERO
    taxes: Decimal = ZERO
    transfers: Decimal = ZERO


def total(flows: Iterable[Flows]) -> Flows:
    """Return the sum of lines."""
    income = fees = taxes = transfers = ZERO
    for flow in flows:
        income += flow.income
        fees += flow.fees
        taxes += flow.taxes
        transfers += flow.transfers
    return Flows(income, fees, taxes, transfers)


def flows_of(entry: Entry, transaction: Transaction | None, market: Market) -> Flows:
    """Return the lines of one entry; ``transaction`` is None where it was booked by an action."""
    posting = entry.posting
    fees, taxes = _costs(posting, transaction, market)
    if posting.flow is None:
        return Flows(fees=fees, taxes=taxes) if _on_margin(posting) else Flows()
    moved = posting.flow_base
    match posting.flow.classification:
        case Classification.EXPENSE:
            return _expense(posting, fees, taxes)
        case Classification.INCOME:
            return Flows(moved + fees + taxes, fees, taxes)
        case Classification.TRANSFER:
            return _transfer(posting, fees, taxes)
        case Classification.CASHFLOW_IN | Classification.CASHFLOW_OUT:
            return Flows(ZERO, fees, taxes, moved + fees + taxes)
        case Classification.INVESTMENT_OUTFLOW | Classification.INVESTMENT_INFLOW:
            return Flows() if _ends(posting) else Flows(fees=fees, taxes=taxes)


def costs_inside(entry: Entry, transaction: Transaction | None, market: Market) -> Pair:
    """Return the costs inside the amounts of a trade, in the key's local and in base currency."""
    posting = entry.posting
    if transaction is None or not (transaction.fee or transaction.tax):
        return NOTHING
    base = sum(_costs(posting, transaction, market), ZERO)
    if posting.effect is not None and posting.effect.on_margin:
        return Pair(posting.effect.costs, base)
    if posting.flow is None or posting.flow.classification not in _TRADED or _ends(posting):
        return NOTHING
    costs, moved = transaction.fee + transaction.tax, abs(posting.flow.cash_amount)
    if transaction.trade_currency != posting.currency:
        costs = share(posting.amount, costs, moved) if moved else ZERO
    return Pair(costs, base)


def _expense(posting: Posting, fees: Decimal, taxes: Decimal) -> Flows:
    moved = posting.flow_base
    if posting.type in _TAXES:
        return Flows(ZERO, fees, -moved - fees)
    if posting.type in _CHARGES:
        return Flows(moved + fees + taxes, fees, taxes)
    return Flows(ZERO, -moved - taxes, taxes)


def _transfer(posting: Posting, fees: Decimal, taxes: Decimal) -> Flows:
    if posting.effect is not None:
        # Lots that keep their dates: the costs were paid in cash, on a leg of their own.
        return Flows(transfers=posting.flow_base)
    comes_in = isinstance(posting.type, T) and RULES[posting.type].cash_in
    value = posting.amount_base if comes_in else -posting.amount_base
    return Flows(ZERO, fees, taxes, value + fees + taxes)


def _on_margin(posting: Posting) -> bool:
    return posting.effect is not None and posting.effect.on_margin


def _ends(posting: Posting) -> bool:
    """Tell whether units leave for nothing, so that nothing pays for costs either."""
    return posting.effect is not None and posting.effect.kind is EffectKind.END


def _costs(
    posting: Posting, transaction: Transaction | None, market: Market
) -> tuple[Decimal, Decimal]:
    """Return the fee and tax of a leg in base currency, at the rate that it was booked at."""
    if transaction is None or not (transaction.fee or transaction.tax):
        return ZERO, ZERO
    fee, tax = transaction.fee, transaction.tax
    if transaction.trade_currency == market.base_currency:
        return fee, tax
    moved = ZERO if posting.flow is None else posting.flow.cash_amount
    base = posting.flow_base
    if posting.effect is not None and posting.effect.on_margin:
        moved, base = fee + tax, converted(posting.effect.costs, posting.fx_rate)
    if moved:
        return share(base, fee, moved), share(base, tax, moved)
    quote = market.rates.rate(transaction.trade_currency, market.base_currency, posting.on)
    rate = transaction.fx_rate or (quote.rate if quote else None)
    if rate is None:
        pair = f"{transaction.trade_currency}/{market.base_currency}"
        raise UnusableSeriesError("exchange rates", f"{pair} on {posting.on} is not among them")
    return converted(fee, rate), converted(tax, rate)
