"""Words that brokers print for a type, where they have one meaning only.

A word that may stand for two things (``TRANSFER``, ``ADJUSTMENT``, ``FUNDING``) is not here: the
door refuses it and names what may be written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_GAPS = re.compile(r"[\s\-_]+")

_ACTIONS: Final = {
    "STOCK_SPLIT": "SPLIT",
    "SHARE_SPLIT": "SPLIT",
    "FORWARD_SPLIT": "SPLIT",
    "REVERSE_SPLIT": "SPLIT",
    "REVERSE_STOCK_SPLIT": "SPLIT",
    "BONUS_ISSUE": "STOCK_DIVIDEND",
    "SCRIP_ISSUE": "STOCK_DIVIDEND",
    "SPINOFF": "SPIN_OFF",
    "DEMERGER": "SPIN_OFF",
    "TAKEOVER": "MERGER",
    "TICKER_CHANGE": "IDENTIFIER_CHANGE",
    "SYMBOL_CHANGE": "IDENTIFIER_CHANGE",
    "ISIN_CHANGE": "IDENTIFIER_CHANGE",
    "CUSIP_CHANGE": "IDENTIFIER_CHANGE",
    "CAPITAL_REPAYMENT": "RETURN_OF_CAPITAL",
    "ROC": "RETURN_OF_CAPITAL",
}
_TRANSACTIONS: Final = {
    "PURCHASE": "BUY",
    "SALE": "SELL",
    "CASH_DIVIDEND": "DIVIDEND",
    "DIVIDEND_REINVESTMENT": "DIVIDEND_REINVESTED",
    "REINVESTED_DIVIDEND": "DIVIDEND_REINVESTED",
    "DRIP": "DIVIDEND_REINVESTED",
    "CREDIT_INTEREST": "INTEREST",
    "DEBIT_INTEREST": "INTEREST_CHARGE",
    "MARGIN_INTEREST": "INTEREST_CHARGE",
    "CASH_DEPOSIT": "DEPOSIT",
    "CASH_WITHDRAWAL": "WITHDRAWAL",
    "CUSTODY_FEE": "FEE",
    "MANAGEMENT_FEE": "FEE",
    "WITHHOLDING": "WITHHOLDING_TAX",
    "TAX_WITHHELD": "WITHHOLDING_TAX",
    "COUPON_PAYMENT": "COUPON",
    "MATURITY": "REDEMPTION",
    "STAKING": "STAKING_REWARD",
    "GAS": "NETWORK_FEE",
    "GAS_FEE": "NETWORK_FEE",
    "WRAP": "CONVERSION",
    "UNWRAP": "CONVERSION",
    "BTO": "BUY_TO_OPEN",
    "STO": "SELL_TO_OPEN",
    "BTC": "BUY_TO_CLOSE",
    "STC": "SELL_TO_CLOSE",
    "EXPIRED": "EXPIRY",
    "EXPIRATION": "EXPIRY",
    "EXERCISED": "EXERCISE",
    "ASSIGNED": "ASSIGNMENT",
}
_KINDS: Final = {
    "TRANSACTION": "transaction",
    "CORPORATE_ACTION": "corporate_action",
    "MARKET_PRICE": "market_price",
    "PRICE": "market_price",
    "FX_RATE": "fx_rate",
    "RATE": "fx_rate",
    "BUSINESS_DATE": "business_date",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    # A split among the transactions keeps its word, so that the door can say where it belongs.
    "transaction_type": {**_ACTIONS, **_TRANSACTIONS},
    "action_type": _ACTIONS,
    "kind": _KINDS,
}
"""The words of each column that is written in a few words."""


def read_word(column: str, text: str) -> str:
    """Return the word that a cell of a column stands for; one that is not known stays as it is.

    >>> read_word("transaction_type", "Buy to open")
    'BUY_TO_OPEN'
    >>> read_word("transaction_type", "Purchase")
    'BUY'
    """
    word = text.upper()
    known = WORDS.get(column)
    if known is None:
        return word
    word = _GAPS.sub("_", word)
    return known.get(word, word)
