"""Lots: open, match, close. The fold that turns a key's postings into entries.

A lot is a quantity acquired at a cost, kept in local and in base currency. A short position or an
overdraft is a lot of negative quantity and cost. What a posting takes from the lots it takes in
parts, each half even to 18 places, and the remainder stays with the lot, so that what left and
what stayed always sum to what was there.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.findings import oversold
from tidebook.model.money import ONE, ZERO, converted, decimal_text, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tidebook.book.ledger import Posting
    from tidebook.model.findings import Finding

DUST: Final = Decimal("1e-12")
"""A remainder of units at or below this is a residue of decimal fractions, not a holding."""
_DUST_BELOW: Final = -DUST


class Lot(NamedTuple):
    """Units acquired together. ``lot_id`` is the id of the transaction that opened it."""

    lot_id: str
    opened_on: date
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal


Match = Lot
"""The part of a lot that one disposal consumed, with the cost that left with it: a lot itself."""


class LotRule(StrEnum):
    """How a key chooses the cost that leaves."""

    FIFO = "FIFO"
    """The oldest lot first."""
    AVCO = "AVCO"
    """One pool; every unit carries the average cost."""
    UNIT = "UNIT"
    """Cash in the base currency: every unit costs one, so there is nothing to choose."""


class KeyRules(NamedTuple):
    """The policy a key is folded under."""

    lots: LotRule = LotRule.FIFO
    allow_short: bool = False


class Holding(NamedTuple):
    """The state of a key: its open lots, oldest first, and their sums."""

    quantity: Decimal = ZERO
    cost_local: Decimal = ZERO
    cost_base: Decimal = ZERO
    lots: tuple[Lot, ...] = ()


class Entry(NamedTuple):
    """One posting, booked: what it did to quantity, cost and gain.

    ``quantity`` and the two costs are changes. ``opened`` is the quantity that became a new lot;
    ``matches`` are the parts of older lots that were consumed. The realised gain is None where
    nothing was realised; in base currency it is the price effect plus the currency effect.
    """

    posting: Posting
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    opened: Decimal
    opened_cost_local: Decimal
    opened_cost_base: Decimal
    matches: tuple[Match, ...]
    realised_local: Decimal | None
    realised_base: Decimal | None
    realised_price: Decimal | None
    realised_currency: Decimal | None


class Folded(NamedTuple):
    """What a run of postings came to."""

    holding: Holding
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]


EMPTY: Final = Holding()


def fold(holding: Holding, postings: Iterable[Posting], rules: KeyRules) -> Folded:
    """Return a key's state, entries and findings after ``postings``, given in their order.

    A disposal of more than is held, where shorts are forbidden, changes nothing and leaves a
    finding; the postings after it are booked as if it were not there.

    Args:
        holding: The key's state before the first posting.
        postings: Postings of one key in the order of ``Posting.order``.
        rules: The key's policy.
    """
    entries: list[Entry] = []
    findings: list[Finding] = []
    with exact():
        if rules.lots is LotRule.UNIT:
            return _fold_units(holding, postings)
        state = _State(holding, pooled=rules.lots is LotRule.AVCO)
        for posting in postings:
            quantity = posting.quantity
            held = state.quantity
            if not quantity:
                entry = _flow_only(posting)
            elif held and (held > ZERO) is not (quantity > ZERO):
                entry = state.close(posting, rules)
            elif quantity > ZERO or rules.allow_short:
                entry = state.open(posting)
            else:
                entry = None
            if entry is None:
                findings.append(_oversold(posting, held))
            else:
                entries.append(entry)
        return Folded(state.freeze(), tuple(entries), tuple(findings))


class _State:
    """The working state of one fold; nothing outside ever sees it."""

    __slots__ = ("cost_base", "cost_local", "head", "lots", "pooled", "quantity")

    def __init__(self, holding: Holding, *, pooled: bool) -> None:
        self.quantity = holding.quantity
        self.cost_local = holding.cost_local
        self.cost_base = holding.cost_base
        self.lots = list(holding.lots)
        self.head = 0
        self.pooled = pooled

    def freeze(self) -> Holding:
        lots = tuple(self.lots[self.head :])
        return Holding(self.quantity, self.cost_local, self.cost_base, lots)

    def open(self, posting: Posting) -> Entry:
        quantity, amount = posting.quantity, posting.amount
        local = amount if quantity > ZERO else -amount
        base = _signed_base(posting, amount, local)
        self._add(posting, quantity, local, base)
        return Entry(
            posting, quantity, local, base, quantity, local, base, (), None, None, None, None
        )

    def close(self, posting: Posting, rules: KeyRules) -> Entry | None:
        """Consume lots; what is left of the posting opens the other side, or refuses it all."""
        held, quantity = self.quantity, posting.quantity
        after = held + quantity
        taken, beyond = quantity, ZERO
        if (after > ZERO) is not (held > ZERO) or after <= DUST:
            if _DUST_BELOW <= after <= DUST:
                taken = -held
            elif (after > ZERO) is not (held > ZERO):
                if not rules.allow_short:
                    return None
                taken, beyond = -held, after
        amount = posting.amount
        value_local = amount if quantity < ZERO else -amount
        value_base = _signed_base(posting, amount, value_local)
        if beyond:
            return self._cross(posting, (value_local, value_base), taken, beyond)
        matches = self._take(-taken)
        cost_local, cost_base = self._reduce(taken, matches)
        if not posting.realises:
            return _closed(posting, taken, (cost_local, cost_base), matches, _NO_GAINS)
        gain_local = value_local - cost_local
        # One object for both sides of a key in the base currency: one subtraction serves.
        same = value_base is value_local and cost_base is cost_local
        gain_base = gain_local if same else value_base - cost_base
        gains = _gains(posting, gain_local, gain_base)
        return _closed(posting, taken, (cost_local, cost_base), matches, gains)

    def _cross(
        self, posting: Posting, value: tuple[Decimal, Decimal], taken: Decimal, beyond: Decimal
    ) -> Entry:
        """Close everything and open the other side with the rest of the amount."""
        closing_local = share(value[0], taken, posting.quantity)
        closing_base = share(value[1], taken, posting.quantity)
        matches = self._take(-taken)
        cost_local, cost_base = self._reduce(taken, matches)
        opened_local, opened_base = closing_local - value[0], closing_base - value[1]
        self._add(posting, beyond, opened_local, opened_base)
        gains = _NO_GAINS
        if posting.realises:
            gains = _gains(posting, closing_local - cost_local, closing_base - cost_base)
        return Entry(
            posting,
            posting.quantity,
            opened_local - cost_local,
            opened_base - cost_base,
            beyond,
            opened_local,
            opened_base,
            matches,
            *gains,
        )

    def _reduce(self, taken: Decimal, matches: tuple[Match, ...]) -> tuple[Decimal, Decimal]:
        """Lower the sums by what was matched, and return its cost."""
        if len(matches) == 1:
            cost_local, cost_base = matches[0].cost_local, matches[0].cost_base
        else:
            cost_local = sum([match.cost_local for match in matches], ZERO)
            cost_base = sum([match.cost_base for match in matches], ZERO)
        self.quantity += taken
        self.cost_local -= cost_local
        self.cost_base -= cost_base
        return cost_local, cost_base

    def _add(self, posting: Posting, quantity: Decimal, local: Decimal, base: Decimal) -> None:
        self.quantity += quantity
        self.cost_local += local
        self.cost_base += base
        if self.pooled and self.head < len(self.lots):
            pool = self.lots[self.head]
            self.lots[self.head] = Lot(
                pool.lot_id, pool.opened_on, self.quantity, self.cost_local, self.cost_base
            )
        else:
            self.lots.append(Lot(posting.transaction_id, posting.on, quantity, local, base))

    def _take(self, quantity: Decimal) -> tuple[Match, ...]:
        """Consume ``quantity`` (of the sign of the lots) from the oldest lots on."""
        matches: list[Match] = []
        lots, head = self.lots, self.head
        long = quantity > ZERO
        while quantity:
            lot = lots[head]
            lot_id, opened_on, size, lot_local, lot_base = lot
            if (size <= quantity) if long else (size >= quantity):
                matches.append(lot)
                quantity -= size
                head += 1
                continue
            local = share(lot_local, quantity, size)
            # One object for both costs marks a lot in the base currency: one division serves.
            same = lot_base is lot_local
            base = local if same else share(lot_base, quantity, size)
            matches.append(Match(lot_id, opened_on, quantity, local, base))
            left_local = lot_local - local
            left_base = left_local if same else lot_base - base
            lots[head] = Lot(lot_id, opened_on, size - quantity, left_local, left_base)
            break
        self.head = head
        return tuple(matches)


def _signed_base(posting: Posting, amount: Decimal, signed: Decimal) -> Decimal:
    """Return the base amount with the sign of ``signed``; the same object in one currency.

    Sameness is what tells :meth:`_State._take` that one division serves both costs.
    """
    base = posting.amount_base
    if base is amount:
        return signed
    return base if signed is amount else -base


def _closed(
    posting: Posting,
    taken: Decimal,
    cost: tuple[Decimal, Decimal],
    matches: tuple[Match, ...],
    gains: _Gains,
) -> Entry:
    """Return the entry of a posting that only consumed."""
    local, base = -cost[0], cost[1]
    base = local if base is cost[0] else -base
    by_local, by_base, by_price, by_currency = gains
    return Entry(
        posting,
        taken,
        local,
        base,
        ZERO,
        ZERO,
        ZERO,
        matches,
        by_local,
        by_base,
        by_price,
        by_currency,
    )


_Gains = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
_NO_GAINS: Final[_Gains] = (None, None, None, None)


def _gains(posting: Posting, local: Decimal, base: Decimal) -> _Gains:
    """Return the gain in both currencies, and its split into price and currency."""
    if base is local and posting.fx_rate is ONE:
        return local, base, local, ZERO
    by_price = converted(local, posting.fx_rate)
    return local, base, by_price, base - by_price


def _flow_only(posting: Posting) -> Entry:
    return Entry(posting, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, (), *_NO_GAINS)


def _fold_units(holding: Holding, postings: Iterable[Posting]) -> Folded:
    """Book cash of the base currency: cost equals quantity, and no disposal gains anything."""
    entries: list[Entry] = []
    quantity = holding.quantity
    for posting in postings:
        moved = posting.quantity
        quantity += moved
        gain = ZERO if posting.realises and moved < 0 else None
        entries.append(
            Entry(posting, moved, moved, moved, ZERO, ZERO, ZERO, (), gain, gain, gain, gain)
        )
    return Folded(Holding(quantity, quantity, quantity), tuple(entries), ())


def _oversold(posting: Posting, held: Decimal) -> Finding:
    return oversold(
        posting.transaction_id,
        (posting.portfolio_id, posting.security_id),
        decimal_text(abs(posting.quantity)),
        decimal_text(held),
    )
