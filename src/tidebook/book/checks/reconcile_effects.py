"""What a transaction that waits would do to a key, as far as its own numbers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.cashflows import RULES, cashflow
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import cash_account
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio


def touches(transaction: Transaction, portfolio: Portfolio, main: str, key: str) -> bool:
    """Tell whether a transaction, once booked on ``main``, would move a key."""
    rule = RULES[transaction.type]
    settles_itself = portfolio.settlement is Settlement.AUTO
    if key == main and not (rule.cash_only and settles_itself):
        return rule.moves_units
    if key == transaction.to_security_id:
        return transaction.to_portfolio_id in {"", portfolio.portfolio_id}
    moves_cash = settles_itself and (rule.settles or rule.cash_only)
    return moves_cash and key == cash_account(transaction.currency)


def moves(transaction: Transaction, main: str, key: str) -> Decimal | None:
    """Return the signed quantity by which a transaction would move a key that it touches.

    None where cash is paid in another currency than the trade's, since the rate decides and may be
    just what is missing; and where a contract's terms decide what it leads to.
    """
    rule = RULES[transaction.type]
    if key == main and not rule.cash_only:
        return transaction.quantity if rule.adds else -transaction.quantity
    if key == transaction.to_security_id:
        is_told = transaction.type is TransactionType.CONVERSION
        return transaction.to_quantity if is_told else None
    if transaction.trade_currency != transaction.currency:
        return None
    return cashflow(transaction).cash_amount
