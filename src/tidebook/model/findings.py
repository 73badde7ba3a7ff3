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


def unknown_instrument(
    transaction_id: str, security_id: str, *, event: str = "transaction"
) -> Finding:
    """Return the finding for an event in a security that no fact has introduced."""
    return Finding(
        "instrument.unknown",
        Severity.WAITING,
        transaction_id,
        f"security {security_id} is not known",
        f"send it to POST /ingest/instruments; the {event} is then booked by itself",
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


def of_action(finding: Finding, action_id: str, portfolio_id: str) -> Finding:
    """Return a finding that says of which corporate action it is, and where."""
    return finding._replace(
        sentence=f"corporate action {action_id} in portfolio {portfolio_id}: {finding.sentence}"
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


def closed_too_much(transaction_id: str, key: tuple[str, str], wanted: str, held: str) -> Finding:
    """Return the finding for an event that ends more than is held, and opens nothing instead."""
    portfolio_id, security_id = key
    return Finding(
        "position.oversold",
        Severity.WAITING,
        transaction_id,
        f"{wanted} {security_id} were to be closed or to leave in {portfolio_id}, which held "
        f"{held}",
        "send the missing earlier acquisition, correct the quantity, or cancel the event",
        f"key:{portfolio_id}/{security_id}",
    )


def nothing_held(transaction_id: str, key: tuple[str, str]) -> Finding:
    """Return the finding for an event that acts on a holding where there is none."""
    portfolio_id, security_id = key
    return Finding(
        "position.not-held",
        Severity.WAITING,
        transaction_id,
        f"the event acts on what is held of {security_id}, and {portfolio_id} held nothing of it",
        "send the missing earlier acquisition, correct the security, or cancel the event",
        f"key:{portfolio_id}/{security_id}",
    )


def lot_not_held(
    transaction_id: str, key: tuple[str, str], named: str, *, pooled: bool = False
) -> Finding:
    """Return the finding for a disposal that names lots which are not there, or not as large.

    ``pooled`` says that the units are kept at average cost, as one lot.
    """
    portfolio_id, security_id = key
    remedy = (
        "name lots that were open then, with quantities that add up to the transaction's; "
        "tidebook lots lists them as of a day"
    )
    if pooled:
        remedy = (
            "resend it with the same id and without lots: at average cost all units are one pool "
            "and there is none to choose; or give the portfolio another cost method"
        )
    return Finding(
        "lot.not-held",
        Severity.WAITING,
        transaction_id,
        f"{security_id} in {portfolio_id} was to be taken from lots that do not hold as much: "
        f"{named}",
        remedy,
        f"key:{portfolio_id}/{security_id}",
    )


def opposite_side(transaction_id: str, key: tuple[str, str], held: str) -> Finding:
    """Return the finding for lots that would arrive where the other side is held."""
    portfolio_id, security_id = key
    return Finding(
        "transfer.opposite-side",
        Severity.WAITING,
        transaction_id,
        f"lots were to arrive in {portfolio_id}, which holds {held} {security_id} on the other "
        "side",
        "close the position there first with a trade; the transfer is then booked by itself",
        f"key:{portfolio_id}/{security_id}",
    )


def carried_to_itself(transaction_id: str, security_id: str) -> Finding:
    """Return the finding for lots that would arrive where they left."""
    return Finding(
        "transfer.to-itself",
        Severity.WAITING,
        transaction_id,
        f"{security_id} would leave for where it is",
        "resend it with the same id and another portfolio or security to receive it, or cancel it",
    )


def cash_in_kind(transaction_id: str, security_id: str) -> Finding:
    """Return the finding for cash that is moved as if it had lots to keep."""
    return Finding(
        "transfer.cash-in-kind",
        Severity.WAITING,
        transaction_id,
        f"{security_id} is cash, which has no lots to keep",
        "send TRANSFER_OUT and TRANSFER_IN, a sale, or an exchange of currencies, in its place",
        f"instrument:{security_id}",
    )


def missing_terms(transaction_id: str, security_id: str, what: str) -> Finding:
    """Return the finding for an event on a contract whose terms are not known."""
    return Finding(
        "instrument.terms-missing",
        Severity.WAITING,
        transaction_id,
        f"{security_id} has no {what}, and the event cannot be booked without",
        "send the instrument to POST /ingest/instruments with its terms (product_type, "
        "option_right, underlying_id, multiplier); the event is then booked by itself",
        f"instrument:{security_id}",
    )


def valueless_transfer(transaction_id: str, security_id: str) -> Finding:
    """Return the warning for a transfer in kind that does not say what it was worth."""
    return Finding(
        "transfer.no-value",
        Severity.WARNING,
        transaction_id,
        f"the transfer of {security_id} states no value, so returns of that day count what left "
        "as a loss and what arrived as a gain",
        "resend it with the same id and its market value as the gross amount",
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
