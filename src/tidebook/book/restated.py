"""Lots restated to their value at the opening of a period, beside the lots of the book.

The book knows what a lot cost; a period asks what it was worth when the period opened. The
difference is kept by lot, and goes wherever the lot goes: it is consumed with the units that are
sold, stays through a split, and is carried with units that become those of another security. Gains
of the period are the book's own less the differences consumed, so every lot method and every
action is restated without being booked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.postings import EffectKind, Leg
from tidebook.model.money import ZERO, converted, quotient, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry, Lot

_STAY: Final = frozenset({EffectKind.SPLIT, EffectKind.RETURN, EffectKind.CARRY})
"""After these the lots of the same ids are still there, with other units or another cost."""
_BOOKKEEPING: Final = frozenset({Leg.METHOD, Leg.POOL})


class Pair(NamedTuple):
    """An amount in the key's local and in the base currency."""

    local: Decimal = ZERO
    base: Decimal = ZERO

    def plus(self, other: Pair) -> Pair:
        """Return the sum."""
        return Pair(self.local + other.local, self.base + other.base)

    def minus(self, other: Pair) -> Pair:
        """Return the difference."""
        return Pair(self.local - other.local, self.base - other.base)

    def part(self, quantity: Decimal, of: Decimal) -> Pair:
        """Return the share of a quantity in another."""
        return Pair(share(self.local, quantity, of), share(self.base, quantity, of))


NOTHING: Final = Pair()


class Booked(NamedTuple):
    """What one entry did to a restated key.

    ``moved`` is what went into the key, before the costs of a trade; ``realised`` the gain, before
    costs; ``left_at_cost`` what left the portfolio without a stated value, at its restated cost.
    """

    moved: Decimal
    realised: Pair = NOTHING
    left_at_cost: Decimal = ZERO


class _Lot(NamedTuple):
    quantity: Decimal
    gap: Pair
    """The restated cost less the cost in the book."""


Transit = dict[str, dict[str, Pair]]
"""The gaps of units on their way to another key, by the id of the fact and of the lot."""


