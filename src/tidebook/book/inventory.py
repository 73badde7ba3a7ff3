"""The open lots of one key while it is folded: what is opened, what is taken, in which order."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from tidebook.book.choosing import choice
from tidebook.book.lots import DUST, Entry, Holding, Lot, LotRule, Match
from tidebook.model.findings import lot_not_held, oversold
from tidebook.model.money import ONE, ZERO, converted, decimal_text, quotient, share
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.choosing import Choice
    from tidebook.book.lots import KeyRules
    from tidebook.book.postings import Posting
    from tidebook.model.facts import LotChoice
    from tidebook.model.findings import Finding

Gains = tuple["Decimal | None", "Decimal | None", "Decimal | None", "Decimal | None"]
"""A realised gain: local, base, and the base one's price and currency effects."""
NO_GAINS: Final[Gains] = (None, None, None, None)
_DUST_BELOW: Final = -DUST
_FIFO: Final = LotRule.FIFO
_AVCO: Final = LotRule.AVCO
_OPENED_ON: Final = attrgetter("opened_on")


class Inventory:
    """The working state of one key's fold; nothing outside the fold ever sees it.

    Lots stand in the order of the days they were opened on. A place is None once its lot is gone
    from the middle; places before ``head`` are gone too.
    """

    __slots__ = (
        "_by_id",
        "_choice",
        "_turns",
        "cost_base",
        "cost_local",
        "head",
        "lots",
        "pooled",
        "quantity",
        "rule",
        "rules",
    )

    def __init__(self, holding: Holding, rules: KeyRules) -> None:
        """Begin with what is held."""
        self.quantity = holding.quantity
        self.cost_local = holding.cost_local
        self.cost_base = holding.cost_base
        self.lots: list[Lot | None] = list(holding.lots)
        self.head = 0
        self.rules = rules
        self.rule = rules.lots
        self.pooled = rules.lots is LotRule.AVCO
        self._turns = list(rules.changes)
        self._choice: Choice | None = None
        self._by_id: dict[str, int] | None = None

    def freeze(self) -> Holding:
        """Return the state of the key as it now is."""
        lots = self.lots[self.head :]
        held = tuple(lots) if None not in lots else tuple(lot for lot in lots if lot is not None)
        return Holding(self.quantity, self.cost_local, self.cost_base, held)  # pyright: ignore[reportArgumentType]

    @property
    def turns(self) -> bool:
        """Whether another rule comes into force some day."""
        return bool(self._turns)

    def turn(self, on: date) -> bool:
        """Take up the rule of a day; tell whether several lots are to become one pool."""
        while self._turns and self._turns[0].on <= on:
            self.rule = self._turns.pop(0).rule
            self.pooled = self.rule is LotRule.AVCO
            self._choice = None
        return self.pooled and self.open_count > 1

    @property
    def open_count(self) -> int:
        """How many lots are open."""
        return sum(1 for lot in self.lots[self.head :] if lot is not None)

    def open_lots(self) -> list[Lot]:
        """Return the open lots, oldest first."""
        return [lot for lot in self.lots[self.head :] if lot is not None]

    def replace(self, lots: Sequence[Lot]) -> None:
        """Put other lots in the place of all there are."""
        self.lots = list(lots)
        self.head = 0
        self._choice = None
        self._by_id = None
        self.quantity = sum([lot.quantity for lot in lots], ZERO)
        self.cost_local = sum([lot.cost_local for lot in lots], ZERO)
        self.cost_base = sum([lot.cost_base for lot in lots], ZERO)

    def receive(self, arriving: Sequence[Lot]) -> tuple[Lot, ...]:
        """Put lots that were opened elsewhere among those here, by the days they were opened on.

        A lot that is here already grows; in a pool everything goes to the pool. Returns the lots
        as they were opened or added to.
        """
        here = self.open_lots()
        if self.pooled and (here or len(arriving) > 1):
            into = here[0] if here else arriving[0]
            opened = tuple(
                Lot(into.lot_id, into.opened_on, lot.quantity, lot.cost_local, lot.cost_base)
                for lot in arriving
            )
            self.replace([merged([*here, *opened])])
            return opened
        places = {lot.lot_id: index for index, lot in enumerate(here)}
        for lot in arriving:
            place = places.get(lot.lot_id)
            if place is not None:
                here[place] = merged([here[place], lot])
        for lot in arriving:
            if lot.lot_id not in places:
                here.insert(bisect_right(here, lot.opened_on, key=_OPENED_ON), lot)
        self.replace([lot for lot in here if lot.quantity or lot.cost_local or lot.cost_base])
        return tuple(arriving)

    def open(self, posting: Posting) -> Entry:
        """Open a lot, or add to the pool."""
        quantity, amount = posting.quantity, posting.amount
        local = amount if quantity > ZERO else -amount
        base = signed_base(posting, amount, local)
        lot = self._add(posting, quantity, local, base)
        return made(Entry, (posting, quantity, local, base, (lot,), (), *NO_GAINS, None))

    def close(self, posting: Posting, named: tuple[LotChoice, ...] = ()) -> Entry | Finding:
        """Consume lots; what is left of the posting opens the other side, or refuses it all."""
        held, quantity = self.quantity, posting.quantity
        after = held + quantity
        taken, beyond = quantity, ZERO
        if (after > ZERO) is not (held > ZERO) or after <= DUST:
            if _DUST_BELOW <= after <= DUST:
                taken = -held
            elif (after > ZERO) is not (held > ZERO):
                if not self.rules.allow_short:
                    return self.refusal(posting)
                taken, beyond = -held, after
        amount = posting.amount
        value_local = amount if quantity < ZERO else -amount
        value_base = signed_base(posting, amount, value_local)
        if beyond:
            return self._cross(posting, (value_local, value_base), taken, beyond)
        matches = self.take(posting, -taken, named)
        if matches is None:
            return self._not_held(posting, named)
        cost_local, cost_base = self.reduce(taken, matches)
        if not posting.realises:
            return closed(posting, taken, (cost_local, cost_base), matches, NO_GAINS)
        gain_local = value_local - cost_local
        # One object for both sides of a key in the base currency: one subtraction serves.
        same = value_base is value_local and cost_base is cost_local
        gain_base = gain_local if same else value_base - cost_base
        found = gains(posting, gain_local, gain_base)
        return closed(posting, taken, (cost_local, cost_base), matches, found)

    def lacks(
        self, posting: Posting, quantity: Decimal, named: tuple[LotChoice, ...]
    ) -> Finding | None:
        """Return why ``quantity`` cannot be taken from the lots that are named; None if it can."""
        if not named or self._sizes(quantity, named) is not None:
            return None
        return self._not_held(posting, named)

    def _not_held(self, posting: Posting, named: tuple[LotChoice, ...]) -> Finding:
        return lot_not_held(
            posting.transaction_id,
            posting.key,
            ", ".join(f"{decimal_text(part.quantity)} of {part.lot_id}" for part in named),
            pooled=self.pooled,
        )

    def refusal(self, posting: Posting) -> Finding:
        """Return the finding for a disposal of more than is held."""
        return oversold(
            posting.transaction_id,
            posting.key,
            decimal_text(abs(posting.quantity)),
            decimal_text(self.quantity),
        )

    def _cross(
        self, posting: Posting, value: tuple[Decimal, Decimal], taken: Decimal, beyond: Decimal
    ) -> Entry:
        """Close everything and open the other side with the rest of the amount."""
        closing_local = share(value[0], taken, posting.quantity)
        closing_base = share(value[1], taken, posting.quantity)
        matches = tuple(self.open_lots())
        self.lots, self.head = [], 0
        self._choice = self._by_id = None
        cost_local, cost_base = self.reduce(taken, matches)
        opened_local, opened_base = closing_local - value[0], closing_base - value[1]
        lot = self._add(posting, beyond, opened_local, opened_base)
        found = NO_GAINS
        if posting.realises:
            found = gains(posting, closing_local - cost_local, closing_base - cost_base)
        return Entry(
            posting,
            posting.quantity,
            opened_local - cost_local,
            opened_base - cost_base,
            (lot,),
            matches,
            *found,
        )

    def reduce(self, taken: Decimal, matches: tuple[Match, ...]) -> tuple[Decimal, Decimal]:
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

    def _add(self, posting: Posting, quantity: Decimal, local: Decimal, base: Decimal) -> Lot:
        self.quantity += quantity
        self.cost_local += local
        self.cost_base += base
        lots = self.lots
        if self.pooled and self.head < len(lots):
            pool = lots[self.head]
            if pool is not None:
                lots[self.head] = Lot(
                    pool.lot_id, pool.opened_on, self.quantity, self.cost_local, self.cost_base
                )
                return Lot(pool.lot_id, pool.opened_on, quantity, local, base)
        lot = made(Lot, (posting.transaction_id, posting.on, quantity, local, base))
        lots.append(lot)
        if self._choice is not None:
            self._choice.add(len(lots) - 1, lot)
        if self._by_id is not None:
            self._by_id[lot.lot_id] = len(lots) - 1
        return lot

    def take(
        self, posting: Posting, quantity: Decimal, named: tuple[LotChoice, ...] = ()
    ) -> tuple[Match, ...] | None:
        """Consume ``quantity`` (of the sign of the lots); None when a named lot has too little."""
        if named:
            return self._take_named(quantity, named)
        rule = self.rule
        if rule is _FIFO or rule is _AVCO:
            return self._take_oldest(quantity)
        if rule is LotRule.LIFO:
            return self._take_newest(quantity)
        return self._take_chosen(posting, quantity)

    def _take_oldest(self, quantity: Decimal) -> tuple[Match, ...]:
        matches: list[Match] = []
        lots, head = self.lots, self.head
        long = quantity > ZERO
        while quantity:
            lot = lots[head]
            if lot is None:
                head += 1
                continue
            size = lot.quantity
            if (size <= quantity) if long else (size >= quantity):
                matches.append(lot)
                quantity -= size
                head += 1
                continue
            part, rest = split_lot(lot, quantity)
            matches.append(part)
            lots[head] = rest
            break
        self.head = head
        return tuple(matches)

    def _take_newest(self, quantity: Decimal) -> tuple[Match, ...]:
        matches: list[Match] = []
        lots = self.lots
        long = quantity > ZERO
        while quantity:
            lot = lots[-1]
            if lot is None:
                lots.pop()
                continue
            size = lot.quantity
            if (size <= quantity) if long else (size >= quantity):
                matches.append(lot)
                quantity -= size
                lots.pop()
                continue
            part, rest = split_lot(lot, quantity)
            matches.append(part)
            lots[-1] = rest
            break
        self._by_id = None
        return tuple(matches)

    def _take_chosen(self, posting: Posting, quantity: Decimal) -> tuple[Match, ...]:
        if self._choice is None:
            self._choice = choice(self.rule, self._trimmed(), self.rules.tax)
        price = quotient(abs(posting.amount_base), abs(posting.quantity or ONE))
        matches: list[Match] = []
        while quantity:
            index = self._choice.next(self.lots, posting.on, price)
            part = self._take_at(index, quantity)
            matches.append(part)
            quantity -= part.quantity
        return tuple(matches)

    def _take_named(
        self, quantity: Decimal, named: tuple[LotChoice, ...]
    ) -> tuple[Match, ...] | None:
        """Consume what is named; nothing at all unless every named lot has as much."""
        sizes = self._sizes(quantity, named)
        if sizes is None:
            return None
        return tuple(self._take_at(index, size) for index, size in sizes.items())

    def _sizes(self, quantity: Decimal, named: tuple[LotChoice, ...]) -> dict[int, Decimal] | None:
        """Return how much is named of the lot at which place; None where that cannot be taken."""
        if self._by_id is None:
            self._trimmed()
            self._by_id = {
                lot.lot_id: index for index, lot in enumerate(self.lots) if lot is not None
            }
        sign = ONE if quantity > ZERO else -ONE
        wanted: dict[str, Decimal] = {}
        for part in named:
            wanted[part.lot_id] = wanted.get(part.lot_id, ZERO) + part.quantity
        if sum(wanted.values(), ZERO) != abs(quantity):
            return None
        found: dict[int, Decimal] = {}
        for lot_id, size in wanted.items():
            index = self._by_id.get(lot_id)
            # Places before the head still hold what was taken from there.
            lot = None if index is None or index < self.head else self.lots[index]
            if index is None or lot is None or lot.quantity * sign < size:
                return None
            found[index] = size * sign
        return found

    def _take_at(self, index: int, quantity: Decimal) -> Match:
        """Consume ``quantity``, or all there is, of the lot at a place."""
        lot = self.lots[index]
        if lot is None:
            msg = f"no lot is at place {index}"
            raise LookupError(msg)
        size = lot.quantity
        if (size <= quantity) if quantity > ZERO else (size >= quantity):
            self.lots[index] = None
            return lot
        part, rest = split_lot(lot, quantity)
        self.lots[index] = rest
        if self._choice is not None:
            self._choice.add(index, rest)
        return part

    def _trimmed(self) -> list[Lot | None]:
        """Drop the places before the head, and return what is left."""
        del self.lots[: self.head]
        self.head = 0
        self._choice = self._by_id = None
        return self.lots


