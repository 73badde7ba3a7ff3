"""Where the records of a batch were read from: files and lines, beside the facts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tidebook.book.derivation import Source, SourceKind
from tidebook.engine.records import ORIGIN, transaction_from
from tidebook.engine.store import FactOrigin
from tidebook.engine.topics import RAW_MARKET_PRICES, RAW_TRANSACTIONS
from tidebook.model.facts import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.store import Unit


def origins_of(topic: str, records: Iterable[Mapping[str, str]]) -> list[FactOrigin]:
    """Return the facts of a batch that say where they were read from, each with the file and line.

    An origin is no content: the same fact from another file is the same fact.
    """
    return [
        FactOrigin(
            _source(topic, record),
            record[ORIGIN],
            content_hash(transaction_from(record)) if topic == RAW_TRANSACTIONS else "",
        )
        for record in records
        if record.get(ORIGIN)
    ]


def save_origins(unit: Unit, batches: Sequence[LogBatch], at: datetime) -> None:
    """Keep where records were read from, as far as they say."""
    for batch in batches:
        unit.save_origins(origins_of(batch.topic, batch.records), at)


def _source(topic: str, record: Mapping[str, str]) -> Source:
    if topic == RAW_TRANSACTIONS:
        return Source(SourceKind.TRANSACTION, record["transaction_id"])
    if topic == RAW_MARKET_PRICES:
        on = date.fromisoformat(record["priceDate"])
        return Source(SourceKind.PRICE, record["securityId"], on)
    on = date.fromisoformat(record["rateDate"])
    return Source(SourceKind.RATE, f"{record['fromCurrency']}/{record['toCurrency']}", on)
