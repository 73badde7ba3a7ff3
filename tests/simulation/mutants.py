# ruff: noqa: ANN401 - a wrong function stands in for any function
"""Mutants: the product, or the store's guards that it relies on, with one thing wrong.

A simulation that finds nothing proves nothing until it has found what is known to be there. Each
mutant here is a fault that somebody could have written; the simulation must tell it from the
product within a bounded number of seeds.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.simulation.book_tables import BookTables
from tests.simulation.database import ProcessedRow
from tests.simulation.log_tables import LogTables
from tests.simulation.reference_tables import ReferenceTables
from tests.simulation.series_tables import SeriesTables
from tests.simulation.session import Session
from tests.simulation.store import SimulatedUnit
from tidebook.book import lots
from tidebook.book.ledger import Leg, Posting
from tidebook.book.lots import LotRule
from tidebook.engine.commands import LogCommands
from tidebook.engine.runner import Runner
from tidebook.engine.runner.consuming import Consumption
from tidebook.engine.stages import book, keys, reposting
from tidebook.engine.store import PortfolioState
from tidebook.errors import FencedError, StoreUnavailableError
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from tidebook.book.lots import KeyRules

Patch = tuple[Any, str, Any]
_RARE: Final = frozenset({"no_expected_offset", "refusals_forgotten", "replaced_as_first_seen"})

_SOME_TIME: Final = datetime(2024, 6, 1, tzinfo=UTC)

_all: dict[str, Mutant] = {}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One thing wrong."""

    name: str
    what: str
    """What is wrong, in words."""
    patches: Callable[[], list[Patch]]
    is_rare: bool = False
    """Whether it shows only where several things coincide, in hardly one run of a hundred."""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def applied(self) -> Generator[None]:
        """Have it wrong for as long as the block lasts."""
        with ExitStack() as stack:
            for owner, name, wrong in self.patches():
                stack.enter_context(patch.object(owner, name, wrong))
            yield


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant, in the order in which they are written down."""
    return tuple(_all.values())


def _mutant(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """Register a mutant under the name of its function, with the function's sentence."""
    name = make.__name__
    _all[name] = Mutant(name, (make.__doc__ or "").strip().rstrip("."), make, name in _RARE)
    return make


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


# The log: offsets, fences, and what commits together.


@_mutant
def no_fence() -> list[Patch]:
    """Offsets move, and work is done, for whoever comes, not for the owner alone."""

    def may_move(row: Any, batch: Any, _: int) -> bool:
        return row.next_offset == batch.first_offset

    return [
        (LogTables, "_may_move", staticmethod(may_move)),
        (LogTables, "hold_fence", _nothing),
    ]


@_mutant
def fence_not_raised() -> list[Patch]:
    """Whoever takes partitions over presents the fence of the owner before."""
    original = LogTables.take_partitions

    def take(self: LogTables, consumer: str, parts: Any) -> Any:
        known = {part: self._offsets.get((consumer, *part)) for part in parts}
        fences = original(self, consumer, parts)
        for part, row in known.items():
            if row is not None:
                fences[part] = row.fence
                now = self._offsets.get((consumer, *part))
                assert now is not None
                self._offsets.put((consumer, *part), now._replace(fence=row.fence))
        return fences

    return [(LogTables, "take_partitions", take)]


@_mutant
def no_expected_offset() -> list[Patch]:
    """The owner's fence alone decides whether an offset moves, not where it stands."""

    def may_move(row: Any, _: Any, fence: int) -> bool:
        return row.fence == fence

    return [(LogTables, "_may_move", staticmethod(may_move))]


@_mutant
def split_commit() -> list[Patch]:
    """Effects commit first and the offset after them."""
    original = LogTables.complete

    def complete(self: LogTables, *given: Any) -> None:
        self._session.make_visible()
        original(self, *given)

    return [(LogTables, "complete", complete)]


@_mutant
def offset_before_data() -> list[Patch]:
    """The offset commits when a batch is read, before its effects."""
    original = LogTables.read

    def read(self: LogTables, consumer: str, parts: Any, limit: int) -> Any:
        batches = original(self, consumer, parts, limit)
        for batch in batches:
            key = (consumer, batch.topic, batch.part)
            row = self._offsets.locked(key)
            assert row is not None
            after = batch.first_offset + len(batch.records)
            self._offsets.put(key, row._replace(next_offset=after))
            audit = ProcessedRow(after - 1, row.fence, 0, _SOME_TIME)
            self._processed.put((*key, batch.first_offset), audit)
        self._session.make_visible()
        return batches

    return [(LogTables, "read", read), (LogTables, "complete", _nothing)]


