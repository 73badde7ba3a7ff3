"""What must hold after every single commit, whatever went wrong before it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.valuation import days_to_change
from tidebook.book.postings import Leg
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.engine.runner.processing import STAGES
from tidebook.model.actions import AT
from tidebook.model.facts import TransactionType
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.database import Entered
    from tests.simulation.scheduler import Group
    from tests.simulation.simulation import Simulation
    from tests.simulation.tables import Changes
    from tidebook.engine.store import Key

_ZERO = Decimal(0)
_MARKET = ("prices", "rates", "dates", "instruments")


class Invariants:
    """Looks at what each commit changed.

    Args:
        simulation: The run.
    """

    def __init__(self, simulation: Simulation) -> None:
        """Look at its database."""
        self._simulation = simulation
        self._database = simulation.database

    def check(self, changes: Changes, process: Group | None) -> None:
        """Check a commit.

        Raises:
            AssertionError: When something does not hold.
        """
        self._log_has_no_gap(changes)
        self._offsets_move_over_what_was_processed(changes, process)
        self._facts_come_from_the_records_passed(changes)
        self._owners_alone_do_work(changes, process)
        self._generations_move_with_the_book(changes)
        self._epochs_grow(changes)
        self._no_two_rows_are_believed_at_once(changes)
        for key in sorted(_keys(changes)):
            self._entries_sum_to_the_state(key)
        for portfolio_id in sorted(_booked_portfolios(changes)):
            self._both_legs_or_none(portfolio_id)
        self._unmarked_series_are_right(changes)

    # The log, and who reads it.

    def _log_has_no_gap(self, changes: Changes) -> None:
        after = {key: change.before or 0 for key, change in changes.get("partitions", {}).items()}
        for (topic, part, first), change in sorted(changes.get("log", {}).items()):
            assert change.before is None, "a record of the log was overwritten"
            assert after[topic, part] == first, "the offsets of the log have a gap"
            after[topic, part] = first + len(change.after.records)
        for key, change in changes.get("partitions", {}).items():
            assert change.after == after[key], "a partition ends elsewhere than its records"

    def _offsets_move_over_what_was_processed(
        self, changes: Changes, process: Group | None
    ) -> None:
        audits = changes.get("processed", {})
        moved = changes.get("offsets", {})
        for key, change in moved.items():
            before, after = change.before, change.after
            shared = self._simulation.cluster is not None and key[0] in {BOOK, REFERENCE}
            if not shared and (before is None or after.fence > before.fence):
                leader = self._database.leader
                assert leader is process, "a leader that was replaced took partitions back"
            if before is None:
                assert after.next_offset == 0, "an offset begins in the middle"
                continue
            if after.next_offset < before.next_offset:
                self._is_shipped_again(key[0])
                continue
            assert after.place >= before.place, "a place moved back"
            assert after.fence >= before.fence, "a fence fell"
            if after.next_offset == before.next_offset:
                continue
            # A unit that processes record after record moves its offset once for each.
            place = before.next_offset
            while place < after.next_offset:
                audit = audits[(*key, place)]
                assert audit.before is None or key[0] == SHIPPING, "a range was processed twice"
                assert audit.after.fence == before.fence, "a stale worker moved an offset"
                place = audit.after.last_offset + 1
            assert place == after.next_offset, "the audit does not end with the offset"
            assert before.owner is process, "somebody moved the offset of another"
            assert after.next_offset <= self._database.partitions.rows[key[1:]]
        for key in audits:
            assert key[:3] in moved, "a range was processed without its offset"

    def _is_shipped_again(self, consumer: str) -> None:
        """Offsets move back where the bus has lost something, and nowhere else."""
        assert consumer == SHIPPING, "an offset moved back"
        bus = self._simulation.swarm.bus
        assert bus is not None, "the log was shipped"
        assert bus.lost, "the log was shipped again, and the bus had lost nothing"

    def _facts_come_from_the_records_passed(self, changes: Changes) -> None:
        """Data and offsets are in one commit: each implies the other."""
        passed: set[str] = set()
        for (consumer, topic, part), change in changes.get("offsets", {}).items():
            if consumer != BOOK or change.before is None:
                continue
            start, end = change.before.next_offset, change.after.next_offset
            for record in self._records(topic, part, start, end):
                identity = record.get("transaction_id")
                if identity is not None:
                    passed.add(identity)
                elif start < end:
                    self._is_set_apart(changes, topic, part, start)
        for identity in passed:
            assert self._database.facts.indexes["current"].get(identity), "a fact was lost"
        for (identity, _), change in changes.get("facts", {}).items():
            if change.before is None:
                assert identity in passed, "a fact was written apart from its offset"

    def _records(self, topic: str, part: int, start: int, end: int) -> Iterable[Any]:
        log = self._database.log
        if start == end:
            return
        for key in log.indexes["part"].get((topic, part), ()):
            for i, record in enumerate(log.rows[key].records):
                if start <= key[2] + i < end:
                    yield record

    def _is_set_apart(self, changes: Changes, topic: str, part: int, offset: int) -> None:
        kept = [
            record
            for key, change in changes.get("log", {}).items()
            if key[0] == f"{topic}.dlq"
            for record in change.after.records
        ]
        assert any(
            record["original_partition"] == str(part) and record["original_offset"] == str(offset)
            for record in kept
        ), "a record that cannot be read was dropped"

    def _owners_alone_do_work(self, changes: Changes, process: Group | None) -> None:
        """Only the process that took the stages last takes work and writes series."""
        for table, part in (("work", "book_work"), ("days", "portfolio_days")):
            gone = any(change.after is None for change in changes.get(table, {}).values())
            if gone or (table == "days" and table in changes):
                owner = self._database.offsets.rows[STAGES, part, 0].owner
                assert owner is process, f"a worker that was replaced changed {table}"

    # The book.

    def _generations_move_with_the_book(self, changes: Changes) -> None:
        booked = _booked_portfolios(changes)
        for identity, change in changes.get("portfolios", {}).items():
            before, after = change
            if before is None:
                continue
            step = after.generation - before.generation
            assert step in {0, 1}, "a generation was lost"
            assert after.valuation_version >= before.valuation_version, "a version fell"
            assert step == 1 or identity not in booked, "a book changed inside its generation"
        for identity in booked:
            known = identity in self._database.portfolios.rows
            assert not known or identity in changes.get("portfolios", {}), (
                "a book changed without its generation"
            )

    def _epochs_grow(self, changes: Changes) -> None:
        restated = {key[:2] for key in changes.get("restatements", {})}
        for key, change in changes.get("states", {}).items():
            before, after = change
            if before is not None and after is not None:
                step = after.state.epoch - before.state.epoch
                assert step in {0, 1}, "an epoch was skipped or fell"
                assert (step == 1) == (key in restated), "an epoch does not tell of a restatement"
            if before is None and after is not None:
                used = self._database.restatements.indexes["key"].get(key, {})
                others = [
                    each[2]
                    for each in used
                    if (*key, each[2]) not in changes.get("restatements", {})
                ]
                assert after.state.epoch >= max(others, default=0), "an epoch was used again"
        for place, change in changes.get("closed", {}).items():
            assert change.after is not None
            assert place[0][:2] in restated, "an entry was closed without a restatement"

    def _no_two_rows_are_believed_at_once(self, changes: Changes) -> None:
        """Neither clocks that step back nor batches that wait mix up what was believed when."""
        for place, change in changes.get("closed", {}).items():
            row: Entered = change.after
            assert row.superseded_at is not None
            assert row.superseded_at >= row.recorded_at, f"{place[0]} ended before it began"
        closed = self._database.closed
        for key, change in changes.get("entries", {}).items():
            for place in closed.indexes["entry"].get(key, ()) if change.after else ():
                ended = closed.rows[place].superseded_at
                assert ended is not None
                assert change.after.recorded_at >= ended, f"{key} is believed twice at once"

    def _entries_sum_to_the_state(self, key: Key) -> None:
        """Entries sum to the position, and open lots to its quantity and cost."""
        table = self._database.entries
        rows = [table.rows[each].row for each in table.indexes["key"].get(key, ())]
        row = self._database.states.rows.get(key)
        if row is None:
            assert rows == [], "a key has entries and no state"
            return
        state, holding = row.state, row.state.holding
        entered = (
            sum((each.quantity for each in rows), _ZERO),
            sum((each.cost_local for each in rows), _ZERO),
            sum((each.cost_base for each in rows), _ZERO),
        )
        assert entered == holding[:3], f"entries of {key} do not sum to its position"
        gains = sum((each.realised_local or _ZERO for each in rows), _ZERO)
        assert gains == state.realised_local, "gains do not sum to the state"
        base = sum((each.realised_base or _ZERO for each in rows), _ZERO)
        assert base == state.realised_base, "gains in base currency do not sum to the state"
        if state.lots_known and holding.lots:
            opened = tuple(sum((lot[i] for lot in holding.lots), _ZERO) for i in (2, 3, 4))
            assert opened == holding[:3], f"lots of {key} do not sum to its position"

    def _both_legs_or_none(self, portfolio_id: str) -> None:
        """What is visible of a portfolio is whole: a transaction has all its legs, or waits."""
        if portfolio_id not in self._database.portfolios.rows:
            return
        must: set[tuple[str, str, str]] = set()
        facts = self._database.facts
        for place in facts.indexes["portfolio"].get(portfolio_id, ()):
            fact = facts.rows[place].fact
            cancelled = fact.transaction.type is TransactionType.CANCELLED
            if not cancelled and not self._waits(place[0]):
                must.add((place[0], "main", fact.main_security_id))
                if fact.cash_security_id is not None:
                    must.add((place[0], "cash", fact.cash_security_id))
        for place in facts.indexes["receiver"].get(portfolio_id, ()):
            arrival = facts.rows[place].fact.arrival
            if arrival is not None and not self._waits(place[0]):
                must.add((place[0], "to", arrival[1]))
        entries = self._database.entries.indexes["portfolio"].get(portfolio_id, ())
        # What actions do follows from what is held; the judgement in the end looks at that.
        # What a pool is levelled by stands on the keys of others, too.
        seen = {
            (key[2], str(key[3]), key[1])
            for key in entries
            if AT not in key[2] and key[3] != Leg.POOL
        }
        assert seen == must, f"legs of {portfolio_id}: {sorted(seen ^ must)}"

    def _waits(self, identity: str) -> bool:
        findings = self._database.findings
        return any(
            findings.rows[key].finding.severity is Severity.WAITING
            for key in findings.indexes["fact"].get(identity, ())
        )

    def _unmarked_series_are_right(self, changes: Changes) -> None:
        """A series that is not marked is what it would come to from its first day on.

        Whatever moves a value marks the series in the same commit; so neither a series that was
        just brought up to date, nor one that a change of the market passed by, may be wrong.
        """
        rows = self._database.portfolios.rows
        touched = changes.get("portfolios", {}).keys()
        if any(table in changes for table in _MARKET):
            touched = rows.keys()
        for identity in sorted(touched):
            row = rows[identity]
            if row.series_from is None and row.generation > 0:
                differ = days_to_change(self._database, row)
                assert differ == [], (
                    f"the series of {identity} is wrong, and nobody knows: {differ}"
                )


def _keys(changes: Changes) -> set[Key]:
    return set(changes.get("states", {})) | {key[:2] for key in changes.get("entries", {})}


def _booked_portfolios(changes: Changes) -> set[str]:
    """Return the portfolios whose book a commit changed."""
    found = {key[0] for key in _keys(changes)} | {key[0] for key in changes.get("restatements", {})}
    found |= {
        change.after.fact.transaction.portfolio_id
        for change in changes.get("facts", {}).values()
        if change.before is None and change.after.superseded_at is None
    }
    return found
