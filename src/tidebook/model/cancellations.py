"""Cancellations: the fact that another fact never happened.

A cancellation names what it takes back. It is the next version of that fact, so it can itself be
taken back by sending the fact again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date


class FactKind(StrEnum):
    """What kind of fact is cancelled."""

    TRANSACTION = "transaction"
    CORPORATE_ACTION = "corporate_action"
    MARKET_PRICE = "market_price"
    FX_RATE = "fx_rate"
    BUSINESS_DATE = "business_date"
    BALANCE_ASSERTION = "balance_assertion"


class TransactionRef(NamedTuple):
    """A transaction and the portfolio that it was reported for."""

    transaction_id: str
    portfolio_id: str


class ActionRef(NamedTuple):
    """A corporate action."""

    action_id: str


class PriceRef(NamedTuple):
    """The price of a security on a day."""

    security_id: str
    on: date


class RateRef(NamedTuple):
    """The rate of a pair on a day."""

    source: str
    target: str
    on: date


class BusinessDateRef(NamedTuple):
    """A business date."""

    on: date


class AssertionRef(NamedTuple):
    """A balance assertion."""

    assertion_id: str


Cancellation = TransactionRef | ActionRef | PriceRef | RateRef | BusinessDateRef | AssertionRef
"""What names a fact to be cancelled."""


def named(cancelled: Cancellation) -> tuple[FactKind, str]:
    """Return the kind of a fact and, in words, what it is known by."""
    match cancelled:
        case TransactionRef(identity):
            return FactKind.TRANSACTION, identity
        case ActionRef(identity):
            return FactKind.CORPORATE_ACTION, identity
        case PriceRef(security_id, on):
            return FactKind.MARKET_PRICE, f"{security_id} {on}"
        case RateRef(source, target, on):
            return FactKind.FX_RATE, f"{source}/{target} {on}"
        case BusinessDateRef(on):
            return FactKind.BUSINESS_DATE, on.isoformat()
        case AssertionRef(identity):
            return FactKind.BALANCE_ASSERTION, identity
