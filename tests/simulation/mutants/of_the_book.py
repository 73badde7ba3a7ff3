# ruff: noqa: ANN401 - a wrong function stands in for any function
"""What could be wrong about admission, folding, lots and what was believed when."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.action_tables import ActionTables
from tests.simulation.book_tables import BookTables
from tests.simulation.mutants.of_the_log import nothing
from tests.simulation.mutants.registry import mutant
from tests.simulation.store import SimulatedUnit
from tidebook.book import effects, folding, inventory
from tidebook.book.lots import LotRule
from tidebook.book.postings import EffectKind, Leg, Posting
from tidebook.engine.stages import book, keys, reposting
from tidebook.engine.store import PortfolioState
from tidebook.model.facts import TransactionType as T

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.mutants.registry import Patch
    from tidebook.book.lots import KeyRules


# Admission: new, duplicate, amended.


@mutant
def no_dedupe() -> list[Patch]:
    """A transaction that is known counts as amended, whatever it says."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        blank = {key: fact._replace(content_hash="") for key, fact in known.items()}
        return original(incoming, blank)

    return [(book, "admit", admit)]


@mutant
def amend_ignored() -> list[Patch]:
    """A transaction that is known counts as a duplicate, whatever it says."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        fresh = [each for each in incoming if each.transaction.transaction_id not in known]
        return original(fresh, known)

    return [(book, "admit", admit)]


@mutant
def duplicate_row_in_batch() -> list[Patch]:
    """The same transaction twice in one batch is two versions of it."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        found = original(incoming, known)
        ids = [each.transaction.transaction_id for each in incoming]
        current, overtaken = dict(found.current), list(found.overtaken)
        for identity, last in found.current.items():
            if ids.count(identity) > 1 and not overtaken:
                overtaken.append(last)
                current[identity] = last._replace(version=last.version + 1)
        return found._replace(current=current, overtaken=tuple(overtaken))

    return [(book, "admit", admit)]


