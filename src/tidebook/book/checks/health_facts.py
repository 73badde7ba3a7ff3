"""What the checks of data health look at, and what they come to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.valuation import Valuation
    from tidebook.model.markets import PriceQuote, RateTable, Split
    from tidebook.model.portfolios import Portfolio

STALE_DAYS: Final = 5
"""The age in business days beyond which a price or a rate is stale, unless told otherwise."""


class CheckSeverity(StrEnum):
    """How a result bears on the figures."""

    ERROR = "error"
    """A figure is missing, or cannot be right."""
    WARNING = "warning"
    """A figure may be wrong."""
    NOTICE = "notice"
    """Something unusual, which may well be as it should."""


class CheckResult(NamedTuple):
    """One thing about a portfolio's data.

    ``subject`` is the security, the pair of currencies, or the portfolio. ``at_stake`` is money in
    base currency, never negative, measured as ``basis`` says; None where it cannot be known, and
    ``basis`` then says why.
    """

    code: str
    severity: CheckSeverity
    subject: str
    since: date | None
    at_stake: Decimal | None
    basis: str
    sentence: str
    remedy: str


class HeldPosition(NamedTuple):
    """A position, the last price on or before the day, and whether its instrument is known."""

    security_id: str
    currency: str
    quantity: Decimal
    cost_base: Decimal
    is_cash: bool
    is_known: bool
    quote: PriceQuote | None
    multiplier: Decimal = ONE


class PriceJump(NamedTuple):
    """Two neighbouring prices far apart, in one currency, and the price after them if any.

    ``splits`` are those that are known to lie between the two; ``before`` is carried over them,
    and so is in the units of ``after``.
    """

    security_id: str
    before: PriceQuote
    after: PriceQuote
    following: PriceQuote | None
    splits: tuple[Split, ...] = ()

    def seen_on(self, on: date) -> PriceJump | None:
        """Return the jump as it stood on a day, or None when it had not happened."""
        if self.after.on > on:
            return None
        is_later = self.following is not None and self.following.on > on
        return self._replace(following=None) if is_later else self


class DoubtfulFact(NamedTuple):
    """One transaction, or several alike, about which something is to be said.

    ``amount`` is the money of one of them, in ``currency``. ``why`` and ``remedy`` come from the
    finding of a transaction that waits and are empty otherwise.
    """

    code: str
    transaction_ids: tuple[str, ...]
    type: str
    security_id: str
    on: date
    amount: Decimal
    currency: str
    why: str = ""
    remedy: str = ""


Steps = tuple[tuple["date", "Decimal"], ...]
"""A key's quantity after each day on which it changed, oldest first."""


class PortfolioBasis(NamedTuple):
    """What is known of one portfolio, as of ``on`` (None while nothing is booked).

    ``steps`` are needed for the keys of :func:`keys_in_question` alone. ``today`` is the day of the
    one who asks, None when it shall not matter. ``business_days`` are in order.
    """

    portfolio: Portfolio
    on: date | None
    positions: Sequence[HeldPosition]
    jumps: Sequence[PriceJump]
    waiting: Sequence[DoubtfulFact]
    twins: Sequence[DoubtfulFact]
    unpriced_trades: Sequence[DoubtfulFact]
    steps: Mapping[str, Steps]
    rates: RateTable
    business_days: Sequence[date] = ()
    today: date | None = None
    stale_days: int = STALE_DAYS


class Valued(NamedTuple):
    """A position and what it is worth."""

    position: HeldPosition
    valuation: Valuation


def stake_of(of: Iterable[Valued]) -> tuple[Decimal, str]:
    """Return the money in positions, at market value; at cost where there is none."""
    amount, at_cost = ZERO, False
    for position, valuation in of:
        worth = valuation.value.base if valuation.value else None
        at_cost = at_cost or worth is None
        amount += abs(position.cost_base if worth is None else worth)
    return amount, "cost" if at_cost else "market value"


def held_at(steps: Steps, on: date) -> Decimal:
    """Return what was held at the close of a day."""
    return next((quantity for day, quantity in reversed(steps) if day <= on), ZERO)


def held_since(data: PortfolioBasis, security_id: str) -> date | None:
    """Return the day since which something is held without a break, or None when not known."""
    return since(data.steps.get(security_id, ()), is_negative=False)


def since(steps: Steps, *, is_negative: bool) -> date | None:
    """Return the day since which a quantity has not been zero, or has been below it."""
    first: date | None = None
    for day, quantity in reversed(steps):
        if quantity == 0 or (is_negative and quantity > 0):
            break
        first = day
    return first
