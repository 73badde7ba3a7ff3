"""Committing a preview: its facts go into the log only while the book stands where it was made."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine import records, topics
from tidebook.engine.hypothesis import moved
from tidebook.errors import OverloadedError, StalePreviewError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.ports import Reached
    from tidebook.engine.records import Record
    from tidebook.engine.store import Unit

    ByTopic = Mapping[str, Sequence[tuple[str, Record]]]

UNREAD_MAX: Final = 10_000
"""How many records not booked yet are looked through for those of the portfolios at hand."""
_RETRY_SECONDS: Final = 5
_REFERENCE: Final = tuple(
    topic
    for topic in topics.REFERENCE_TOPICS
    if topic not in {topics.REPROCESSING_REQUESTED, topics.RAW_BALANCE_ASSERTIONS}
)
"""Topics whose facts change a book or its value."""


class Presented(NamedTuple):
    """A preview as it is presented to be committed."""

    portfolio_id: str
    hypothesis: Hypothesis
    preview_hash: str


class Appended(NamedTuple):
    """What a commit has appended, and who reads it: the book's consumer and the reference's."""

    by_topic: ByTopic
    reached: Sequence[Reached]
    book: str
    reference: str


def records_of(hypothesis: Hypothesis, on: date) -> dict[str, list[tuple[str, Record]]]:
    """Return the facts of a hypothesis as keyed records by topic.

    Cancellations come after everything else; ``on`` is the day on which they are recorded.
    """
    by_topic: dict[str, list[tuple[str, Record]]] = {}

    def add(topic: str, key: str, record: Record) -> None:
        by_topic.setdefault(topic, []).append((key, record))

    for portfolio in hypothesis.portfolios:
        record = records.portfolio_record(portfolio)
        add(topics.RAW_PORTFOLIOS, portfolio.portfolio_id, record)
    for instrument in hypothesis.instruments:
        record = records.instrument_record(instrument)
        add(topics.RAW_INSTRUMENTS, instrument.security_id, record)
    for fact in hypothesis.transactions:
        add(topics.RAW_TRANSACTIONS, fact.portfolio_id, records.transaction_record(fact))
    for action in hypothesis.actions:
        add(topics.RAW_CORPORATE_ACTIONS, action.action_id, records.action_record(action))
    for price in hypothesis.prices:
        add(topics.RAW_MARKET_PRICES, price.security_id, records.price_record(price))
    for rate in hypothesis.rates:
        key = topics.pair_key(rate.source, rate.target)
        add(topics.RAW_FX_RATES, key, records.rate_record(rate))
    for day in hypothesis.business_dates:
        add(topics.RAW_BUSINESS_DATES, topics.EVERYWHERE, records.business_date_record(day))
    for cancelled in hypothesis.cancellations:
        add(*topics.place_of(cancelled), records.cancellation_record(cancelled, on))
    return by_topic


def hold_standing(unit: Unit, presented: Presented) -> set[str]:
    """Keep the books of a preview where they stand until the unit ends; return their portfolios.

    Raises:
        StalePreviewError: When one of them no longer stands where the preview was made.
    """
    hypothesis = presented.hypothesis
    named = {presented.portfolio_id, *hypothesis.portfolio_ids}
    if hypothesis.transaction_ids:
        named |= {fact.portfolio_id for fact in unit.facts(hypothesis.transaction_ids).values()}
    related = unit.related_portfolios(named)
    unit.lock_portfolios(related)
    changed = moved(presented.preview_hash, hypothesis, unit.standings(related))
    if changed:
        raise StalePreviewError(presented.portfolio_id, changed)
    return related


def refuse_unread(
    unit: Unit,
    presented: Presented,
    portfolio_ids: Collection[str],
    appended: Appended,
) -> None:
    """Refuse to commit where others' facts were taken in before and are not booked yet.

    What was appended holds its partitions, so that nothing can come between.

    Raises:
        StalePreviewError: When facts of these portfolios, or of the market, lie unread.
        OverloadedError: When too much lies unread to look through.
    """
    own = Counter(
        (topic, topics.partition(key))
        for topic, keyed in appended.by_topic.items()
        for key, _ in keyed
    )
    ends = {(place.topic, place.part): place.offset for place in appended.reached}
    parts = {(topics.RAW_TRANSACTIONS, topics.partition(each)) for each in portfolio_ids}
    unread = unit.backlog(appended.book, sorted(parts))
    if sum(unread.values()) > UNREAD_MAX:
        raise OverloadedError("the queue of unbooked facts", retry_after_seconds=_RETRY_SECONDS)
    waiting: Counter[str] = Counter()
    others = [part for part, count in unread.items() if count > own[part]]
    for batch in unit.read_log(appended.book, others, UNREAD_MAX) if others else ():
        part = (batch.topic, batch.part)
        mine = ends[part] - own[part] if part in ends else None
        for offset, record in enumerate(batch.records, batch.first_offset):
            touched = {record.get("portfolio_id"), record.get("to_portfolio_id")}
            if (mine is None or offset < mine) and touched & set(portfolio_ids):
                waiting[str(record.get("portfolio_id"))] += 1
    changed = [
        f"transactions of {identity} were taken in and are not booked yet: {count}"
        for identity, count in sorted(waiting.items())
    ]
    all_parts = [(topic, part) for topic in _REFERENCE for part in range(topics.PARTITIONS)]
    behind = Counter(
        topic
        for (topic, part), count in unit.backlog(appended.reference, all_parts).items()
        if count > own[topic, part]
    )
    changed += [f"facts on {topic} were taken in and are not in force yet" for topic in behind]
    if changed:
        raise StalePreviewError(presented.portfolio_id, changed)
