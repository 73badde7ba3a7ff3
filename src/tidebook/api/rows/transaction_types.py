"""What a transaction of each type must say, may say and must not say: one table for every door."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.facts import TransactionType as T

if TYPE_CHECKING:
    from collections.abc import Mapping


class Term(Enum):
    """How a number or a name belongs to a type."""

    POSITIVE = "above 0"
    GIVEN = "given, and 0 or above"
    OPTIONAL = "0 or above, or left out"
    NONE = "0 or left out"


class Terms(NamedTuple):
    """The terms of one type.

    A gross amount that is left out is quantity times price; the book knows it again as such and
    puts the multiplier of a contract in. ``takes_lots`` says whether the row may choose the lots
    that it takes from. ``to_portfolio`` and ``to_security`` are POSITIVE where they must be named.
    """

    units: Term
    price: Term
    gross: Term
    takes_lots: bool = False
    to_portfolio: Term = Term.NONE
    to_security: Term = Term.NONE


_POSITIVE, _GIVEN, _OPTIONAL, _NONE = Term.POSITIVE, Term.GIVEN, Term.OPTIONAL, Term.NONE

_MONEY = Terms(_OPTIONAL, _OPTIONAL, _POSITIVE)
_ACQUISITION = Terms(_POSITIVE, _GIVEN, _POSITIVE)
_DISPOSAL = _ACQUISITION._replace(takes_lots=True)
_MOVED = Terms(_POSITIVE, _OPTIONAL, _OPTIONAL, takes_lots=True)
_TRADES_UNDERLYING = _MOVED._replace(to_security=_OPTIONAL)

TERMS: Final[Mapping[T, Terms]] = {
    T.BUY: _ACQUISITION,
    T.SELL: _DISPOSAL,
    T.DIVIDEND: _MONEY,
    T.INTEREST: _MONEY,
    T.DEPOSIT: _MONEY,
    T.WITHDRAWAL: _MONEY,
    T.FEE: _MONEY,
    T.TAX: _MONEY,
    T.TRANSFER_IN: _ACQUISITION,
    T.TRANSFER_OUT: _DISPOSAL,
    T.TRANSFER_IN_KIND: _MOVED._replace(to_portfolio=_POSITIVE),
    T.CONVERSION: _MOVED._replace(to_security=_POSITIVE),
    T.REDEMPTION: _DISPOSAL,
    T.COUPON: _MONEY,
    T.DIVIDEND_REINVESTED: _ACQUISITION,
    T.STAKING_REWARD: _ACQUISITION,
    T.AIRDROP: _MOVED._replace(takes_lots=False),
    T.NETWORK_FEE: _DISPOSAL,
    T.RETURN_OF_CAPITAL: _MONEY,
    T.BUY_TO_OPEN: _ACQUISITION,
    T.SELL_TO_OPEN: _ACQUISITION,
    T.BUY_TO_CLOSE: _DISPOSAL,
    T.SELL_TO_CLOSE: _DISPOSAL,
    T.EXPIRY: Terms(_OPTIONAL, _OPTIONAL, _NONE, takes_lots=True),
    T.EXERCISE: _TRADES_UNDERLYING,
    T.ASSIGNMENT: _TRADES_UNDERLYING,
    T.MARK_TO_MARKET: Terms(_NONE, _POSITIVE, _NONE),
    T.FUNDING_RECEIVED: _MONEY,
    T.FUNDING_PAID: _MONEY,
    T.INTEREST_CHARGE: _MONEY,
    T.WITHHOLDING_TAX: _MONEY,
    T.TAX_REFUND: _MONEY,
    T.FEE_REFUND: _MONEY,
}
"""The terms of every type that may be sent; what is not here is no type to a door."""

TYPES: Final[Mapping[str, T]] = {kind.value: kind for kind in TERMS}
"""The types that may be sent, by name."""

WHY_NOTHING: Final[Mapping[tuple[T, str], str]] = {
    (T.EXPIRY, "gross_transaction_amount"): (
        "what expires is worth nothing; send SELL_TO_CLOSE or BUY_TO_CLOSE if it was settled in "
        "cash"
    ),
    (T.MARK_TO_MARKET, "gross_transaction_amount"): "the book works it out from the price",
    (T.MARK_TO_MARKET, "quantity"): "all that is held is settled",
}
"""Why a type has no amount of a field, as its fault says it."""


class QuickTerms(NamedTuple):
    """What the quick way needs to know of a type that it can read."""

    kind: T
    needs_units: bool
    needs_price: bool


QUICK_TERMS: Final[Mapping[str, QuickTerms]] = {
    kind.value: QuickTerms(kind, terms.units is _POSITIVE, terms.price is not _OPTIONAL)
    for kind, terms in TERMS.items()
    if terms.gross is _POSITIVE
    and terms.units is not _NONE
    and terms.to_portfolio is terms.to_security is _NONE
}
"""Types whose rows say no more than what was traded for how much."""
