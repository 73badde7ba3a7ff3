"""Postings: what one fact asks of one key, before lots."""

from __future__ import annotations

from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, cast

from tidebook.model.money import ONE, ZERO, converted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.cashflows import Cashflow
    from tidebook.model.actions import ActionType
    from tidebook.model.facts import LotChoice, TransactionType
    from tidebook.model.findings import Finding


class Leg(StrEnum):
    """Which side of a fact a posting or an entry is."""

    MAIN = "main"
    CASH = "cash"
    TO = "to"
    """What was carried from the main leg arrives here."""
    METHOD = "method"
    """The lots of a key become one pool, because its cost method changed."""
    POOL = "pool"
    """Cost moves between the keys of a taxpayer's pool, so that every unit costs the same."""


class EffectKind(StrEnum):
    """How a posting changes a key, where it does more than add or remove units at an amount."""

    TRADE = "trade"
    """Units at an amount, under conditions: named lots, or only to close."""
    ABSORB = "absorb"
    """Units at an amount and the cost that was carried here with them."""
    END = "end"
    """Units leave without value, on whichever side they are held."""
    SPLIT = "split"
    """Every lot's units change by a ratio."""
    RETURN = "return"
    """Every lot's cost is lowered; what exceeds it is a gain."""
    MARK = "mark"
    """Every lot's cost becomes its value at a price; the difference is a gain."""
    CARRY = "carry"
    """Units, their cost, or both leave for another key, with their dates."""
    ARRIVE = "arrive"
    """What left another key arrives, with its dates."""
    SETTLE = "settle"
    """Cash in the amount that the main leg determines."""


class Effect(NamedTuple):
    """The terms of what a posting does beyond adding or removing units at an amount.

    ``lots`` names what a trade or a carry takes; ``closes_only`` forbids it to open anything;
    ``on_margin`` has only its costs and gains move cash.
    ``ratio`` is new units to old ones. A carry takes ``everything`` or the posting's quantity;
    with ``stays`` the units remain and only cost leaves; ``fraction`` is the part of the cost
    that is carried, the rest being what cash was paid for. ``per_unit`` is that cash for each
    unit, in the cash currency, and ``to_local``, ``to_base`` and ``to_cash`` convert. ``costs``
    are those of a trade on margin, in local currency. ``price`` is what a mark is made at, one
    unit with its multiplier. ``units`` is what all the units that arrive come to; none where
    ``ratio`` says it.
    """

    kind: EffectKind
    lots: tuple[LotChoice, ...] = ()
    closes_only: bool = False
    on_margin: bool = False
    ratio: tuple[Decimal, Decimal] = (ONE, ONE)
    everything: bool = False
    stays: bool = False
    fraction: Decimal = ONE
    per_unit: Decimal = ZERO
    to_local: Decimal = ONE
    to_base: Decimal = ONE
    to_cash: Decimal = ONE
    costs: Decimal = ZERO
    price: Decimal = ZERO
    units: Decimal | None = None


class Posting(NamedTuple):
    """One fact's effect on one key, before lots.

    ``quantity`` is signed. ``amount`` is what was paid or received for it in ``currency``, the
    key's local one, and ``amount_base`` the same in the portfolio's base currency; neither is
    negative but where the costs of a sale exceed what it brought. ``fx_rate`` is local to base.
    ``realises`` says whether a disposal shows a gain: sales do, withdrawals, costs and transfers
    do not. ``flow`` is in the trade currency, ``flow_base`` its cash amount in base currency.
    ``effect`` is None for plain units at an amount.
    """

    portfolio_id: str
    security_id: str
    leg: Leg
    transaction_id: str
    type: TransactionType | ActionType
    on: date
    at: datetime
    rank: int
    quantity: Decimal
    amount: Decimal
    amount_base: Decimal
    currency: str
    fx_rate: Decimal
    realises: bool
    flow: Cashflow | None
    flow_base: Decimal
    effect: Effect | None = None

    @property
    def order(self) -> Order:
        """The place of this posting inside its key.

        By business date, instant, what adds before what removes, transaction id; never by arrival.
        """
        return order_of(self)

    @property
    def key(self) -> tuple[str, str]:
        """The key it is on: portfolio id and security id."""
        return (self.portfolio_id, self.security_id)

    @property
    def is_settled_later(self) -> bool:
        """Whether it moves cash in an amount that the main leg determines."""
        return self.effect is not None and self.effect.kind is EffectKind.SETTLE


Order = tuple["date", "datetime", int, str, str]
_ORDERING = ("on", "at", "rank", "transaction_id", "leg")
_PLACES = tuple(map(Posting._fields.index, _ORDERING))
# By place and not by name, because a key of ten thousand postings asks for each of them.
order_of = cast("Callable[[Posting], Order]", itemgetter(*_PLACES))
"""Returns ``Posting.order``."""
instant_of = cast("Callable[[Posting], tuple[date, datetime]]", itemgetter(*_PLACES[:2]))
"""Returns the business date and the instant of a posting."""


def in_order(postings: Iterable[Posting]) -> list[Posting]:
    """Return postings of one key, given in any order, in that of ``Posting.order``."""
    return sorted(postings, key=order_of)


class Posted(NamedTuple):
    """What a fact comes to: postings, or the reason why there are none yet.

    ``arrival`` is the key that its lots or its cost are carried to.
    """

    on: date
    main_security_id: str
    cash_security_id: str | None
    postings: tuple[Posting, ...]
    findings: tuple[Finding, ...]
    arrival: tuple[str, str] | None = None

    @property
    def waits(self) -> bool:
        """Whether the fact is kept without effect for now."""
        return not self.postings


def rank_of(quantity: Decimal) -> int:
    """Return the rank of a change of units: what adds, what only flows or carries, what removes."""
    if not quantity:
        return 1
    return 0 if quantity > ZERO else 2


def settled(template: Posting, amount: Decimal) -> Posting:
    """Return a cash posting in the amount that its main leg came to, with its sign."""
    size = abs(amount)
    return template._replace(
        rank=rank_of(amount),
        quantity=amount,
        amount=size,
        amount_base=converted(size, template.fx_rate),
        effect=None,
    )
