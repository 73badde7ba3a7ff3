"""The shapes of the oracle: what a fact wants of which key, and what a key came to."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tests.simulation.oracle_rates import Rates
    from tidebook.model.facts import LotChoice
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_COSTS: Final = {"FEE", "TAX"}
_CROSSES_BORDER: Final = {*_COSTS, "DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT"}
_AT_START: Final = {"BUY", "DEPOSIT", "TRANSFER_IN"}


class Known(NamedTuple):
    """What one portfolio's book rests on."""

    portfolio: Portfolio
    instruments: Mapping[str, Instrument]
    rates: Rates
    portfolios: Mapping[str, Portfolio] = MappingProxyType({})
    """All of them, to which something may be transferred."""


class Move(NamedTuple):
    """What happens to lots beside adding and removing units at an amount."""

    what: str
    """``split``; ``leave`` (units), ``share`` (all units stay, a part of their cost leaves) or
    ``end`` (all of it leaves, for another security or for cash); ``arrive`` (lots) or ``absorb``
    (their cost, into the amount of a trade); ``trade`` under conditions; ``lapse`` (contracts end);
    ``mark`` (contracts are settled at a price); ``settle`` (cash that another key determines)."""
    ratio: Fraction = Fraction(1)
    """New units for one old one."""
    fraction: Fraction = Fraction(0)
    """The part of the cost that leaves."""
    to_local: Fraction = Fraction(1)
    to_base: Fraction = Fraction(1)
    """Rates between what leaves and what arrives, or from the cash that is paid."""
    arrival: tuple[str, str] = ("", "")
    units: Fraction | None = None
    """What all that arrives comes to; None where the ratio says it."""
    lots: tuple[LotChoice, ...] = ()
    """What a disposal takes."""
    closes: bool = False
    """Whether it may only close."""
    margin: bool = False
    """Whether nothing but costs and gains is paid."""
    costs: Fraction = Fraction(0)
    price: Fraction = Fraction(0)
    """What one contract is settled or ends at, in local currency."""
    to_cash: Fraction = Fraction(1)
    per_unit: Fraction = Fraction(0)
    """The cash that is paid for a unit that ends."""


class Leg(NamedTuple):
    """What one transaction wants of one key."""

    security_id: str
    identity: str
    leg: str
    kind: str
    on: date
    at: datetime
    quantity: Fraction
    amount: Fraction
    amount_base: Fraction
    currency: str
    to_base: Fraction
    gains: bool
    flow_base: Fraction | None
    portfolio_id: str = ""
    move: Move | None = None
    """What it does to lots beside adding and removing units."""
    border: str = ""
    """Where its kind does not tell: whether its flow crosses the border at the start or the end of
    the day, or is a cost."""

    @property
    def key(self) -> tuple[str, str]:
        """Its portfolio and security."""
        return self.portfolio_id, self.security_id

    @property
    def place(self) -> tuple[object, ...]:
        """Its place inside its key: the day, the instant, first what adds, then the id."""
        rank = 0 if self.quantity > 0 else 2 if self.quantity < 0 else 1
        if self.move is not None and self.move.what != "trade":
            rank = 2 if self.move.what == "lapse" else 1
        return (self.on, self.at, rank, self.identity, self.leg, *self.key)


class Wanted(NamedTuple):
    """The legs of a transaction, or the codes of what is missing or doubtful about it."""

    legs: tuple[Leg, ...]
    codes: tuple[str, ...]


class OpenLot(NamedTuple):
    """Units acquired together, with their cost, local and base."""

    identity: str
    on: date
    quantity: Fraction
    local: Fraction
    base: Fraction

    def plus(self, quantity: Fraction, local: Fraction, base: Fraction) -> OpenLot:
        """Return it with more."""
        return self._replace(
            quantity=self.quantity + quantity, local=self.local + local, base=self.base + base
        )


class Line(NamedTuple):
    """What a leg did to its key."""

    leg: Leg
    quantity: Fraction
    cost_local: Fraction
    cost_base: Fraction
    gains: tuple[Fraction, Fraction, Fraction, Fraction] | None
    """Local, base, by price, by currency."""
    taken: tuple[OpenLot, ...]


class Key(NamedTuple):
    """A key's history and what is open in the end."""

    lines: tuple[Line, ...]
    lots: tuple[OpenLot, ...] | None
    """None for cash of the base currency, which has no lots."""


def cash_currency(security_id: str, otherwise: str) -> str | None:
    """Return the currency of a cash account that is known by its name."""
    if security_id == "CASH":
        return otherwise
    found = re.fullmatch(r"CASH_([A-Z0-9]{3,10})", security_id)
    return found.group(1) if found else None


def crosses_border(leg: Leg) -> bool:
    """Tell whether a leg's flow crosses the portfolio's border."""
    return bool(leg.border) or leg.kind in _CROSSES_BORDER


def at_start(leg: Leg) -> bool:
    """Tell whether a leg's flow joins the capital at the start of the day."""
    return leg.border == "start" or leg.kind in _AT_START


def is_cost(leg: Leg) -> bool:
    """Tell whether a leg's flow is a cost."""
    return leg.border == "cost" or leg.kind in _COSTS
