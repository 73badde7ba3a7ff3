"""Pools over portfolios: one average cost for all units of a security that a taxpayer holds.

Before units leave any portfolio of the pool, cost is moved between its keys until every unit of
every portfolio costs the same; what leaves then carries the average of the whole pool. Nothing is
made or lost: the moves of one levelling add up to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.inventory import NO_GAINS
from tidebook.book.lots import Entry, LotRule
from tidebook.book.postings import Leg
from tidebook.model.actions import AT, ActionType
from tidebook.model.money import ZERO, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.inventory import Inventory
    from tidebook.book.lots import KeyRules
    from tidebook.book.postings import Posting

Key = tuple[str, str]
"""Portfolio id and security id."""


class Pools:
    """The keys of each pool."""

    def __init__(self, inventories: Mapping[Key, Inventory], rules: Mapping[Key, KeyRules]) -> None:
        """Find which keys belong together."""
        self._inventories = inventories
        self._members: dict[str, list[Key]] = {}
        self._level_for: dict[str, str] = {}
        for key in sorted(rules):
            if rules[key].pool and rules[key].lots is not LotRule.UNIT:
                self._members.setdefault(rules[key].pool, []).append(key)

    def level(self, posting: Posting) -> list[Entry]:
        """Move cost between the keys of a posting's pool until every unit costs the same.

        Keys that are not pooled at that time, or hold nothing, or are short, are left aside. A
        corporate action levels a pool once, before it reaches the first portfolio: what it has
        taken from one must not be made up for by those that it has still to reach.
        """
        pool = self._inventories[posting.key].rules.pool
        if self._level_for.get(pool) == _action_of(posting):
            return []
        members = [key for key in self._members.get(pool, ()) if self._takes_part(key, posting)]
        if len(members) < 2:  # noqa: PLR2004 - one key is level with itself
            return []
        held = [self._inventories[key] for key in members]
        quantity = sum((one.quantity for one in held), ZERO)
        local = _level([one.cost_local for one in held], held, quantity)
        base = _level([one.cost_base for one in held], held, quantity)
        return [
            _moved(key, inventory, posting, costs)
            for key, inventory, costs in zip(
                members, held, zip(local, base, strict=True), strict=True
            )
            if costs != (inventory.cost_local, inventory.cost_base)
        ]

    def settle(self, levellings: Sequence[Entry], posting: Posting, *, booked: bool) -> None:
        """Remember what a pool was levelled for; or level it no more, where that was refused."""
        if booked:
            action = _action_of(posting)
            if action:
                self._level_for[self._inventories[posting.key].rules.pool] = action
            return
        for entry in levellings:
            inventory = self._inventories[entry.posting.key]
            inventory.replace([*entry.matches, *inventory.open_lots()[1:]])

    def _takes_part(self, key: Key, posting: Posting) -> bool:
        inventory = self._inventories[key]
        return inventory.rules.rule_on(posting.on) is LotRule.AVCO and inventory.quantity > ZERO


def _action_of(posting: Posting) -> str:
    """Return the id of the corporate action that a posting is of; empty for a transaction."""
    is_action = isinstance(posting.type, ActionType)
    return posting.transaction_id.partition(AT)[0] if is_action else ""


def _level(costs: Iterable[Decimal], held: Iterable[Inventory], quantity: Decimal) -> list[Decimal]:
    """Return every key's part of the whole cost by its units; the last takes the remainder."""
    whole = sum(costs, ZERO)
    parts = [share(whole, one.quantity, quantity) for one in held]
    return [*parts[:-1], whole - sum(parts[:-1], ZERO)]


def _moved(
    key: Key, inventory: Inventory, posting: Posting, costs: tuple[Decimal, Decimal]
) -> Entry:
    before = inventory.open_lots()
    change_local, change_base = costs[0] - inventory.cost_local, costs[1] - inventory.cost_base
    # A key whose own lots have not become one pool yet keeps them; the first carries the change.
    first = before[0]
    after = [
        first._replace(
            cost_local=first.cost_local + change_local, cost_base=first.cost_base + change_base
        ),
        *before[1:],
    ]
    inventory.replace(after)
    levelling = posting._replace(
        portfolio_id=key[0],
        security_id=key[1],
        leg=Leg.POOL,
        rank=1,
        quantity=ZERO,
        amount=ZERO,
        amount_base=ZERO,
        realises=False,
        flow=None,
        flow_base=ZERO,
        effect=None,
    )
    return Entry(levelling, ZERO, change_local, change_base, (after[0],), (first,), *NO_GAINS)
