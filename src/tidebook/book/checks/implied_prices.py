"""Prices that trades imply: what was paid for a unit, where nobody quoted it.

They are never mixed into the quotes by themselves. A reader who wants them to stand in until the
first quote says so with :func:`until_quoted`; a later quote always wins over an earlier trade.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.cashflows import RULES
from tidebook.model.facts import Price, business_date, instant
from tidebook.model.markets import NO_PRICES, PriceQuotes, price_table
from tidebook.model.money import exact, quotient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidebook.model.facts import Transaction


def implied_price(transaction: Transaction, time_zone: str = "UTC") -> Price | None:
    """Return what one unit was traded or delivered at, before costs, or None where none was.

    It is the price that was stated, or else gross / quantity, half even to 18 places; in the trade
    currency, dated by the transaction's business date.

    Args:
        transaction: Any fact; only one that moves units at a stated value implies a price.
        time_zone: The portfolio's, in which an instant becomes a day.
    """
    rule = RULES[transaction.type]
    if rule.cash_only or not rule.moves_units:
        return None
    if not transaction.quantity or not transaction.gross:
        return None
    with exact():
        unit = transaction.price or quotient(transaction.gross, transaction.quantity)
    on = business_date(transaction, time_zone)
    return Price(transaction.security_id, on, unit, transaction.trade_currency)


def implied_prices(
    transactions: Iterable[Transaction], time_zone: str = "UTC"
) -> dict[str, PriceQuotes]:
    """Return the prices that trades imply, by security; of several on a day the last one."""
    ordered = sorted(transactions, key=lambda fact: (instant(fact), fact.transaction_id))
    found = [implied_price(transaction, time_zone) for transaction in ordered]
    return price_table(price for price in found if price is not None)


def until_quoted(
    quotes: Mapping[str, PriceQuotes], implied: Mapping[str, PriceQuotes]
) -> dict[str, PriceQuotes]:
    """Return the quotes of each security, preceded by its implied prices until the first quote."""
    return {
        security_id: _preceded(
            quotes.get(security_id, NO_PRICES), implied.get(security_id, NO_PRICES)
        )
        for security_id in sorted(quotes.keys() | implied.keys())
    }


def _preceded(quotes: PriceQuotes, implied: PriceQuotes) -> PriceQuotes:
    first = quotes.days[0] if quotes.days else None
    count = sum(first is None or day < first for day in implied.days)
    return PriceQuotes(
        implied.days[:count] + quotes.days,
        implied.prices[:count] + quotes.prices,
        implied.currencies[:count] + quotes.currencies,
        quotes.carried,
    )
