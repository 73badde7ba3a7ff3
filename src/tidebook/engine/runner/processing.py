"""Processing: what is done with a batch, and with work that waits, in one unit each.

Work that waits is taken a few portfolios at a time, and only by whoever leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.batches import Done, Effect
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.record_origins import save_origins
from tidebook.engine.records import transaction_from
from tidebook.engine.runner.telling import tell_book, tell_prices, tell_series
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.engine.stages.compliance import Judging
from tidebook.engine.stages.reference import take
from tidebook.engine.stages.series import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.compliance.ports import VerdictStore
    from tidebook.engine.ports import Clock
    from tidebook.engine.runner.consuming import Part
    from tidebook.engine.store import Store, Unit
    from tidebook.engine.telemetry import Telemetry

STAGES: Final = "stages"
WORK_PART: Final = ("book_work", 0)
SERIES_PART: Final = ("portfolio_days", 0)
COMPLIANCE_PART: Final = ("compliance_verdicts", 0)


class Processing:
    """The stages, each in a unit of its own, under the fence of whom it is done for.

    Args:
        store: Where everything is.
        clock: Tells when something was processed.
        fences: What this process presents for each (consumer, partition), as it stands then.
        telemetry: Told of what was restated.
        compliance: Where verdicts are kept; without it no trade is judged.
        after_book: Called when keys were folded again.
        after_series: Called when series were brought up to date.
    """

    def __init__(  # noqa: PLR0913 - what processing is told, by name
        self,
        store: Store,
        clock: Clock,
        fences: Mapping[tuple[str, Part], int],
        telemetry: Telemetry,
        *,
        compliance: VerdictStore | None,
        after_book: Callable[[], None],
        after_series: Callable[[], None],
    ) -> None:
        """Keep what is needed; nothing is read."""
        self._store = store
        self._clock = clock
        self._fences = fences
        self._telemetry = telemetry
        self._compliance = compliance
        self._judging = Judging(clock.now)
        self._after_book = after_book
        self._after_series = after_series

    def book(self, unit: Unit, batches: Sequence[LogBatch], at: datetime) -> Effect:
        """Book transactions."""
        incoming = [
            Incoming(transaction_from(record), correlation_id)
            for batch in batches
            for record, correlation_id in zip(batch.records, batch.correlation_ids, strict=True)
        ]
        duplicated = restated = 0
        if incoming:
            outcome = book(unit, incoming, (), at)
            tell_book(unit, outcome, incoming[0].correlation_id, at)
            duplicated = outcome.duplicates
            restated = outcome.restated
        counts = [0 if i else duplicated for i in range(len(batches))]
        unit.complete_all(BOOK, self._done(BOOK, batches, counts), at)
        save_origins(unit, batches, at)
        return Effect(duplicated, restated)

    def take(self, unit: Unit, batches: Sequence[LogBatch], at: datetime) -> Effect:
        """Take the facts that bookings and valuations rest on."""
        known: list[int] = []
        ordered = sorted(batches, key=lambda b: topics.REFERENCE_TOPICS.index(b.topic))
        for batch in ordered:
            duplicates = 0
            if batch.records:
                duplicates = take(unit, batch.topic, batch.records, self._clock.now)
                if batch.topic == topics.RAW_MARKET_PRICES:
                    tell_prices(unit, batch, at)
            known.append(duplicates)
        unit.complete_all(REFERENCE, self._done(REFERENCE, ordered, known), at)
        save_origins(unit, batches, at)
        return Effect(duplicates=sum(known))

    def _done(
        self, consumer: str, batches: Sequence[LogBatch], duplicates: Sequence[int]
    ) -> list[Done]:
        return [
            Done(batch, self._fences[consumer, (batch.topic, batch.part)], known)
            for batch, known in zip(batches, duplicates, strict=True)
        ]

    # Work that waits. Each takes so much at the most, passes over portfolios, and names those that
    # it takes before it does anything with them.

    def fold_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Fold a few keys again that corrections have marked."""
        with self._store.unit() as unit:
            work = unit.take_work(limit, spared)
            if not work:
                return
            # Not before: to hold it is a write, and mostly there is nothing to be done under it.
            unit.hold_fence(STAGES, WORK_PART, self._fence(WORK_PART))
            # Not before: what asked for the work may have been believed only since.
            at = self._clock.now()
            taken.extend(item.portfolio_id for item in work)
            outcome = book(unit, (), work, at)
            tell_book(unit, outcome, "", at)
        self._telemetry.keys_restated(outcome.restated)
        self._after_book()

    def value_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Bring a few series up to date."""
        now = self._clock.now
        with self._store.unit() as unit:
            unit.hold_fence(STAGES, SERIES_PART, self._fence(SERIES_PART))
            outcome = bring_up_to_date(unit, limit, now, spared=spared, taken=taken)
            tell_series(unit, outcome, now())
        for days in outcome.restated:
            self._telemetry.series_restated(days)
        if taken:
            self._after_series()

    def judge_again(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        """Judge the trades of a few households again."""
        if self._compliance is None:
            return
        with self._compliance.unit() as unit:
            unit.hold_fence(STAGES, COMPLIANCE_PART, self._fence(COMPLIANCE_PART))
            self._judging.again(unit, limit, spared=spared, taken=taken)

    def _fence(self, part: Part) -> int:
        return self._fences[STAGES, part]