class Restated:
    """The open lots of one key while a period is replayed."""

    def __init__(self, lots: Sequence[Lot], worth: Pair, *, is_margined: bool) -> None:
        """Restate the lots held at the opening to what they are worth together."""
        self.lots: dict[str, _Lot] = {}
        self.is_margined = is_margined
        left, units = worth, sum((lot.quantity for lot in lots), ZERO)
        for lot in lots:
            worth_of_lot = left.part(lot.quantity, units)
            gap = worth_of_lot.minus(Pair(lot.cost_local, lot.cost_base))
            self.lots[lot.lot_id] = _Lot(lot.quantity, gap)
            left, units = left.minus(worth_of_lot), units - lot.quantity

    @property
    def gap(self) -> Pair:
        """The restated cost of what is held, less its cost in the book."""
        total = NOTHING
        for lot in self.lots.values():
            total = total.plus(lot.gap)
        return total

    def book(self, entry: Entry, costs: Pair, transit: Transit) -> Booked:
        """Replay one entry and return what it did; ``costs`` are those inside its amounts."""
        posting = entry.posting
        taken = self._take(entry)
        kind = None if posting.effect is None else posting.effect.kind
        if entry.opens and (kind in _STAY or posting.leg in _BOOKKEEPING):
            return self._put_back(entry, taken, costs)
        if kind is EffectKind.CARRY and posting.flow is None:
            return self._send(entry, taken, transit)
        if kind is EffectKind.ARRIVE:
            return self._receive(entry, transit)
        if entry.matches and entry.realised_base is None:
            return self._leave(entry, _total(taken))
        return self._trade(entry, _total(taken), costs, _on_the_way(entry, transit))

    def _take(self, entry: Entry) -> dict[str, Pair]:
        taken: dict[str, Pair] = {}
        for match in entry.matches:
            lot = self.lots[match.lot_id]
            gap = lot.gap.part(match.quantity, lot.quantity)
            taken[match.lot_id] = taken.get(match.lot_id, NOTHING).plus(gap)
            self.lots[match.lot_id] = _Lot(lot.quantity - match.quantity, lot.gap.minus(gap))
        return taken

    def _open(self, lot: Lot, gap: Pair) -> None:
        held = self.lots.get(lot.lot_id, _Lot(ZERO, NOTHING))
        self.lots[lot.lot_id] = _Lot(held.quantity + lot.quantity, held.gap.plus(gap))

    def _put_back(self, entry: Entry, taken: dict[str, Pair], costs: Pair) -> Booked:
        """Open the lots that changed with the gaps that they had."""
        own = [taken.pop(lot.lot_id, NOTHING) for lot in entry.opens]
        # Lots that became one pool leave their gaps to it.
        own[0] = own[0].plus(_total(taken))
        levelled = entry.posting.leg is Leg.POOL
        if levelled:
            # Cost moved for the taxpayer's average alone: nothing changed hands.
            own[0] = own[0].minus(Pair(entry.cost_local, entry.cost_base))
        for lot, gap in zip(entry.opens, own, strict=True):
            self._open(lot, gap)
        realised = _realised(entry).plus(costs)
        moved = ZERO if levelled else entry.cost_base - realised.base
        return Booked(moved, realised)

    def _send(self, entry: Entry, taken: dict[str, Pair], transit: Transit) -> Booked:
        """Put the gaps of what becomes units of another key on their way."""
        effect = entry.posting.effect
        fraction = effect.fraction if effect and entry.realised_base is not None else None
        sent = taken
        if fraction is not None:
            sent = {
                lot_id: Pair(converted(gap.local, fraction), converted(gap.base, fraction))
                for lot_id, gap in taken.items()
            }
        transit[entry.posting.transaction_id] = sent
        realised = _realised(entry).minus(_total(taken).minus(_total(sent)))
        # In the other key it arrives at its restated cost, as far as it was carried.
        moved = entry.cost_base - _total(taken).base - realised.base
        return Booked(moved, realised)

    def _receive(self, entry: Entry, transit: Transit) -> Booked:
        """Open what was carried here: with its gaps, or from elsewhere at its stated value."""
        posting = entry.posting
        sent = transit.pop(posting.transaction_id, {})
        gaps = [sent.pop(lot.lot_id, NOTHING) for lot in entry.opens]
        # Where everything is one pool, the lots that arrived are no longer told apart.
        gaps[0] = gaps[0].plus(_total(sent))
        if posting.effect is not None:
            to_local, to_base = posting.effect.to_local, posting.effect.to_base
            gaps = [Pair(converted(g.local, to_local), converted(g.base, to_base)) for g in gaps]
        left_at_cost = ZERO
        if posting.flow is not None:
            value = posting.flow_base
            if value:
                worth = Pair(quotient(value, posting.fx_rate), value)
                whole = worth.minus(Pair(entry.cost_local, entry.cost_base))
                gaps = [whole.part(lot.quantity, entry.quantity) for lot in entry.opens]
                gaps[-1] = gaps[-1].plus(whole.minus(_sum(gaps)))
            else:
                left_at_cost = -entry.cost_base
        for lot, gap in zip(entry.opens, gaps, strict=True):
            self._open(lot, gap)
        return Booked(entry.cost_base + _sum(gaps).base, NOTHING, left_at_cost)

    def _leave(self, entry: Entry, taken: Pair) -> Booked:
        """Let units cross the border at the value that was stated, or at their restated cost."""
        posting = entry.posting
        for lot in entry.opens:
            self._open(lot, NOTHING)
        cost = Pair(entry.cost_local, entry.cost_base).minus(taken)
        value = Pair(posting.amount, posting.amount_base)
        if entry.quantity > 0:
            value = NOTHING.minus(value)
        if posting.flow is not None and posting.effect is not None:
            value = Pair(quotient(-posting.flow_base, posting.fx_rate), -posting.flow_base)
        if not value.base:
            return Booked(cost.base, NOTHING, -cost.base)
        return Booked(-value.base, value.plus(cost))

    def _trade(self, entry: Entry, taken: Pair, costs: Pair, carried: Pair) -> Booked:
        opened, closed = entry.opened, sum((match.quantity for match in entry.matches), ZERO)
        inside = costs.minus(carried)
        on_opening = NOTHING
        if opened and not self.is_margined:
            on_opening = inside.part(opened, opened - closed)
            for lot in entry.opens:
                self._open(lot, NOTHING.minus(on_opening).part(lot.quantity, opened))
        elif opened:
            for lot in entry.opens:
                self._open(lot, NOTHING)
        realised = _realised(entry).minus(taken).plus(inside.minus(on_opening))
        booked = -_realised(entry).base if self.is_margined else _moved(entry)
        return Booked(booked - inside.base, realised)


def moved_untold(entry: Entry, costs: Pair, transit: Transit, *, is_margined: bool) -> Decimal:
    """Return what an entry moved into a key that cannot be valued, before the costs of a trade."""
    posting = entry.posting
    if posting.leg is Leg.POOL:
        return ZERO
    if is_margined:
        return -_realised(entry).base - costs.base
    if posting.flow is not None and posting.flow.classification is Classification.TRANSFER:
        if posting.effect is not None:
            return posting.flow_base
        return posting.amount_base if entry.quantity > 0 else -posting.amount_base
    kind = None if posting.effect is None else posting.effect.kind
    arrived = ZERO
    if kind in {EffectKind.ARRIVE, EffectKind.ABSORB}:
        arrived = _total(transit.pop(posting.transaction_id, {})).base
    return _moved(entry) - costs.base + arrived


def _moved(entry: Entry) -> Decimal:
    """Return what went into a key: what its cost grew by, and what its gains did not take out."""
    return entry.cost_base - _realised(entry).base


def _realised(entry: Entry) -> Pair:
    return Pair(entry.realised_local or ZERO, entry.realised_base or ZERO)


def _on_the_way(entry: Entry, transit: Transit) -> Pair:
    """Return the gap that a trade takes up with the cost of the contract it follows from."""
    effect = entry.posting.effect
    if effect is None or effect.kind is not EffectKind.ABSORB:
        return NOTHING
    sent = _total(transit.pop(entry.posting.transaction_id, {}))
    return Pair(converted(sent.local, effect.to_local), converted(sent.base, effect.to_base))


def _total(gaps: dict[str, Pair]) -> Pair:
    return _sum(list(gaps.values()))


def _sum(gaps: Sequence[Pair]) -> Pair:
    return Pair(sum((g.local for g in gaps), ZERO), sum((g.base for g in gaps), ZERO))