@mutant
def first_of_batch_wins() -> list[Patch]:
    """Of several versions in one batch the first one counts."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        first: dict[str, Any] = {}
        for each in incoming:
            first.setdefault(each.transaction.transaction_id, each)
        return original(list(first.values()), known)

    return [(book, "admit", admit)]


@mutant
def replaced_as_first_seen() -> list[Patch]:
    """What an amendment replaces is looked at before its portfolio is locked, and not again."""
    original = SimulatedUnit.facts

    def facts(self: Any, ids: Any) -> Any:
        seen = self.__dict__.setdefault("seen", {})
        if not seen:
            seen.update(original(self, ids))
        return {identity: seen[identity] for identity in ids if identity in seen}

    return [(SimulatedUnit, "facts", facts)]


@mutant
def old_account_kept() -> list[Patch]:
    """An amendment is not taken out of the cash account of the version before."""
    original = book._Batch._withdraw

    def withdraw(self: Any, identity: str, portfolio_id: str, security_id: str) -> None:
        if not security_id.startswith("CASH"):
            original(self, identity, portfolio_id, security_id)

    return [(book._Batch, "_withdraw", withdraw)]


# Folding.


@mutant
def moved_from_cash_lost() -> list[Patch]:
    """What turns out to belong elsewhere than on the cash account is on neither for a while."""

    def follow(*_: object) -> None:
        """Leave the other keys alone."""

    return [(book._Batch, "_follow", follow)]


@mutant
def folded_on_under_other_rules() -> list[Patch]:
    """What was folded under one policy is folded on under another."""

    def fits(*_: object) -> bool:
        return True

    return [(keys, "fits", fits)]


@mutant
def same_day_skipped() -> list[Patch]:
    """A transaction of the last day counts as being in order, whatever its instant."""

    def in_order(state: Any, postings: Any) -> bool:
        if state is None or not postings:
            return True
        return state.lots_known and all(each.on >= state.last[0] for each in postings)

    return [(keys, "comes_after", in_order)]


@mutant
def back_dated_appended() -> list[Patch]:
    """A back-dated transaction is folded onto the end of its key."""

    def in_order(state: Any, postings: Any) -> bool:
        return state is None or not postings or state.lots_known

    return [(keys, "comes_after", in_order)]


@mutant
def rank_ignored() -> list[Patch]:
    """At one instant what removes may come before what adds."""

    def order(self: Posting) -> Any:
        return (self.on, self.at, 0, self.transaction_id, self.leg)

    def order_of(row: Any) -> Any:
        return (row.on, row.at, 0, row.transaction_id, row.leg)

    return _ordered_by(order, order_of)


@mutant
def instant_ignored() -> list[Patch]:
    """Inside a day the id decides, not the instant."""

    def order(self: Posting) -> Any:
        midnight = self.at.replace(hour=0, minute=0)
        return (self.on, midnight, self.rank, self.transaction_id, self.leg)

    def order_of(row: Any) -> Any:
        midnight = row.at.replace(hour=0, minute=0)
        return (row.on, midnight, row.rank, row.transaction_id, row.leg)

    return _ordered_by(order, order_of)


@mutant
def epoch_not_bumped() -> list[Patch]:
    """A key that was folded again keeps its epoch."""
    original = keys.refold

    def refold(key: Any, state: Any, *given: Any) -> Any:
        result = original(key, state, *given)
        if result.write is None or state is None:
            return result
        same = result.write.state._replace(epoch=state.epoch)
        return result._replace(write=result.write._replace(state=same))

    return [(keys, "refold", refold)]


@mutant
def refold_keeps_old_entries() -> list[Patch]:
    """Entries that a fold from scratch no longer comes to stay."""
    original = keys.refold

    def refold(*given: Any) -> Any:
        result = original(*given)
        if result.write is None:
            return result
        written = {(row.transaction_id, row.leg) for row in result.write.write}
        close = tuple(entry for entry in result.write.close if entry in written)
        return result._replace(write=result.write._replace(close=close))

    return [(keys, "refold", refold)]


@mutant
def refused_sale_moves_cash() -> list[Patch]:
    """The cash of a sale moves although the sale waits."""

    def counts(_: Any, __: Any) -> bool:
        return True

    return [(book._Batch, "_counts", counts)]


@mutant
def cash_leg_doubled() -> list[Patch]:
    """A trade moves twice its cash."""
    original = reposting.post_by_id

    def post(*given: Any) -> Any:
        return {identity: doubled(posted) for identity, posted in original(*given).items()}

    def doubled(posted: Any) -> Any:
        legs = tuple(
            leg._replace(quantity=2 * leg.quantity) if leg.leg is Leg.CASH else leg
            for leg in posted.postings
        )
        return posted._replace(postings=legs)

    return [(reposting, "post_by_id", post)]


@mutant
def refusals_forgotten() -> list[Patch]:
    """What comes before a sale that waits does not have it tried again."""

    def refusals(_: Any, __: Any) -> dict[Any, Any]:
        return {}

    return [(BookTables, "refusals", refusals)]


@mutant
def waiting_forgotten() -> list[Patch]:
    """Whether a stored fact waits is not asked when its cash account is folded again."""

    def waiting(_: Any, __: Any) -> set[str]:
        return set()

    return [(BookTables, "waiting", waiting)]


@mutant
def finding_never_resolved() -> list[Patch]:
    """What was once found of a transaction is said of it for ever."""

    def save(self: BookTables, findings: Any, _: Any) -> None:
        for row in findings:
            key = (row.finding.transaction_id, row.finding.code)
            if self._findings.get(key) is None:
                self._findings.insert(key, row)

    return [(BookTables, "_save_findings", save)]


@mutant
def accounts_not_replaced() -> list[Patch]:
    """Where a stored fact is booked is not written when it moves to another key."""
    original = BookTables.save

    def save(self: BookTables, write: Any, at: Any) -> None:
        original(self, write._replace(replaced_accounts=()), at)

    return [(BookTables, "save", save)]


@mutant
def stale_generation() -> list[Patch]:
    """Portfolios are not locked, and the generation that was read is not presented."""

    def lock(self: BookTables, ids: Any) -> Any:
        self._session.statement()
        rows = {identity: self._portfolios.get(identity) for identity in sorted(ids)}
        return {
            identity: PortfolioState(row.portfolio, row.generation)
            for identity, row in rows.items()
            if row is not None
        }

    original = BookTables._bump

    def bump(self: BookTables, write: Any) -> None:
        now = {identity: self._portfolios.locked(identity) for identity in write.generations}
        generations = {identity: row.generation for identity, row in now.items() if row}
        original(self, write._replace(generations=generations))

    return [(BookTables, "lock_portfolios", lock), (BookTables, "_bump", bump)]


# Lots.


@mutant
def share_rounded_down() -> list[Patch]:
    """The cost that leaves with a part of a lot is cut off at the last place."""
    down = Context(prec=200, rounding=ROUND_DOWN)

    def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
        cut = down.quantize(down.divide(down.multiply(whole, part), of), Decimal(1).scaleb(-18))
        return whole if part == of else cut

    return [(inventory, "share", share)]


@mutant
def remainder_dropped_in_share() -> list[Patch]:
    """What stays of a lot is cut to six places: parts no longer sum to the whole."""
    original = inventory.split_lot

    def split_lot(lot: Any, quantity: Decimal) -> Any:
        part, rest = original(lot, quantity)
        places = Decimal("0.000001")
        local, base = (round(cost / places) * places for cost in rest[3:])
        return part, rest._replace(cost_local=local, cost_base=base)

    return [(inventory, "split_lot", split_lot)]


@mutant
def pool_kept_as_lots() -> list[Patch]:
    """Average cost is kept first in, first out."""
    original = book.key_rules

    def rules(*given: Any) -> KeyRules:
        found = original(*given)
        return found._replace(lots=LotRule.FIFO) if found.lots is LotRule.AVCO else found

    return [(book, "key_rules", rules)]


@mutant
def lots_taken_as_none() -> list[Patch]:
    """A key whose lots are too many to carry counts as having none."""
    original = BookTables._carried

    def carried(self: BookTables, state: Any) -> Any:
        return original(self, state)._replace(lots_known=True)

    return [(BookTables, "_carried", carried)]


# Two times.


@mutant
def clock_trusted() -> list[Patch]:
    """What a batch closes ends at the instant of the batch, whatever the clock did in between."""

    def after_replaced(_: Any, __: Any, at: Any) -> Any:
        return at

    return [(BookTables, "_after_replaced", after_replaced)]


# Lots that are carried, actions and cancellations.


@mutant
def cancel_ignored() -> list[Patch]:
    """A transaction that was cancelled stays."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        real = [each for each in incoming if each.transaction.type is not T.CANCELLED]
        return original(real, known)

    return [(book, "admit", admit)]


