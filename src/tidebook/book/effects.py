"""What corporate actions, carries and contracts do to the lots of a key.

Each function changes an inventory and returns the entry that says so, a finding where the posting
cannot be booked, or None where it has nothing to act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.inventory import NO_GAINS, closed, gains
from tidebook.book.lots import DUST, Entry, Lot
from tidebook.book.postings import EffectKind
from tidebook.model.findings import Finding, closed_too_much, nothing_held, opposite_side
from tidebook.model.money import ONE, ZERO, converted, decimal_text, rounded, share
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.inventory import Inventory
    from tidebook.book.postings import Effect, Posting

Outcome = Entry | Finding | None


class Carried(NamedTuple):
    """What is on its way from one key to another: parts of lots, with the cost that goes along."""

    parts: tuple[Lot, ...]

    @property
    def cost(self) -> tuple[Decimal, Decimal]:
        """The cost on its way, local and base."""
        local = sum((part.cost_local for part in self.parts), ZERO)
        return local, sum((part.cost_base for part in self.parts), ZERO)


Transit = dict[str, Carried]
"""What is on its way, by the id of the fact that carries it."""


def apply(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Apply a posting's effect to the inventory of its key."""
    return _APPLIES[effect.kind](inventory, posting, effect, transit)


def refuses(inventory: Inventory, posting: Posting, leaving: Inventory) -> Finding | None:
    """Return why what another key is about to send cannot be taken here; None when it can.

    It is asked before anything leaves, so that no fact is ever booked by half. Long units cannot
    join short ones: whether they close them, and at which gain, is for a trade to say. Where
    nothing is held that could leave, that is what is to be said.
    """
    effect, held = posting.effect, inventory.quantity
    if not leaving.quantity:
        return None
    if effect is not None and effect.kind is EffectKind.ARRIVE:
        if held and (held > ZERO) is not (leaving.quantity > ZERO):
            return opposite_side(posting.transaction_id, posting.key, decimal_text(held))
        return None
    quantity = posting.quantity
    beyond = quantity if not held or (held > ZERO) is (quantity > ZERO) else held + quantity
    opens_short = beyond < -DUST and not inventory.rules.allow_short
    return inventory.refusal(posting) if opens_short else None


def cannot_leave(inventory: Inventory, posting: Posting, effect: Effect) -> Finding | None:
    """Return why what is to be carried away cannot be taken from its own key; None when it can."""
    held = inventory.quantity
    if effect.everything:
        return None
    if abs(posting.quantity) - abs(held) > DUST or not held:
        return _missing(posting, posting.quantity, held)
    return inventory.lacks(posting, _leaving(posting, held), effect.lots)


def plain(inventory: Inventory, posting: Posting, effect: Effect | None = None) -> Outcome:
    """Add or remove units at an amount."""
    held, quantity = inventory.quantity, posting.quantity
    lots = effect.lots if effect else ()
    if held and (held > ZERO) is not (quantity > ZERO):
        beyond = abs(quantity) - abs(held)
        if effect is not None and effect.closes_only and beyond > DUST:
            return _missing(posting, quantity, held)
        return inventory.close(posting, lots)
    if effect is not None and effect.closes_only:
        return _missing(posting, quantity, held)
    if quantity > ZERO or inventory.rules.allow_short:
        return inventory.open(posting)
    return inventory.refusal(posting)