@_mutant
def torn_batch() -> list[Patch]:
    """What a failed unit had written stays."""
    original = Session.rollback

    def rollback(self: Session) -> None:
        if self.transaction.wrote:
            self.make_visible()
        original(self)

    return [(Session, "rollback", rollback)]


@_mutant
def log_overwritten() -> list[Patch]:
    """Appending does not lock the partition: two writers are given one offset."""

    def next_offset(self: LogTables, topic: str, part: int) -> int:
        end = self._partitions.get((topic, part)) or 0
        self._session.statement()
        return end

    original = LogTables.append

    def append(self: LogTables, *given: Any) -> Any:
        with patch.object(self._log, "insert", self._log.put):
            return original(self, *given)

    return [(LogTables, "_next_offset", next_offset), (LogTables, "append", append)]


@_mutant
def acknowledged_before_commit() -> list[Patch]:
    """A request whose commit failed is acknowledged."""
    original = LogCommands._appended

    def appended(self: LogCommands, *given: Any) -> list[tuple[int, int]]:
        try:
            return original(self, *given)
        except StoreUnavailableError:
            return []

    return [(LogCommands, "_appended", appended)]


@_mutant
def unreadable_dropped() -> list[Patch]:
    """A record that cannot be read is passed over without a trace."""

    def set_apart(self: Consumption, single: Any, _: Exception) -> None:
        fence = self._fences[self._consumer, (single.topic, single.part)]
        with self._store.unit() as unit:
            unit.complete(self._consumer, single, fence, 0, self._clock.now())

    return [(Consumption, "_set_apart", set_apart)]


@_mutant
def batch_set_apart() -> list[Patch]:
    """One record that cannot be read takes its whole batch with it."""

    def alone(self: Consumption, single: Any) -> None:
        self._set_apart(single, ValueError("in bad company"))

    return [(Consumption, "_alone", alone)]


@_mutant
def leader_gives_up() -> list[Patch]:
    """A leader whose taking over is refused ends, and keeps the lead."""
    original = Runner._back_off

    def back_off(self: Runner, name: str, error: Exception, attempt: int) -> int:
        if name == "leader" and isinstance(error, FencedError):
            raise error
        return original(self, name, error, attempt)

    return [(Runner, "_back_off", back_off)]


# Admission: new, duplicate, amended.


@_mutant
def no_dedupe() -> list[Patch]:
    """A transaction that is known counts as amended, whatever it says."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        blank = {key: fact._replace(content_hash="") for key, fact in known.items()}
        return original(incoming, blank)

    return [(book, "admit", admit)]


@_mutant
def amend_ignored() -> list[Patch]:
    """A transaction that is known counts as a duplicate, whatever it says."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        fresh = [each for each in incoming if each.transaction.transaction_id not in known]
        return original(fresh, known)

    return [(book, "admit", admit)]


@_mutant
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


@_mutant
def first_of_batch_wins() -> list[Patch]:
    """Of several versions in one batch the first one counts."""
    original = book.admit

    def admit(incoming: Any, known: Mapping[str, Any]) -> Any:
        first: dict[str, Any] = {}
        for each in incoming:
            first.setdefault(each.transaction.transaction_id, each)
        return original(list(first.values()), known)

    return [(book, "admit", admit)]


@_mutant
def replaced_as_first_seen() -> list[Patch]:
    """What an amendment replaces is looked at before its portfolio is locked, and not again."""
    original = SimulatedUnit.facts

    def facts(self: Any, ids: Any) -> Any:
        seen = self.__dict__.setdefault("seen", {})
        if not seen:
            seen.update(original(self, ids))
        return {identity: seen[identity] for identity in ids if identity in seen}

    return [(SimulatedUnit, "facts", facts)]


@_mutant
def old_account_kept() -> list[Patch]:
    """An amendment is not taken out of the cash account of the version before."""
    original = book._Batch._withdraw

    def withdraw(self: Any, identity: str, portfolio_id: str, security_id: str) -> None:
        if not security_id.startswith("CASH"):
            original(self, identity, portfolio_id, security_id)

    return [(book._Batch, "_withdraw", withdraw)]


# Folding.


@_mutant
def same_day_skipped() -> list[Patch]:
    """A transaction of the last day counts as being in order, whatever its instant."""

    def in_order(state: Any, postings: Any) -> bool:
        if state is None or not postings:
            return True
        return state.lots_known and all(each.on >= state.last[0] for each in postings)

    return [(keys, "in_order", in_order)]


@_mutant
def back_dated_appended() -> list[Patch]:
    """A back-dated transaction is folded onto the end of its key."""

    def in_order(state: Any, postings: Any) -> bool:
        return state is None or not postings or state.lots_known

    return [(keys, "in_order", in_order)]