@mutant
def action_not_reapplied() -> list[Patch]:
    """An action is set, corrected or cancelled, and what rests on it stays."""
    return [(ActionTables, "refold", nothing)]


@mutant
def carry_loses_dates() -> list[Patch]:
    """Lots that arrive count as opened on another day than they were."""
    original = effects._arriving

    def arriving(*given: Any) -> Any:
        return [lot._replace(opened_on=date(2024, 3, 1)) for lot in original(*given)]

    return [(effects, "_arriving", arriving)]


@mutant
def carry_books_half() -> list[Patch]:
    """What leaves one portfolio does not arrive in the other."""
    original = effects.apply

    def apply(held: Any, posting: Any, effect: Any, transit: Any) -> Any:
        if effect.kind is EffectKind.ARRIVE:
            transit.pop(posting.transaction_id, None)
            return None
        return original(held, posting, effect, transit)

    return [(folding.effects, "apply", apply)]


@mutant
def group_not_locked() -> list[Patch]:
    """The portfolio that something is carried to is not locked along with the other."""

    def related(_: Any, ids: Any) -> set[str]:
        return set(ids)

    return [(SimulatedUnit, "related_portfolios", related)]


@mutant
def newest_as_oldest() -> list[Patch]:
    """Last in, first out is kept first in, first out."""
    original = book.key_rules

    def rules(*given: Any) -> KeyRules:
        found = original(*given)
        return found._replace(lots=LotRule.FIFO) if found.lots is LotRule.LIFO else found

    return [(book, "key_rules", rules)]


@mutant
def dearest_as_oldest() -> list[Patch]:
    """Highest cost first is kept first in, first out."""
    original = book.key_rules

    def rules(*given: Any) -> KeyRules:
        found = original(*given)
        return found._replace(lots=LotRule.FIFO) if found.lots is LotRule.HIFO else found

    return [(book, "key_rules", rules)]


def _ordered_by(order: Any, order_of: Any) -> list[Patch]:
    """Return what has postings and entries ordered otherwise, wherever they are."""

    def in_order(postings: Any) -> list[Any]:
        return sorted(postings, key=order)

    return [
        (Posting, "order", property(order)),
        (keys, "in_order", in_order),
        (keys, "order_of", order_of),
    ]