def _trade(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    del transit
    return _on_margin(plain(inventory, posting, effect), posting, effect)


def _on_margin(outcome: Outcome, posting: Posting, effect: Effect) -> Outcome:
    """Settle the costs and the gain of a contract that nothing else is paid for.

    In base currency the gain is the local one at the day's rate: no money stood in the contract
    that a currency could have moved.
    """
    if not effect.on_margin or not isinstance(outcome, Entry):
        return outcome
    if outcome.realised_local is None and not effect.costs:
        return outcome._replace(settled=ZERO)
    gain = (outcome.realised_local or ZERO) - effect.costs
    return _in_cash(outcome, gain, posting, effect)


def _in_cash(entry: Entry, gain: Decimal, posting: Posting, effect: Effect) -> Entry:
    base = converted(gain, posting.fx_rate)
    return entry._replace(
        realised_local=gain,
        realised_base=base,
        realised_price=base,
        realised_currency=ZERO,
        settled=converted(gain, effect.to_cash),
    )


def _absorb(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Trade at an amount that takes up the cost carried here: more to pay, or less received."""
    carried = transit.pop(posting.transaction_id, None)
    if carried is None:
        return None
    local, base = carried.cost
    local, base = converted(local, effect.to_local), converted(base, effect.to_base)
    sign = 1 if posting.quantity > ZERO else -1
    absorbed = posting._replace(
        amount=posting.amount + sign * local, amount_base=posting.amount_base + sign * base
    )
    return plain(inventory, absorbed, effect)


def _end(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Let units leave for nothing; of a contract on margin, at the price it ends at, if any.

    Without a price such a contract ends where it was last settled, without a gain.
    """
    del transit
    held = inventory.quantity
    wanted = abs(posting.quantity) or abs(held)
    if not wanted or wanted - abs(held) > DUST:
        return _missing(posting, wanted, held)
    leaving = -wanted if held > ZERO else wanted
    if effect.on_margin:
        amount = rounded(wanted * effect.price)
        posting = posting._replace(
            amount=amount,
            amount_base=converted(amount, posting.fx_rate),
            realises=bool(effect.price),
        )
    outcome = inventory.close(posting._replace(quantity=leaving), effect.lots)
    return _on_margin(outcome, posting, effect)


def _split(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Change every lot's units by a ratio; what it cost and when it was opened stay."""
    del transit
    if not inventory.quantity:
        return None
    new, old = effect.ratio
    before = inventory.open_lots()
    after = [made(Lot, (*lot[:2], share(lot.quantity, new, old), *lot[3:])) for lot in before]
    return _exchange(inventory, posting, before, after)


def _return(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Lower every lot's cost by its part of what is paid; what exceeds it is a gain."""
    del transit
    held = inventory.quantity
    if not held:
        # An action passes by whoever holds nothing; a fact of nothing at all waits all the same.
        return None if effect.per_unit else _missing(posting, posting.amount, held)
    local, base, cash = posting.amount, posting.amount_base, None
    if effect.per_unit:
        cash = rounded(effect.per_unit * held)
        local, base = converted(cash, effect.to_local), converted(cash, effect.to_base)
    before = inventory.open_lots()
    after: list[Lot] = []
    excess = [ZERO, ZERO]
    paid = (spread(local, before), spread(base, before))
    for index, lot in enumerate(before):
        left = [lot.cost_local - paid[0][index], lot.cost_base - paid[1][index]]
        for side in (0, 1):
            if left[side] < ZERO < lot.quantity:
                excess[side] -= left[side]
                left[side] = ZERO
        after.append(lot._replace(cost_local=left[0], cost_base=left[1]))
    entry = _exchange(inventory, posting, before, after)
    if any(excess):
        entry = _with_gains(entry, gains(posting, excess[0], excess[1]))
    return entry._replace(settled=cash)


def _mark(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Settle a contract at a price: its cost becomes its value, and the difference is paid."""
    del transit
    if not inventory.quantity:
        return _missing(posting, ZERO, ZERO)
    before = inventory.open_lots()
    after: list[Lot] = []
    for lot in before:
        cost = rounded(lot.quantity * effect.price)
        after.append(lot._replace(cost_local=cost, cost_base=converted(cost, posting.fx_rate)))
    gain = sum((lot.cost_local for lot in after), -inventory.cost_local)
    return _in_cash(_exchange(inventory, posting, before, after), gain, posting, effect)


def _carry(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Take units, their cost, or both, and put them on their way."""
    held = inventory.quantity
    if effect.everything:
        if not held:
            return None
        return _carry_all(inventory, posting, effect, transit)
    refused = cannot_leave(inventory, posting, effect)
    if refused is not None:
        return refused
    leaving = _leaving(posting, held)
    entry = inventory.close(
        posting._replace(quantity=-leaving, amount=ZERO, amount_base=ZERO, realises=False),
        effect.lots,
    )
    if isinstance(entry, Entry):
        transit[posting.transaction_id] = Carried(entry.matches)
        return entry._replace(posting=posting)
    return entry


def _leaving(posting: Posting, held: Decimal) -> Decimal:
    """Return the units that leave, with the sign of what is held; all of it up to dust."""
    leaving = abs(posting.quantity) if held > ZERO else -abs(posting.quantity)
    return held if abs(held - leaving) <= DUST else leaving


def _carry_all(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Entry:
    held = inventory.quantity
    before = inventory.open_lots()
    moved = tuple(_fraction(lot, effect.fraction) for lot in before)
    transit[posting.transaction_id] = Carried(moved)
    if effect.stays:
        after = [
            lot._replace(
                cost_local=lot.cost_local - part.cost_local,
                cost_base=lot.cost_base - part.cost_base,
            )
            for lot, part in zip(before, moved, strict=True)
        ]
        return _exchange(inventory, posting, before, after)
    cost = inventory.reduce(-held, tuple(before))
    inventory.replace([])
    entry = closed(posting, -held, cost, tuple(before), NO_GAINS)
    if effect.fraction == ONE and not effect.per_unit:
        return entry
    # What neither goes along nor is paid for is lost.
    cash = rounded(effect.per_unit * held)
    local, base = converted(cash, effect.to_local), converted(cash, effect.to_base)
    carried = Carried(moved).cost
    gain_local, gain_base = local - (cost[0] - carried[0]), base - (cost[1] - carried[1])
    return _with_gains(entry, gains(posting, gain_local, gain_base))._replace(
        settled=cash if effect.per_unit else None
    )


def _arrive(inventory: Inventory, posting: Posting, effect: Effect, transit: Transit) -> Outcome:
    """Open what was carried here, with the dates that it had."""
    carried = transit.pop(posting.transaction_id, None)
    if carried is None:
        return None
    opened = inventory.receive(_arriving(carried.parts, effect))
    quantity = sum((lot.quantity for lot in opened), ZERO)
    local = sum((lot.cost_local for lot in opened), ZERO)
    base = sum((lot.cost_base for lot in opened), ZERO)
    return Entry(posting, quantity, local, base, opened, (), *NO_GAINS)


def _arriving(parts: Sequence[Lot], effect: Effect) -> list[Lot]:
    """Return parts of lots as they are opened where they arrive."""
    new, old = effect.ratio
    if effect.units is None:
        units = [share(part.quantity, new, old) for part in parts]
    else:
        sign = 1 if parts[0].quantity > ZERO else -1
        units = spread(effect.units * sign, parts)
    return [
        Lot(
            part.lot_id,
            part.opened_on,
            count,
            converted(part.cost_local, effect.to_local),
            converted(part.cost_base, effect.to_base),
        )
        for part, count in zip(parts, units, strict=True)
    ]


def spread(whole: Decimal, lots: Sequence[Lot]) -> list[Decimal]:
    """Return a whole in parts by the units of lots; the last part takes what rounding leaves.

    To be called inside ``exact()``, with lots whose units do not add up to nothing.
    """
    total = sum((lot.quantity for lot in lots), ZERO)
    parts = [share(whole, lot.quantity, total) for lot in lots[:-1]]
    return [*parts, whole - sum(parts, ZERO)]


def _fraction(lot: Lot, fraction: Decimal) -> Lot:
    return lot._replace(
        cost_local=converted(lot.cost_local, fraction),
        cost_base=converted(lot.cost_base, fraction),
    )


def _exchange(
    inventory: Inventory, posting: Posting, before: Sequence[Lot], after: Sequence[Lot]
) -> Entry:
    """Put lots in the place of others, and return the entry that says by how much they differ."""
    quantity, local, base = inventory.quantity, inventory.cost_local, inventory.cost_base
    inventory.replace(after)
    return Entry(
        posting,
        inventory.quantity - quantity,
        inventory.cost_local - local,
        inventory.cost_base - base,
        tuple(after),
        tuple(before),
        *NO_GAINS,
    )


def _with_gains(
    entry: Entry, found: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
) -> Entry:
    by_local, by_base, by_price, by_currency = found
    return entry._replace(
        realised_local=by_local,
        realised_base=by_base,
        realised_price=by_price,
        realised_currency=by_currency,
    )


def _missing(posting: Posting, wanted: Decimal, held: Decimal) -> Finding:
    """Return why an event that needs a holding cannot be booked on what is held."""
    if not held:
        return nothing_held(posting.transaction_id, posting.key)
    return closed_too_much(
        posting.transaction_id, posting.key, decimal_text(abs(wanted)), decimal_text(held)
    )


_APPLIES: Mapping[EffectKind, Callable[[Inventory, Posting, Effect, Transit], Outcome]] = {
    EffectKind.TRADE: _trade,
    EffectKind.ABSORB: _absorb,
    EffectKind.END: _end,
    EffectKind.SPLIT: _split,
    EffectKind.RETURN: _return,
    EffectKind.MARK: _mark,
    EffectKind.CARRY: _carry,
    EffectKind.ARRIVE: _arrive,
}