@_mutant
def rank_ignored() -> list[Patch]:
    """At one instant what removes may come before what adds."""

    def order(self: Posting) -> Any:
        return (self.on, self.at, 0, self.transaction_id, self.leg)

    def order_of(row: Any) -> Any:
        return (row.on, row.at, 0, row.transaction_id, row.leg)

    return [(Posting, "order", property(order)), (keys, "order_of", order_of)]


@_mutant
def instant_ignored() -> list[Patch]:
    """Inside a day the id decides, not the instant."""

    def order(self: Posting) -> Any:
        midnight = self.at.replace(hour=0, minute=0)
        return (self.on, midnight, self.rank, self.transaction_id, self.leg)

    def order_of(row: Any) -> Any:
        midnight = row.at.replace(hour=0, minute=0)
        return (row.on, midnight, row.rank, row.transaction_id, row.leg)

    return [(Posting, "order", property(order)), (keys, "order_of", order_of)]


@_mutant
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


@_mutant
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


@_mutant
def refused_sale_moves_cash() -> list[Patch]:
    """The cash of a sale moves although the sale waits."""

    def counts(_: Any, __: Any) -> bool:
        return True

    return [(book._Batch, "_counts", counts)]


@_mutant
def cash_leg_doubled() -> list[Patch]:
    """A trade moves twice its cash."""
    original = reposting.post

    def post(*given: Any) -> Any:
        posted = original(*given)
        legs = tuple(
            leg._replace(quantity=2 * leg.quantity) if leg.leg is Leg.CASH else leg
            for leg in posted.postings
        )
        return posted._replace(postings=legs)

    return [(reposting, "post", post)]


@_mutant
def refusals_forgotten() -> list[Patch]:
    """What comes before a sale that waits does not have it tried again."""

    def refusals(_: Any, __: Any) -> dict[Any, Any]:
        return {}

    return [(BookTables, "refusals", refusals)]


@_mutant
def waiting_forgotten() -> list[Patch]:
    """Whether a stored fact waits is not asked when its cash account is folded again."""

    def waiting(_: Any, __: Any) -> set[str]:
        return set()

    return [(BookTables, "waiting", waiting)]


@_mutant
def finding_never_resolved() -> list[Patch]:
    """What was once found of a transaction is said of it for ever."""

    def save(self: BookTables, findings: Any, _: Any) -> None:
        for row in findings:
            key = (row.finding.transaction_id, row.finding.code)
            if self._findings.get(key) is None:
                self._findings.insert(key, row)

    return [(BookTables, "_save_findings", save)]


@_mutant
def accounts_not_replaced() -> list[Patch]:
    """Where a stored fact is booked is not written when it moves to another key."""
    original = BookTables.save

    def save(self: BookTables, write: Any, at: Any) -> None:
        original(self, write._replace(replaced_accounts=()), at)

    return [(BookTables, "save", save)]


@_mutant
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


@_mutant
def share_rounded_down() -> list[Patch]:
    """The cost that leaves with a part of a lot is cut off at the last place."""
    down = Context(prec=200, rounding=ROUND_DOWN)

    def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
        cut = down.quantize(down.divide(down.multiply(whole, part), of), Decimal(1).scaleb(-18))
        return whole if part == of else cut

    return [(lots, "share", share)]


@_mutant
def remainder_dropped_in_share() -> list[Patch]:
    """What stays of a lot is cut to six places: parts no longer sum to the whole."""
    original = lots._State._take

    def take(self: Any, quantity: Decimal) -> Any:
        taken = original(self, quantity)
        if self.head < len(self.lots):
            lot = self.lots[self.head]
            places = Decimal("0.000001")
            local, base = (round(cost / places) * places for cost in lot[3:])
            self.lots[self.head] = lot._replace(cost_local=local, cost_base=base)
        return taken

    return [(lots._State, "_take", take)]


@_mutant
def pool_kept_as_lots() -> list[Patch]:
    """Average cost is kept first in, first out."""
    original = book.key_rules

    def rules(*given: Any) -> KeyRules:
        found = original(*given)
        return found._replace(lots=LotRule.FIFO) if found.lots is LotRule.AVCO else found

    return [(book, "key_rules", rules)]


@_mutant
def lots_taken_as_none() -> list[Patch]:
    """A key whose lots are too many to carry counts as having none."""
    original = BookTables._carried

    def carried(self: BookTables, state: Any) -> Any:
        return original(self, state)._replace(lots_known=True)

    return [(BookTables, "_carried", carried)]


