"""The fold: from a key's postings, in their order, to its lots, entries and findings.

Most keys are folded alone. Keys between which lots or costs are carried, and keys that share a
pool, are folded together, posting by posting in the order of time, because what one sends the
other receives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.book import effects
from tidebook.book.inventory import NO_GAINS, Inventory, merged
from tidebook.book.lots import EMPTY, Entry, Folded, Holding, LotRule
from tidebook.book.pools import Pools
from tidebook.book.postings import EffectKind, Leg
from tidebook.model.money import ZERO, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidebook.book.effects import Outcome, Transit
    from tidebook.book.lots import KeyRules
    from tidebook.book.postings import Posting
    from tidebook.model.findings import Finding

Key = tuple[str, str]
"""Portfolio id and security id."""
_LEVELS_NOTHING: Final = frozenset({EffectKind.ARRIVE, EffectKind.SPLIT})
_RECEIVES: Final = frozenset({EffectKind.ARRIVE, EffectKind.ABSORB})


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
        inventory = Inventory(holding, rules)
        allow_short, turns = rules.allow_short, bool(rules.changes)
        for posting in postings:
            if turns and inventory.turn(posting.on):
                entries.append(_pooled(inventory, posting))
            quantity = posting.quantity
            held = inventory.quantity
            if posting.effect is not None:
                outcome = effects.apply(inventory, posting, posting.effect, {})
            elif not quantity:
                outcome = _flow_only(posting)
            elif held and (held > ZERO) is not (quantity > ZERO):
                outcome = inventory.close(posting)
            elif quantity > ZERO or allow_short:
                outcome = inventory.open(posting)
            else:
                outcome = inventory.refusal(posting)
            if isinstance(outcome, Entry):
                entries.append(outcome)
            elif outcome is not None:
                findings.append(outcome)
        return Folded(inventory.freeze(), tuple(entries), tuple(findings))


def fold_together(postings: Iterable[Posting], rules: Mapping[Key, KeyRules]) -> dict[Key, Folded]:
    """Return what keys that depend on each other come to, folded from their beginning.

    A carry is booked on both its keys or on neither: where the key that receives it cannot take
    it, the finding is that key's.

    Args:
        postings: All postings of all the keys, in any order.
        rules: The policy of every key that is named by a posting.
    """
    ordered = sorted(postings, key=_place)
    joint = _Joint(rules, ordered)
    with exact():
        for posting in ordered:
            joint.book(posting)
    return joint.folded()


def _place(posting: Posting) -> tuple[object, ...]:
    return (*posting.order, posting.portfolio_id, posting.security_id)


class _Joint:
    """The working state of several keys that are folded together."""

    def __init__(self, rules: Mapping[Key, KeyRules], ordered: Iterable[Posting]) -> None:
        self.inventories = {key: Inventory(EMPTY, rule) for key, rule in rules.items()}
        self.entries: dict[Key, list[Entry]] = {key: [] for key in rules}
        self.findings: dict[Key, list[Finding]] = {key: [] for key in rules}
        self.transit: Transit = {}
        self.pools = Pools(self.inventories, rules)
        self.arrivals = {
            posting.transaction_id: posting
            for posting in ordered
            if posting.effect is not None and posting.effect.kind in _RECEIVES
        }

    def book(self, posting: Posting) -> None:
        key = posting.key
        inventory = self.inventories[key]
        if inventory.turns and inventory.turn(posting.on):
            self.entries[key].append(_pooled(inventory, posting))
        outcome = self._refused(posting, inventory) or self._outcome(posting, inventory)
        if isinstance(outcome, Entry):
            self.entries[key].append(outcome)
        elif outcome is not None:
            self.findings[key].append(outcome)

    def _refused(self, posting: Posting, inventory: Inventory) -> Finding | None:
        """Return why the receiving key cannot take what this posting would send."""
        if posting.effect is None or posting.effect.kind is not EffectKind.CARRY:
            return None
        arrival = self.arrivals.get(posting.transaction_id)
        if arrival is None:
            return None
        refused = effects.refuses(self.inventories[arrival.key], arrival, inventory)
        if refused is None:
            return None
        # What its own key lacks is said first: it does not follow from what comes to the other.
        return effects.cannot_leave(inventory, posting, posting.effect) or refused

    def _outcome(self, posting: Posting, inventory: Inventory) -> Outcome:
        if inventory.rules.lots is LotRule.UNIT:
            return _unit(inventory, posting) if posting.effect is None else None
        pools = inventory.pooled and inventory.rules.pool and _disposes(posting, inventory)
        levellings = self.pools.level(posting) if pools else []
        if posting.effect is not None:
            outcome = effects.apply(inventory, posting, posting.effect, self.transit)
        elif not posting.quantity:
            outcome = _flow_only(posting)
        else:
            outcome = effects.plain(inventory, posting)
        if pools:
            booked = isinstance(outcome, Entry)
            self.pools.settle(levellings, posting, booked=booked)
            for levelling in levellings if booked else ():
                self.entries[levelling.posting.key].append(levelling)
        return outcome

    def folded(self) -> dict[Key, Folded]:
        return {
            key: Folded(inventory.freeze(), tuple(self.entries[key]), tuple(self.findings[key]))
            for key, inventory in self.inventories.items()
        }


def _disposes(posting: Posting, inventory: Inventory) -> bool:
    """Tell whether units of a pool, or a gain, are about to leave.

    What arrives levels nothing: where it left, the pool was levelled for it. A split changes all
    units that one unit of cost is spread over, and no cost.
    """
    effect = posting.effect
    if effect is not None and effect.kind not in {EffectKind.TRADE, EffectKind.ABSORB}:
        return inventory.quantity > ZERO and effect.kind not in _LEVELS_NOTHING
    return posting.quantity < ZERO and -posting.quantity <= inventory.quantity


def _pooled(inventory: Inventory, posting: Posting) -> Entry:
    """Make one pool of a key's lots, because its cost method changed."""
    lots = inventory.open_lots()
    pool = merged(lots)
    inventory.replace([pool])
    turning = posting._replace(
        leg=Leg.METHOD,
        rank=-1,
        quantity=ZERO,
        amount=ZERO,
        amount_base=ZERO,
        realises=False,
        flow=None,
        flow_base=ZERO,
        effect=None,
    )
    return Entry(turning, ZERO, ZERO, ZERO, (pool,), tuple(lots), *NO_GAINS)


def _flow_only(posting: Posting) -> Entry:
    return Entry(posting, ZERO, ZERO, ZERO, (), (), *NO_GAINS)


def _fold_units(holding: Holding, postings: Iterable[Posting]) -> Folded:
    """Book cash of the base currency: cost equals quantity, and no disposal gains anything."""
    entries: list[Entry] = []
    quantity = holding.quantity
    for posting in postings:
        if posting.effect is not None:
            continue  # cash has no units to split, and nothing is carried to it
        quantity += posting.quantity
        entries.append(_unit_entry(posting))
    return Folded(Holding(quantity, quantity, quantity), tuple(entries), ())


def _unit(inventory: Inventory, posting: Posting) -> Entry:
    inventory.quantity += posting.quantity
    inventory.cost_local = inventory.cost_base = inventory.quantity
    return _unit_entry(posting)


def _unit_entry(posting: Posting) -> Entry:
    moved = posting.quantity
    gain = ZERO if posting.realises and moved < 0 else None
    return made(Entry, (posting, moved, moved, moved, (), (), gain, gain, gain, gain, None))