def split_lot(lot: Lot, quantity: Decimal) -> tuple[Match, Lot]:
    """Return the part of a lot that is taken, and what remains of it."""
    lot_id, opened_on, size, lot_local, lot_base = lot
    local = share(lot_local, quantity, size)
    # One object for both costs marks a lot in the base currency: one division serves.
    same = lot_base is lot_local
    base = local if same else share(lot_base, quantity, size)
    left_local = lot_local - local
    left_base = left_local if same else lot_base - base
    part = made(Match, (lot_id, opened_on, quantity, local, base))
    return part, made(Lot, (lot_id, opened_on, size - quantity, left_local, left_base))


def merged(lots: Sequence[Lot]) -> Lot:
    """Return several lots as one, under the name of the first."""
    first = lots[0]
    return Lot(
        first.lot_id,
        first.opened_on,
        sum([lot.quantity for lot in lots], ZERO),
        sum([lot.cost_local for lot in lots], ZERO),
        sum([lot.cost_base for lot in lots], ZERO),
    )


def signed_base(posting: Posting, amount: Decimal, signed: Decimal) -> Decimal:
    """Return the base amount with the sign of ``signed``; the same object in one currency.

    Sameness is what tells :func:`split_lot` that one division serves both costs.
    """
    base = posting.amount_base
    if base is amount:
        return signed
    return base if signed is amount else -base


def closed(
    posting: Posting,
    taken: Decimal,
    cost: tuple[Decimal, Decimal],
    matches: tuple[Match, ...],
    found: Gains,
) -> Entry:
    """Return the entry of a posting that only consumed."""
    local, base = -cost[0], cost[1]
    base = local if base is cost[0] else -base
    return made(Entry, (posting, taken, local, base, (), matches, *found, None))


def gains(posting: Posting, local: Decimal, base: Decimal) -> Gains:
    """Return the gain in both currencies, and its split into price and currency."""
    if base is local and posting.fx_rate is ONE:
        return local, base, local, ZERO
    by_price = converted(local, posting.fx_rate)
    return local, base, by_price, base - by_price