# Two times.


@_mutant
def clock_trusted() -> list[Patch]:
    """What a batch closes ends at the instant of the batch, whatever the clock did in between."""

    def after_replaced(_: Any, __: Any, at: Any) -> Any:
        return at

    return [(BookTables, "_after_replaced", after_replaced)]


# What rests on what: late facts, and who is woken by them.


@_mutant
def lost_wake_up() -> list[Patch]:
    """What bookings rest on may change while they look at it."""
    return [(SimulatedUnit, "hold_reference", _nothing)]


@_mutant
def market_not_held() -> list[Patch]:
    """What valuations rest on may change while they look at it."""
    return [(SimulatedUnit, "hold_market", _nothing)]


@_mutant
def work_taken_but_not_done() -> list[Patch]:
    """A key is off the list before it is folded again."""
    original = BookTables.take_work

    def take(self: BookTables, *given: Any) -> Any:
        taken = original(self, *given)
        self._session.make_visible()
        return taken

    return [(BookTables, "take_work", take)]


@_mutant
def late_portfolio_not_woken() -> list[Patch]:
    """A portfolio arrives, and what waited for it waits on."""
    return [(ReferenceTables, "wake", _but_for("portfolio:"))]


@_mutant
def late_instrument_not_woken() -> list[Patch]:
    """An instrument arrives, and what waited for it waits on."""
    return [
        (ReferenceTables, "wake", _but_for("instrument:")),
        (ReferenceTables, "refold_securities", _nothing),
    ]


def _but_for(kind: str) -> Callable[..., None]:
    original = ReferenceTables.wake

    def wake(self: ReferenceTables, subjects: Any, reason: str, at: Any) -> None:
        original(self, [each for each in subjects if not each.startswith(kind)], reason, at)

    return wake


@_mutant
def late_rate_not_woken() -> list[Patch]:
    """A rate arrives, and what waited for it waits on."""
    return [
        (ReferenceTables, "wake_rates", _nothing),
        (ReferenceTables, "refold_foreign", _nothing),
    ]


@_mutant
def rate_not_refolded() -> list[Patch]:
    """A rate is corrected, and what was booked at it stays."""
    return [(ReferenceTables, "refold_foreign", _nothing)]


@_mutant
def instrument_not_refolded() -> list[Patch]:
    """An instrument changes its currency or kind, and what was booked in it stays."""
    return [(ReferenceTables, "refold_securities", _nothing)]


@_mutant
def policy_not_refolded() -> list[Patch]:
    """A portfolio changes its policy, and its book stays."""
    return [(ReferenceTables, "refold_portfolios", _nothing)]


# The daily series.


@_mutant
def price_not_dirtied() -> list[Patch]:
    """A price is corrected, and no series is marked."""
    return [(ReferenceTables, "mark_holders", _nothing)]


@_mutant
def price_of_sold_not_dirtied() -> list[Patch]:
    """A price is corrected, and only those who still hold the security are marked."""
    original = ReferenceTables.mark_holders

    def mark(self: ReferenceTables, earliest: Any) -> None:
        states = self._states
        where = states.where

        def held(index: str, value: Any) -> Iterator[Any]:
            return (each for each in where(index, value) if each[1].state.holding.quantity != ZERO)

        with patch.object(states, "where", held):
            original(self, earliest)

    return [(ReferenceTables, "mark_holders", mark)]


@_mutant
def rate_not_dirtied() -> list[Patch]:
    """A rate is corrected, and no series is marked."""
    return [(ReferenceTables, "mark_foreign", _nothing)]


@_mutant
def date_not_dirtied() -> list[Patch]:
    """A business date arrives, and no series is marked."""
    return [(ReferenceTables, "mark_all", _nothing)]


@_mutant
def book_not_dirtied() -> list[Patch]:
    """A book changes, and its series is not marked."""
    original = BookTables._bump

    def bump(self: BookTables, write: Any) -> None:
        original(self, write._replace(dirty={}))

    return [(BookTables, "_bump", bump)]


@_mutant
def series_writes_stale_job() -> list[Patch]:
    """A series is written although its book or the market has moved."""

    def is_stale(*_: object) -> bool:
        return False

    return [(SeriesTables, "_is_stale", staticmethod(is_stale))]


@_mutant
def opening_forgotten() -> list[Patch]:
    """A series that is resumed opens with nothing."""

    def opening(self: SeriesTables, portfolio_id: str, day: Any) -> Any:
        before = [key[1] for key, _ in self._days.where("portfolio", portfolio_id) if key[1] < day]
        return max(before, default=None), ZERO

    return [(SeriesTables, "_opening", opening)]
