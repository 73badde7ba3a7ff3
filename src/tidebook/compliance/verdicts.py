"""Verdicts: what a rule says of one trade, as a value that can be kept and read again.

A verdict names the version of the rule that it rests on and the facts that it was drawn from. A
rule that lacks data, or that breaks, says so with ``PROVISIONAL``: it never passes a trade.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


class Status(StrEnum):
    """What a rule makes of a trade."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    """The rule applies and is kept."""
    FLAG = "flag"
    """Permitted, and in need of attention."""
    FAIL = "fail"
    """A violation, or a restriction that is in force."""
    NOT_APPLICABLE = "not_applicable"
    """The rule does not bind this account, this security or this day."""
    PROVISIONAL = "provisional"
    """Not decided yet: a window is open, data are missing, or the rule could not be run."""


class Evidence(NamedTuple):
    """One thing that a verdict rests on: which facts or lots, how much, and on which day.

    ``kind`` says what the ids name and what part they play, such as ``day_trade``, ``sold_lot``
    or ``replacement``. Quantities are in units of the security, amounts in ``currency``.
    """

    kind: str
    ids: tuple[str, ...] = ()
    on: date | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    note: str = ""


class Amount(NamedTuple):
    """A figure of a verdict under its name.

    ``unit`` is a currency, ``fraction``, ``percent``, ``units``, ``count`` or ``times``. A figure
    that is undefined has no value, and ``why`` says the reason.
    """

    name: str
    value: Decimal | None
    unit: str
    why: str = ""


class Verdict(NamedTuple):
    """What one version of one rule says of one trade.

    ``clears_on`` is the first day on which the verdict no longer stands by itself, where there is
    one. ``remedy`` says what the owner of the portfolio can do about it.
    """

    rule_id: str
    rule_version: str
    status: Status
    subject: str
    reason: str
    evidence: tuple[Evidence, ...] = ()
    amounts: tuple[Amount, ...] = ()
    clears_on: date | None = None
    remedy: str = ""
    source_url: str = ""

    def amount(self, name: str) -> Decimal | None:
        """Return the figure of this name; nothing where there is none, or it is undefined."""
        return next((amount.value for amount in self.amounts if amount.name == name), None)
