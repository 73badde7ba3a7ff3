"""Balance assertions: what somebody else says a portfolio held at the close of a day.

An assertion books nothing. It is a fact to be compared with the book: a broker's statement, a
custodian's file, a count by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.instruments import PLAIN_CASH, cash_account
from tidebook.model.money import ZERO
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio


class BalanceAssertion(NamedTuple):
    """A quantity stated for one security, or an amount for one cash account.

    ``quantity`` is that at the close of ``on``: units of a security, money of a cash account;
    negative for a short position or an overdraft. A book that differs by ``tolerance`` or less
    agrees. ``source`` names who says so. A cancelled assertion is kept and compared no more.
    """

    assertion_id: str
    portfolio_id: str
    security_id: str
    on: date
    quantity: Decimal
    tolerance: Decimal = ZERO
    source: str = ""
    note: str = ""
    is_cancelled: bool = False


def assigned_id(portfolio_id: str, security_id: str, on: date) -> str:
    """Return the id of an assertion that brings none: one per portfolio, security and day.

    So a statement that is sent again with another quantity corrects the earlier one.

    >>> from datetime import date
    >>> assigned_id("P1", "ACME", date(2024, 3, 28))
    'P1:ACME:2024-03-28'
    """
    return f"{portfolio_id}:{security_id}:{on.isoformat()}"


def asserted_key(portfolio: Portfolio, security_id: str, instrument: Instrument | None) -> str:
    """Return the security id under which a portfolio's book keeps what an assertion names.

    Where cash moves by itself, every cash instrument stands for the account of its currency, and
    plain ``CASH`` for that of the base currency; elsewhere the name is the account.
    """
    if portfolio.settlement is Settlement.EXPLICIT:
        return security_id
    if security_id == PLAIN_CASH:
        return cash_account(portfolio.base_currency)
    if instrument is not None and instrument.is_cash:
        return cash_account(instrument.currency)
    return security_id
