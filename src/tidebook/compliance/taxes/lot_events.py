"""What tax rules are told of a household: lots that open, lots that close, and lots that move.

Shares are comparable over time: they are restated for later splits, and a contract to acquire
shares counts as the shares that it is for. Amounts are those of the investment book, fees in the
basis and out of the proceeds, in one currency.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.trades import Side
from tidebook.compliance.taxes.identity import Families

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from tidebook.book.postings import Order
    from tidebook.compliance.taxes.identity import Identity


class AccountKind(StrEnum):
    """How the gains of an account are taxed."""

    TAXABLE = "taxable"
    IRA = "ira"
    ROTH_IRA = "roth_ira"
    RETIREMENT_PLAN = "retirement_plan"
    """A plan of an employer, such as a 401(k)."""
    RRSP = "rrsp"
    TFSA = "tfsa"

    @property
    def is_sheltered(self) -> bool:
        """Whether its gains are not taxed as they are realised; no basis counts in it."""
        return self is not AccountKind.TAXABLE


class Owner(StrEnum):
    """Who owns an account, seen from the taxpayer."""

    SELF = "self"
    SPOUSE = "spouse"
    CONTROLLED = "controlled"
    """A corporation or another entity that the taxpayer controls."""


class Account(NamedTuple):
    """An account of a household.

    ``marked_to_market_from`` is the first day for which the owner's election under section
    475(f) stands; None where there is none.
    """

    account_id: str
    kind: AccountKind = AccountKind.TAXABLE
    owner: Owner = Owner.SELF
    marked_to_market_from: date | None = None


class LotKey(NamedTuple):
    """Where a lot is, and which."""

    account_id: str
    security_id: str
    lot_id: str


class Opening(NamedTuple):
    """A lot that was opened: units bought, received, or sold short.

    ``place`` orders events as the book orders postings; its first part is the trade date.
    ``acquires`` says whether it can replace what was sold: a purchase does, units that were only
    brought in from elsewhere do not. Fills of one order name the same ``block``; by itself a lot
    is a block of its own. ``held_from`` is the day from which it counts as held, where that is
    not the trade date.
    """

    place: Order
    lot: LotKey
    shares: Decimal
    side: Side = Side.LONG
    acquires: bool = True
    block: str = ""
    held_from: date | None = None

    @property
    def on(self) -> date:
        """The trade date."""
        return self.place[0]

    @property
    def opened_on(self) -> date:
        """The day from which it counts as held, before anything tacks."""
        return self.held_from or self.place[0]


class Closing(NamedTuple):
    """Units of one lot that left. ``transaction_id`` is that of the sale, or of the cover.

    ``quantity`` is in units of the day, for showing. Proceeds and cost are None where nothing was
    realised: units given away, or taken elsewhere. ``lot_opened_on`` is the lot's own day.
    """

    place: Order
    transaction_id: str
    lot: LotKey
    lot_opened_on: date
    shares: Decimal
    quantity: Decimal
    proceeds: Decimal | None
    cost: Decimal | None
    side: Side = Side.LONG

    @property
    def on(self) -> date:
        """The trade date."""
        return self.place[0]


class Move(NamedTuple):
    """Units of a lot that went on under another account or another security.

    ``into`` keeps the days of the lot that it comes from. An exercise does not move the lot but
    has its cost ``absorbed`` by the units that were acquired.
    """

    place: Order
    lot: LotKey
    into: LotKey
    shares: Decimal
    into_shares: Decimal
    absorbed: bool = False

    @property
    def on(self) -> date:
        """The day on which it went."""
        return self.place[0]


LotEvent = Opening | Closing | Move


class LotCost(NamedTuple):
    """What is held of a lot, and its cost in the investment book; of a short lot, its proceeds."""

    lot: LotKey
    shares: Decimal
    quantity: Decimal
    cost: Decimal


class History(NamedTuple):
    """A household's lots over time, and what of them is held at last.

    The order of the events does not matter. ``left_out`` says what of the books is not in it, and
    why.
    """

    events: tuple[LotEvent, ...]
    held: tuple[LotCost, ...] = ()
    left_out: tuple[str, ...] = ()


_KINDS: Final = {Opening: 0, Move: 1, Closing: 2}


def in_families(events: Iterable[LotEvent], identity: Identity) -> list[list[LotEvent]]:
    """Return events by securities that could replace each other, each in the order of time."""
    listed = list(events)
    joined = families_of(listed, identity)
    families: dict[str, list[LotEvent]] = defaultdict(list)
    for event in listed:
        families[joined.of(identity.family(event.lot.security_id))].append(event)
    return [sorted(families[name], key=place_of) for name in sorted(families)]


def events_beside(
    events: Iterable[LotEvent], trade: Opening | Closing, identity: Identity
) -> list[LotEvent]:
    """Return the events that can matter to a trade which is not among them, in order of time."""
    for family in in_families([*events, trade], identity):
        if trade in family:
            family.remove(trade)
            return family
    return []


def families_of(events: Iterable[LotEvent], identity: Identity) -> Families:
    """Return which families of ``identity`` events have joined by moving lots between them."""
    joined = Families()
    for event in events:
        if isinstance(event, Move):
            ends = (event.lot.security_id, event.into.security_id)
            joined.join(*map(identity.family, ends))
    return joined


def place_of(event: LotEvent) -> tuple[Order, int, LotKey]:
    """Return the place of an event among those of its family."""
    return event.place, _KINDS[type(event)], event.lot
