# ruff: noqa: ANN401 - a wrong function stands in for any function
"""Mutants of pools, chosen lots, contracts, and of actions that end a holding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.mutants.registry import mutant
from tidebook.book import effects, folding, ledger
from tidebook.book.inventory import Inventory
from tidebook.book.lots import LotRule
from tidebook.book.pools import Pools
from tidebook.book.postings import EffectKind
from tidebook.engine.stages import book
from tidebook.engine.stages.reposting import Reposting
from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from tests.simulation.mutants.registry import Patch
    from tidebook.book.lots import KeyRules


@mutant
def pool_not_levelled() -> list[Patch]:
    """What leaves a pool carries the cost of its own portfolio."""

    def level(self: Pools, posting: Any) -> list[Any]:
        return []

    return [(Pools, "level", level)]


@mutant
def levelled_though_refused() -> list[Patch]:
    """A disposal that is refused has moved cost between portfolios."""
    original = Pools.settle

    def settle(self: Pools, levellings: Any, posting: Any, *, booked: bool) -> None:
        if booked:
            original(self, levellings, posting, booked=True)

    return [(Pools, "settle", settle)]


@mutant
def least_tax_as_dearest() -> list[Patch]:
    """The least tax is taken for the highest cost."""
    original = book.key_rules

    def rules(*given: Any) -> KeyRules:
        found = original(*given)
        return found._replace(lots=LotRule.HIFO) if found.lots is LotRule.MIN_TAX else found

    return [(book, "key_rules", rules)]


@mutant
def chosen_lots_ignored() -> list[Patch]:
    """The portfolio's method chooses although the disposal does."""
    original = Inventory.take

    def take(self: Inventory, posting: Any, quantity: Any, named: Any = ()) -> Any:
        del named
        return original(self, posting, quantity)

    return [(Inventory, "take", take)]


@mutant
def premium_dropped() -> list[Patch]:
    """What a contract cost does not go into the trade that it was exercised for."""
    original = effects.apply

    def apply(held: Any, posting: Any, effect: Any, transit: Any) -> Any:
        if effect.kind is EffectKind.ABSORB:
            effect = effect._replace(to_local=ZERO, to_base=ZERO)
        return original(held, posting, effect, transit)

    return [(folding.effects, "apply", apply)]


@mutant
def multiplier_forgotten() -> list[Patch]:
    """A contract is taken for one unit of what it is on."""

    def as_it_is(transaction: Any, multiplier: Any) -> Any:
        del multiplier
        return transaction

    return [(ledger, "_with_multiplier", as_it_is)]


@mutant
def margin_gain_unpaid() -> list[Patch]:
    """The gain of a contract on margin is booked, and its cash is not."""
    original = effects._in_cash

    def in_cash(entry: Any, gain: Any, posting: Any, effect: Any) -> Any:
        return original(entry, gain, posting, effect)._replace(settled=ZERO)

    return [(effects, "_in_cash", in_cash)]


@mutant
def settled_cash_forgotten() -> list[Patch]:
    """An account that is folded for another reason loses what holdings paid to it."""

    def nothing(*given: Any) -> dict[Any, Any]:
        del given
        return {}

    return [(book, "still_settled", nothing)]


@mutant
def cost_stays_with_merger() -> list[Patch]:
    """What a merger pays cash for takes no cost along."""
    original = effects._fraction

    def fraction(lot: Any, part: Any) -> Any:
        del part
        return original(lot, ONE)

    return [(effects, "_fraction", fraction)]


@mutant
def cancelled_action_waits() -> list[Patch]:
    """An action that was cancelled is said to wait for ever."""

    def nothing(self: Reposting) -> None:
        return None

    return [(Reposting, "_forget_actions", nothing)]
