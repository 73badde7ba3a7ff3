"""Findings: what is wrong, or doubtful, in the user's data, as values.

A finding never stops anything. A fact that cannot be booked is kept, affects nothing and says
through ``waits_for`` what would make it bookable; a warning rides beside a fact that was booked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How a finding bears on the fact it is about."""

    WAITING = "waiting"
    """The fact is kept but not booked; it is tried again when what it waits for arrives."""
    WARNING = "warning"
    """The fact is booked as stated, and something about it looks wrong."""


class Finding(NamedTuple):
    """One observation about one transaction.

    ``waits_for`` names what would change the answer: ``portfolio:ID``, ``instrument:ID``,
    ``rate:FROM/TO``, or ``key:PORTFOLIO/SECURITY`` (an earlier fact of the same key).
    """

    code: str
    severity: Severity
    transaction_id: str
    sentence: str
    remedy: str
    waits_for: str | None = None


def unknown_portfolio(transaction_id: str, portfolio_id: str) -> Finding:
    """Return the finding for a transaction of a portfolio that no fact has introduced."""
    return Finding(
        "portfolio.unknown",
        Severity.WAITING,
        transaction_id,
        f"portfolio {portfolio_id} is not known",
        "send it to POST /ingest/portfolios; the transaction is then booked by itself",
        f"portfolio:{portfolio_id}",
    )


def unknown_instrument(transaction_id: str, security_id: str) -> Finding:
    """Return the finding for a transaction in a security that no fact has introduced."""
    return Finding(
        "instrument.unknown",
        Severity.WAITING,
        transaction_id,
        f"security {security_id} is not known",
        "send it to POST /ingest/instruments; the transaction is then booked by itself",
        f"instrument:{security_id}",
    )


def missing_rate(transaction_id: str, source: str, target: str, on: str) -> Finding:
    """Return the finding for an amount that no exchange rate can convert on its day."""
    return Finding(
        "rate.missing",
        Severity.WAITING,
        transaction_id,
        f"no exchange rate from {source} to {target} is known on or before {on}",
        f"send a rate of {source}/{target} dated {on} or earlier to POST /ingest/fx-rates",
        f"rate:{min(source, target)}/{max(source, target)}",
    )


def oversold(transaction_id: str, key: tuple[str, str], wanted: str, held: str) -> Finding:
    """Return the finding for a disposal of more than is held where shorts are forbidden."""
    portfolio_id, security_id = key
    return Finding(
        "position.oversold",
        Severity.WAITING,
        transaction_id,
        f"{wanted} {security_id} were to leave {portfolio_id}, which held {held}",
        "send the missing earlier acquisition, correct the quantity, or allow short positions "
        "on the portfolio",
        f"key:{portfolio_id}/{security_id}",
    )


def amount_mismatch(transaction_id: str, product: str, gross: str) -> Finding:
    """Return the warning for a gross amount that is not quantity times price."""
    return Finding(
        "transaction.amount-mismatch",
        Severity.WARNING,
        transaction_id,
        f"quantity times price is {product}, the gross amount says {gross}; the gross amount "
        "was booked",
        "check price and amount; resend the transaction with the same id to correct it",
    )


def redundant_settlement(transaction_id: str, security_id: str) -> Finding:
    """Return the warning for a hand-made cash leg in a portfolio that settles by itself."""
    return Finding(
        "settlement.redundant",
        Severity.WARNING,
        transaction_id,
        f"a trade in {security_id} has no effect where cash legs are made automatically",
        "leave the cash legs out, or set the portfolio's settlement to explicit",
    )
