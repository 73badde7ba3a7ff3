"""What the stages have to say to others: one record per portfolio (or security) and batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.engine import topics

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.engine.batches import LogBatch
    from tidebook.engine.records import Record
    from tidebook.engine.stages.book import BookOutcome
    from tidebook.engine.stages.series import SeriesOutcome
    from tidebook.engine.store import Unit


def tell_book(unit: Unit, outcome: BookOutcome, correlation_id: str, at: datetime) -> None:
    """Say which transactions were taken, and that they are booked."""
    taken: list[tuple[str, Record]] = [
        (portfolio_id, {"portfolio_id": portfolio_id, "transaction_ids": ",".join(ids)})
        for portfolio_id, ids in sorted(outcome.touched.items())
    ]
    if taken:
        told = topics.PROCESSED_TRANSACTIONS, topics.TRANSACTIONS_COMPLETED
        unit.append_each(told, [(taken, correlation_id)], at)


def tell_prices(unit: Unit, batch: LogBatch, at: datetime) -> None:
    """Say of which securities there are new prices, and from which day on."""
    earliest: dict[str, str] = {}
    for record in batch.records:
        security_id, day = record["securityId"], record["priceDate"]
        earliest[security_id] = min(day, earliest.get(security_id, day))
    told: list[tuple[str, Record]] = [
        (security_id, {"security_id": security_id, "from_date": day})
        for security_id, day in sorted(earliest.items())
    ]
    unit.append(topics.MARKET_PRICE_PERSISTED, told, batch.correlation_ids[0], at)


def tell_series(unit: Unit, outcome: SeriesOutcome, at: datetime) -> None:
    """Say which portfolios were valued anew, from which day on."""
    told: list[tuple[str, Record]] = [
        (
            portfolio_id,
            {
                "portfolio_id": portfolio_id,
                "from_date": first.isoformat(),
                "generation": str(generation),
            },
        )
        for portfolio_id, first, generation in outcome.brought
    ]
    if told:
        unit.append(topics.SNAPSHOT_PERSISTED, told, "", at)
